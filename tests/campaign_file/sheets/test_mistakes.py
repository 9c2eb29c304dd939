"""What people get wrong in a spreadsheet, and what they then read.

`mistakes/NAME.yaml` is the campaign, `NAME.csv` the sheet, `NAME.txt` the message. Where the campaign names
`NAME.xlsx`, the rows of the CSV file are put into a workbook, and what only a workbook can have is done to it here.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from datetime import datetime, time
from pathlib import Path

import pytest

from campaign_runner.campaign_file.loader import load
from campaign_runner.errors import CampaignFileError
from tests.campaign_file.sheets.workbooks import put, saved, shown_as, with_cell, with_part

HERE = Path(__file__).parent / "mistakes"
NAMES = sorted(path.stem for path in HERE.glob("*.txt"))
OLD_WORKBOOK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


def _rows(path: Path) -> list[list[str | None]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [[cell or None for cell in row] for row in csv.reader(file)]


def _bytes(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def _cut_off(path: Path) -> None:
    saved(path, _rows(path.with_suffix(".csv")))
    path.write_bytes(path.read_bytes()[:-400])


def _workbook(*changes: Callable[..., object]) -> Callable[[Path], object]:
    return lambda path: saved(path, _rows(path.with_suffix(".csv")), *changes)


MADE: dict[str, Callable[[Path], object]] = {
    "a_code_that_lost_its_zeros": _workbook(put("A2", 734), put("A3", 1022), shown_as("A2 A3", "00000")),
    "a_date_with_a_time": _workbook(put("C2", datetime(2026, 9, 1, 14, 30)), shown_as("C2", "dd.mm.yyyy hh:mm")),
    "a_file_of_excel_97": _bytes(OLD_WORKBOOK),
    "a_file_that_is_not_whole": _cut_off,
    "a_file_that_is_not_there_yet": _bytes(bytes(20_000)),
    "a_folder": lambda path: path.mkdir(),
    "a_formula_without_a_result": _workbook(put("B3", "=A3&A2")),
    "a_long_code_in_scientific_notation": _workbook(put("A2", 4006381333931), shown_as("A2", "0.00E+00")),
    "a_lookup_that_failed": _workbook(put("B2", "#N/A"), put("B3", "#REF!")),
    "a_note_that_excel_keeps": _bytes(b"\x05Maria" + bytes(160)),
    "a_password": _bytes(OLD_WORKBOOK + "EncryptedPackage".encode("utf-16-le") + bytes(600)),
    "a_price_that_shows_more": _workbook(put("C2", 12.5), shown_as("C2", '0.00 "€"')),
    "a_ratio_that_became_a_time": _workbook(put("C2", time(16, 9)), shown_as("C2", "h:mm")),
    "a_sheet_that_is_called_otherwise": lambda path: saved(path, _rows(path.with_suffix(".csv")), name="AW26 final"),
    "a_web_page_as_a_workbook": _bytes(b"<html><body><table><tr><td>id</td></tr></table></body></html>"),
    "a_workbook_of_another_program": lambda path: with_part(
        saved(path, [["id"]]), "xl/workbook.xml", lambda _: b"<!DOCTYPE x [<!ENTITY a 'b'>]><workbook/>"
    ),
    "an_ean_with_too_many_digits": _workbook(put("A2", 40063813339310000)),
    "text_that_is_not_in_the_file": lambda path: with_cell(
        saved(path, _rows(path.with_suffix(".csv"))), "B2", '<c r="B2" t="s"><v>900</v></c>'
    ),
}
"""How the workbooks are made that no CSV file can stand for."""


@pytest.mark.parametrize("name", NAMES)
def test_a_mistake_is_told_as_its_text_says(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in HERE.glob(f"{name}.*"):
        shutil.copy(path, tmp_path)
    if name in MADE:
        file = "~$products.xlsx" if name == "a_note_that_excel_keeps" else f"{name}.xlsx"
        MADE[name](tmp_path / file)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CampaignFileError) as raised:
        load(Path(f"{name}.yaml"))
    said = str(raised.value).replace(str(tmp_path), "…")
    assert said == (HERE / f"{name}.txt").read_text(encoding="utf-8").rstrip("\n")


def test_there_are_at_least_forty_and_each_has_its_campaign() -> None:
    assert len(NAMES) >= 40
    assert {path.stem for path in HERE.glob("*.yaml")} == set(NAMES)
    assert MADE.keys() <= set(NAMES)
