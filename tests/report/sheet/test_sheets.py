"""What stands on the contact sheets: what exists comes first, all of it, and its keys are written below."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.output_folder.folder import REVIEW, Folder
from campaign_runner.output_folder.manifest_writer import counts_of
from campaign_runner.report.sheet import contents as sheet_contents
from campaign_runner.report.sheet import sheet_file
from campaign_runner.report.sheet.contents import Contents, sheets
from campaign_runner.report.sheet.drawing import draw
from campaign_runner.report.sheet.sheet_file import keep_sheets, sheet_path
from campaign_runner.review.thumbnails.thumbnail import SMALL, name_of
from tests.campaigns import plan
from tests.recorded import record


@pytest.fixture(autouse=True)
def of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three pictures a sheet."""
    monkeypatch.setattr(sheet_contents, "MOST_PICTURES", 3)


async def shown(tmp_path: Path, *states: str) -> list[Contents]:
    """The sheets of a campaign of eight images in these states."""
    planned = plan(tmp_path, seeds=[1, 2, 3, 4])
    await record(tmp_path / "output", planned, states)
    with Folder(tmp_path / "output").ledger() as ledger:
        return list(sheets(planned, ledger, counts_of(planned, ledger)))


def seeds(contents: Contents) -> list[tuple[str, int, bool]]:
    return [(row.product, picture.seed, picture.file is not None) for row in contents.rows for picture in row.pictures]


async def test_images_that_exist_come_first_on_as_many_sheets_as_they_take(tmp_path: Path) -> None:
    found = await shown(tmp_path, "new", "stored", "failed", "stored", "stored", "new", "new", "stored")
    assert [seeds(each) for each in found] == [
        [("candle", 2, True), ("candle", 4, True), ("soap", 1, True)],
        [("soap", 4, True), ("candle", 1, False), ("candle", 3, False)],
    ]
    assert found[0].subtitle.endswith("6 are shown   sheet 1 of 2")
    planned = plan(tmp_path, seeds=[1, 2, 3, 4])
    assert found[0].rows[0].pictures[0].key8 == list(planned.keys())[1][:8]


async def test_without_an_image_there_is_no_sheet(tmp_path: Path) -> None:
    assert await shown(tmp_path, "failed", "in_doubt") == []


async def test_a_sheet_is_drawn_from_thumbnails_and_taken_away_once_it_is_not_needed(tmp_path: Path) -> None:
    found = await shown(tmp_path, *["stored"] * 4)
    folder = Folder(tmp_path / "output")
    folder.staging.mkdir()
    (folder.path / REVIEW).mkdir()
    Image.new("RGB", (320, 320), "#c81e1e").save(folder.path / REVIEW / name_of("ab" * 32, SMALL))
    for row in found[0].rows + found[1].rows:
        for picture in row.pictures:
            if picture.file is not None:
                (folder.path / picture.file).parent.mkdir(parents=True, exist_ok=True)
                (folder.path / picture.file).write_bytes(b"is not looked at")
    warnings: list[str] = []
    await keep_sheets(found, folder, warnings.append)
    assert warnings == [] and sheet_path(folder, 2).name == "contact-sheet-2.jpg" and sheet_path(folder, 2).is_file()
    with Image.open(folder.sheet) as sheet:
        colours = {sheet.getpixel((x, y)) for x in range(0, sheet.width, 9) for y in range(0, sheet.height, 9)}
    assert any(isinstance(pixel, tuple) and pixel[0] > 190 and pixel[1] < 50 for pixel in colours)
    (folder.path / "contact-sheet-3.jpg").write_bytes(b"not ours")
    await keep_sheets(found[:1], folder, warnings.append)
    assert not sheet_path(folder, 2).exists() and (folder.path / "contact-sheet-3.jpg").exists()


async def test_all_sheets_are_drawn_by_one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each thread that drew one keeps its memory: with six, fifty sheets took 430 MB."""
    found = await shown(tmp_path, *["stored"] * 8)
    (tmp_path / "output" / ".staging").mkdir()
    threads: list[str] = []

    def noted(*arguments: Any) -> Image.Image:
        threads.append(threading.current_thread().name)
        return draw(*arguments)

    monkeypatch.setattr(sheet_file, "draw", noted)
    await keep_sheets([found[0], found[1], found[2]], Folder(tmp_path / "output"), lambda warning: None)
    assert threads == ["sheets_0"] * 3


async def test_a_sheet_is_read_when_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = plan(tmp_path, seeds=[1, 2, 3, 4])
    await record(tmp_path / "output", planned, ["stored"] * 8)
    asked: list[int] = []
    entries = Ledger.entries

    def noted(ledger: Ledger, keys: Sequence[str]) -> dict[str, Entry]:
        asked.append(len(keys))
        return entries(ledger, keys)

    monkeypatch.setattr(Ledger, "entries", noted)
    with Folder(tmp_path / "output").ledger() as ledger:
        found = sheets(planned, ledger, counts_of(planned, ledger))
        assert (len(found), asked) == (3, [])
        assert seeds(found[-1]) == [("soap", 3, True), ("soap", 4, True)]
        assert asked == [2]
        with pytest.raises(IndexError):
            found[3]
