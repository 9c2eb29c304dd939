"""The sheet is drawn from what is on the disk, rewritten only when it changes, and never in the way."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from campaign_runner.model import Size
from campaign_runner.output_folder.folder import Folder
from campaign_runner.report.sheet.contents import Contents, Picture, Row
from campaign_runner.report.sheet.layout import Place, page
from campaign_runner.report.sheet.sheet_file import keep_sheets

RED, GREEN, PAPER = (200, 30, 30), (30, 160, 60), (250, 249, 246)
SIZE = Size(512, 512)


def stored(folder: Path, name: str, colour: tuple[int, ...] = RED, **options: object) -> str:
    """A picture of one colour on the disk; its name, as the ledger has it."""
    path = folder / "images" / name
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB" if len(colour) == 3 else "RGBA", (SIZE.width, SIZE.height), colour).save(path, **options)  # type: ignore[arg-type]
    return f"images/{name}"


def contents(*files: str | None, missing: str = "failed") -> Contents:
    """One cell with these files; None for a picture that is not there."""
    pictures = tuple(Picture(seed, file, file and "digest", missing) for seed, file in enumerate(files))
    return Contents("almond", "image3   2 images", (Row("candle", ("hero",), SIZE, pictures),))


async def keep(shown: Contents, folder: Path) -> list[str]:
    """Keep the sheet; the warnings."""
    warnings: list[str] = []
    (folder / ".staging").mkdir(exist_ok=True)
    await keep_sheets([shown], Folder(folder), warnings.append)
    return warnings


def colours(folder: Path, shown: Contents) -> list[tuple[int, ...]]:
    """What is in the middle of every picture of the sheet, a little aside of its words."""
    with Image.open(folder / "contact-sheet.jpg") as sheet:
        places: list[Place] = [place for row in page(shown).rows for place in row.pictures]
        points = [(place.left + place.width // 2, place.top + place.height // 4) for place in places]
        found = [sheet.getpixel(point) for point in points]
    return [pixel for pixel in found if isinstance(pixel, tuple)]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def near(pixel: tuple[int, ...], colour: tuple[int, ...]) -> bool:
    return all(abs(one - other) < 12 for one, other in zip(pixel, colour, strict=True))


async def test_a_picture_is_shown_at_its_place(tmp_path: Path) -> None:
    shown = contents(stored(tmp_path, "a.jpg", RED), stored(tmp_path, "b.png", GREEN))
    assert await keep(shown, tmp_path) == []
    first, second = colours(tmp_path, shown)
    assert near(first, RED) and near(second, GREEN)


async def test_what_can_be_seen_through_is_shown_on_paper(tmp_path: Path) -> None:
    shown = contents(stored(tmp_path, "glass.webp", (255, 0, 0, 0), lossless=True))
    await keep(shown, tmp_path)
    assert near(colours(tmp_path, shown)[0], PAPER)


async def test_what_is_missing_is_a_grey_box(tmp_path: Path) -> None:
    shown = contents(stored(tmp_path, "a.jpg"), None)
    await keep(shown, tmp_path)
    box = colours(tmp_path, shown)[1]
    assert max(box) - min(box) < 20 and not near(box, PAPER)


async def test_without_a_picture_there_is_no_sheet(tmp_path: Path) -> None:
    assert await keep(contents(None, None), tmp_path) == []
    assert not (tmp_path / "contact-sheet.jpg").exists()


async def test_it_is_rewritten_only_when_it_shows_something_else(tmp_path: Path) -> None:
    shown = contents(stored(tmp_path, "a.jpg"), None)
    await keep(shown, tmp_path)
    os.utime(tmp_path / "contact-sheet.jpg", (1, 1))
    await keep(shown, tmp_path)
    assert (tmp_path / "contact-sheet.jpg").stat().st_mtime == 1
    await keep(contents(shown.rows[0].pictures[0].file, None, missing="abandoned"), tmp_path)
    assert (tmp_path / "contact-sheet.jpg").stat().st_mtime > 1


async def test_it_is_rewritten_when_a_file_is_gone(tmp_path: Path) -> None:
    shown = contents(stored(tmp_path, "a.jpg"), stored(tmp_path, "b.jpg"))
    await keep(shown, tmp_path)
    (tmp_path / "images" / "b.jpg").unlink()
    assert await keep(shown, tmp_path) != []
    assert not near(colours(tmp_path, shown)[1], RED)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",  # nothing
        b"\xff\xd8\xff\xe0 no picture",
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\xff",  # cut in its head
        b"RIFF\x04\x00\x00\x00WEBP",
    ],
)
async def test_a_damaged_picture_warns_and_the_others_are_shown(damaged: bytes, tmp_path: Path) -> None:
    shown = contents(stored(tmp_path, "a.jpg"), stored(tmp_path, "b.jpg"))
    (tmp_path / "images" / "a.jpg").write_bytes(damaged)
    (warning,) = await keep(shown, tmp_path)
    assert "images/a.jpg" in warning
    assert near(colours(tmp_path, shown)[1], RED)


async def test_a_cut_picture_warns(tmp_path: Path) -> None:
    shown = contents(stored(tmp_path, "a.jpg"), stored(tmp_path, "b.png"))
    whole = (tmp_path / "images" / "b.png").read_bytes()
    (tmp_path / "images" / "b.png").write_bytes(whole[: len(whole) // 2])
    assert len(await keep(shown, tmp_path)) == 1


async def test_an_old_sheet_stays_where_a_new_one_cannot_be_written(tmp_path: Path) -> None:
    shown = contents(stored(tmp_path, "a.jpg"))
    await keep(shown, tmp_path)
    before = (tmp_path / "contact-sheet.jpg").read_bytes()
    warnings: list[str] = []
    changed = replace(shown, subtitle="another")
    (tmp_path / ".staging").rmdir()
    await keep_sheets([changed], Folder(tmp_path), warnings.append)
    assert len(warnings) == 1 and (tmp_path / "contact-sheet.jpg").read_bytes() == before


async def test_a_sheet_that_is_no_picture_is_drawn_anew(tmp_path: Path) -> None:
    (tmp_path / "contact-sheet.jpg").write_bytes(b"not a picture")
    shown = contents(stored(tmp_path, "a.jpg"))
    assert await keep(shown, tmp_path) == []
    assert near(colours(tmp_path, shown)[0], RED)


async def test_nothing_but_the_sheet_is_left(tmp_path: Path) -> None:
    await keep(contents(stored(tmp_path, "a.jpg")), tmp_path)
    assert names(tmp_path) == {".staging", "images", "contact-sheet.jpg"} and not names(tmp_path / ".staging")
