"""What is done to a sheet buys exactly what it changes: order, formats, columns and hiding buy nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import strategies as st
from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet.worksheet import Worksheet

from campaign_runner.plan.plan import Plan
from tests.campaign_file.sheets.workbooks import CONCERNED, HEADINGS, loaded, saved, with_part
from tests.examples import few_and_many

WORDS = st.text(st.sampled_from("abcdeéü ñ-'"), min_size=1, max_size=12).map(str.strip).filter(bool)
Row = list[str]


@st.composite
def tables(draw: st.DrawFn) -> list[Row]:
    """Rows of products with different ids and names."""
    number = draw(st.integers(1, 8))
    return [
        [
            f"AB-{at}",
            f"{draw(WORDS)} {at}",
            f"{draw(WORDS)} {at} de",
            draw(WORDS),
            draw(st.sampled_from(("live", "Live ", "draft"))),
            "9",
        ]
        for at in range(number)
    ] + [["AB-last", "x", "y", "z", "live", "9"]]


def images(
    rows: Sequence[Row], *changes: Callable[[Worksheet], object], headings: Sequence[str] = HEADINGS
) -> set[str]:
    """The keys of all images."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "products.xlsx"
        saved(path, [headings, *rows], *changes)
        return _keys(path)


def _keys(sheet: Path) -> set[str]:
    return set(Plan(loaded(sheet)).keys())


@few_and_many(8, 50, tables(), st.randoms(use_true_random=False))
def test_another_order_of_rows_and_columns_buys_nothing(rows: list[Row], chance: object) -> None:
    shuffle = chance.shuffle  # type: ignore[attr-defined]
    before = images(rows)
    again = [list(row) for row in rows]
    shuffle(again)
    assert images(again) == before
    order = list(range(len(HEADINGS)))
    shuffle(order)
    moved = [[row[at] for at in order] for row in again]
    assert images(moved, headings=[HEADINGS[at] for at in order]) == before


@few_and_many(8, 50, tables(), st.data())
def test_formats_hidden_rows_further_columns_and_empty_rows_buy_nothing(rows: list[Row], data: st.DataObject) -> None:
    hidden = data.draw(st.sets(st.integers(2, len(rows) + 1)))
    bold = data.draw(st.sets(st.integers(1, len(rows) + 1)))
    before = images(rows)

    def format_all(sheet: Worksheet) -> None:
        for number in hidden:
            sheet.row_dimensions[number].hidden = True
        for number in bold:
            for cell in sheet[number]:
                cell.font, cell.fill, cell.number_format = Font(bold=True), PatternFill("solid", fgColor="FF0000"), "@"

    assert images(rows, format_all, lambda sheet: sheet.insert_cols(2)) == before
    assert images([*rows, [], ["", "", ""]], lambda sheet: sheet.insert_rows(1, 3)) == before
    wider = [[*row, "anything", str(at)] for at, row in enumerate(rows)]
    assert images(wider, headings=[*HEADINGS, "Comment", "name de"]) == before


@few_and_many(12, 80, tables(), st.data())
def test_a_changed_cell_buys_exactly_the_images_concerned(rows: list[Row], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.sampled_from((1, 2, 3, 5)))
    changed = [list(row) for row in rows]
    changed[at][column] = "quite new"
    before, after = images(rows), images(changed)
    is_read = rows[at][4].strip().lower() == "live" and column != 5
    concerned = CONCERNED if is_read else 0
    assert (len(after - before), len(before - after)) == (concerned, concerned)


DIALECTS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "elements with a prefix": (
        "xl/worksheets/sheet1.xml",
        lambda xml: re.sub(rb"<(/?)(?=[a-z])", rb"<\1x:", xml).replace(b"xmlns=", b"xmlns:x="),
    ),
    "cells without their places": (
        "xl/worksheets/sheet1.xml",
        lambda xml: re.sub(rb' r="[A-Z]*[0-9]+"', b"", xml),
    ),
    "another encoding": (
        "xl/sharedStrings.xml",
        lambda xml: b"\xff\xfe" + xml.decode().replace('encoding="UTF-8"', "").encode("utf-16-le"),
    ),
}


@pytest.mark.parametrize("name", DIALECTS)
def test_a_workbook_that_another_program_saved_buys_nothing(name: str, tmp_path: Path) -> None:
    part, change = DIALECTS[name]
    path = saved(tmp_path / "products.xlsx", [HEADINGS, ["AB-1", "candle", "Kerze", "soy", "live", "9"]])
    before = _keys(path)
    content = path.read_bytes()
    with_part(path, part, change)
    assert path.read_bytes() != content
    assert _keys(path) == before
