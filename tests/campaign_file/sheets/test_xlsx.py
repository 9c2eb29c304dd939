"""What the cells of a workbook are read as, and what no cell may be."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path

import pytest
from openpyxl.worksheet.worksheet import Worksheet

from campaign_runner.campaign_file.sheets.cells import SheetCell
from campaign_runner.campaign_file.sheets.reader import read_sheet
from tests.campaign_file.sheets.workbooks import Value, saved, shown_as, with_cell


def cell_of(path: Path, row: int = 2, column: int = 1) -> SheetCell:
    return next(each for each in read_sheet(path) if each.number == row).cells[column]


READ: dict[str, tuple[Value, str, str]] = {
    "a text": (" Kerze,\u00a0groß ", "General", "Kerze,\u00a0groß"),
    "a text that looks like a number": ("00734", "@", "00734"),
    "a whole number": (734, "General", "734"),
    "an EAN": (4006381333931, "General", "4006381333931"),
    "an EAN that is formatted as a number": (4006381333931, "0", "4006381333931"),
    "a decimal": (12.5, "General", "12.5"),
    "a sum of decimals": (0.1 + 0.2, "General", "0.3"),
    "a number with a format that shows it whole": (12.5, "0.0", "12.5"),
    "a number with signs between thousands": (1500, "#,##0", "1500"),
    "a negative number": (-3, "0", "-3"),
    "a number with the format of texts": (734, "@", "734"),
    "a date": (date(2026, 9, 1), "dd.mm.yyyy", "2026-09-01"),
    "a date whose time is not shown": (datetime(2026, 9, 1, 14, 30), "dd.mm.yyyy", "2026-09-01"),
    "a truth value": (True, "General", "TRUE"),
}


@pytest.mark.parametrize(("value", "code", "text"), READ.values(), ids=READ)
def test_a_value_is_read_as_the_sheet_shows_it(value: Value, code: str, text: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "products.xlsx", [["id"], [value]], shown_as("A2", code))
    assert cell_of(path) == SheetCell(text)


REFUSED: dict[str, tuple[Value, str, str]] = {
    "leading zeros of a format": (734, "00000", "the sheet shows 00734 here, but the cell holds 734"),
    "digits that the format hides": (12.5, "0", "the sheet shows 13 here, but the cell holds 12.5"),
    "digits that the format adds": (12.5, "0.00", "the sheet shows 12.50 here, but the cell holds 12.5"),
    "a percentage": (0.3, "0%", "the sheet shows 30% here, but the cell holds 0.3"),
    "a unit of the format": (12, '0" g"', "the sheet shows 12 g here, but the cell holds 12"),
    "scientific notation": (1500, "0.00E+00", "the column shows numbers in scientific notation"),
    "a tiny number": (0.00000012, "General", "this number is in scientific notation"),
    "too many digits": (
        40063813339310000,
        "0",
        "this number has more than 15 digits: Excel keeps only the first 15",
    ),
    "a time of day": (time(16, 9), "h:mm", "Excel turned this into a time of day"),
    "a date with a time": (datetime(2026, 9, 1, 14, 30), "yyyy-mm-dd hh:mm", "this date has a time of day"),
    "a formula that was never computed": ("=A1&A1", "General", "the result of this formula is not in the file"),
    "an error": ("#N/A", "General", "this cell has the error #N/A"),
}


@pytest.mark.parametrize(("value", "code", "said"), REFUSED.values(), ids=REFUSED)
def test_a_value_that_the_sheet_shows_otherwise_is_refused(value: Value, code: str, said: str, tmp_path: Path) -> None:
    flaw = cell_of(saved(tmp_path / "products.xlsx", [["id"], [value]], shown_as("A2", code))).flaw
    assert flaw is not None
    assert flaw[0] == said


WRITTEN = {
    "a text in the cell itself": ('<c r="A2" t="inlineStr"><is><t>Ker</t><r><t>ze</t></r></is></c>', "Kerze"),
    "the reading of a Japanese word is left out": (
        '<c r="A2" t="inlineStr"><is><t>東京</t><rPh sb="0" eb="2"><t>トウキョウ</t></rPh></is></c>',
        "東京",
    ),
    "a formula with its result": ('<c r="A2" t="str"><f>B1&amp;"ze"</f><v>Kerze</v></c>', "Kerze"),
    "a number from a formula": ('<c r="A2"><f>700+34</f><v>734</v></c>', "734"),
    "a line break as Excel writes it": ('<c r="A2" t="inlineStr"><is><t>a_x000D_\nb</t></is></c>', "a\r\nb"),
    "a date in words": ('<c r="A2" t="d"><v>2026-09-01T00:00:00</v></c>', "2026-09-01"),
}


@pytest.mark.parametrize(("xml", "text"), WRITTEN.values(), ids=WRITTEN)
def test_a_cell_is_read_however_a_program_writes_it(xml: str, text: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "products.xlsx", [["id"], ["x"]])
    assert cell_of(with_cell(path, "A2", xml)) == SheetCell(text)


def test_a_cell_merged_downwards_fills_its_rows(tmp_path: Path) -> None:
    rows: list[list[Value]] = [["id", "size"], ["AB-1", "S"], [None, "M"], [None, "L"], ["AB-2", "S"], [None, "M"]]
    path = saved(tmp_path / "products.xlsx", rows, lambda sheet: sheet.merge_cells("A2:A4"))
    ids = [row.cells[1].text if 1 in row.cells else None for row in read_sheet(path)]
    assert ids == ["id", "AB-1", "AB-1", "AB-1", "AB-2", None]


def test_hidden_rows_are_read_and_known_as_such(tmp_path: Path) -> None:
    path = saved(
        tmp_path / "products.xlsx",
        [["id"], ["AB-1"], ["AB-2"]],
        lambda sheet: setattr(sheet.row_dimensions[2], "hidden", True),
    )
    assert [(row.number, row.is_hidden) for row in read_sheet(path)] == [(1, False), (2, True), (3, False)]


def test_days_count_from_1904_where_the_workbook_says_so(tmp_path: Path) -> None:
    def from_1904(sheet: Worksheet) -> None:
        assert sheet.parent is not None
        sheet.parent.epoch = datetime(1904, 1, 1)

    rows: list[list[Value]] = [["id"], [date(2026, 9, 1)]]
    path = saved(tmp_path / "products.xlsx", rows, from_1904, shown_as("A2", "yyyy-mm-dd"))
    assert cell_of(path) == SheetCell("2026-09-01")
