"""A workbook that LibreOffice saved again is read as before, and so is the CSV file that it makes of one.

What it made lies in `resaved/`; `resaving.py` makes it again.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.sheets.cells import SheetCell
from campaign_runner.campaign_file.sheets.reader import read_sheet
from campaign_runner.plan.plan import Plan
from tests.campaign_file.sheets.resaving import MADE, RESAVED

CAMPAIGNS = Path(__file__).parents[3] / "campaigns"
COMPUTED = "a formula that was never computed"
Cells = dict[tuple[int, int], SheetCell]


def cells_of(path: Path) -> Cells:
    """Every cell that is not empty, by row and column."""
    return {(row.number, column): cell for row in read_sheet(path) for column, cell in row.cells.items()}


def made(name: str, folder: Path) -> Cells:
    """What is read of a workbook before it is saved again."""
    MADE[name](folder / f"{name}.xlsx")
    return cells_of(folder / f"{name}.xlsx")


@pytest.mark.parametrize("name", ["almond-master", "layout", "texts"])
def test_a_workbook_saved_again_is_read_as_before(name: str, tmp_path: Path) -> None:
    assert cells_of(RESAVED / f"{name}.xlsx") == made(name, tmp_path)


def test_hidden_rows_stay_hidden(tmp_path: Path) -> None:
    MADE["layout"](tmp_path / "layout.xlsx")
    before, after = (
        [row.number for row in read_sheet(path) if row.is_hidden]
        for path in (tmp_path / "layout.xlsx", RESAVED / "layout.xlsx")
    )
    assert before == after == [5]


def test_every_kind_of_value_is_read_or_refused_as_before(tmp_path: Path) -> None:
    before, after = made("cells", tmp_path), cells_of(RESAVED / "cells.xlsx")
    assert before.keys() == after.keys()
    differing = {before[row, 1].text for (row, column) in before if before[row, column] != after[row, column]}
    assert differing == {COMPUTED}, "saving computes it"


def test_texts_are_the_same_in_a_csv_file(tmp_path: Path) -> None:
    assert cells_of(RESAVED / "texts.csv") == made("texts", tmp_path)


def test_a_csv_file_of_the_master_lacks_nothing_but_what_was_merged(tmp_path: Path) -> None:
    in_workbook, in_csv = made("almond-master", tmp_path), cells_of(RESAVED / "almond-master.csv")
    used = {1, 3, 4, 5, 6, 7, 8, 11, 12}
    assert {at: cell for at, cell in in_csv.items() if at[1] in used}.items() <= in_workbook.items()
    lacking = {at for at in in_workbook if at[1] in used and at not in in_csv}
    assert {column for _, column in lacking} == {1} and len(lacking) == 5


@pytest.mark.parametrize("name", ["almond-master"])
def test_the_example_buys_nothing_after_it_was_saved_again(name: str, tmp_path: Path) -> None:
    shutil.copy(CAMPAIGNS / f"{name}.yaml", tmp_path)
    shutil.copy(RESAVED / f"{name}.xlsx", tmp_path)
    again, before = load(tmp_path / f"{name}.yaml"), load(CAMPAIGNS / f"{name}.yaml")
    assert list(Plan(again).keys()) == list(Plan(before).keys())
    assert again.products_sha256 == before.products_sha256
