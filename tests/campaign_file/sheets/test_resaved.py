"""A workbook that LibreOffice saved again is read as before, and so is the CSV file that it makes of one.

What it once made is in `resaved/`, and read always; as proofs, it saves everything again.
"""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.sheets.cells import SheetCell
from campaign_runner.campaign_file.sheets.reader import read_sheet
from campaign_runner.plan.plan import Plan
from tests.campaign_file.sheets.resaving import MADE, RESAVED, XLSX, convert, resave
from tests.campaign_file.sheets.workbooks import CONCERNED, HEADINGS, Value, loaded, saved, shown_as

CAMPAIGNS = Path(__file__).parents[3] / "campaigns"
COMPUTED = "a formula that was never computed"
Cells = dict[tuple[int, int], SheetCell]


@pytest.fixture(scope="module", params=["once", pytest.param("now", marks=pytest.mark.proof)])
def resaved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what LibreOffice made of each workbook of `MADE`."""
    if request.param == "once":
        return RESAVED
    made = tmp_path_factory.mktemp("resaved")
    resave(made, tmp_path_factory.mktemp("before"))
    return made


def cells_of(path: Path) -> Cells:
    """Every cell that is not empty, by row and column."""
    return {(row.number, column): cell for row in read_sheet(path) for column, cell in row.cells.items()}


def made(name: str, folder: Path) -> Cells:
    """What is read of a workbook before it is saved again."""
    MADE[name](folder / f"{name}.xlsx")
    return cells_of(folder / f"{name}.xlsx")


@pytest.mark.parametrize("name", ["almond-master", "layout", "texts"])
def test_a_workbook_saved_again_is_read_as_before(name: str, resaved: Path, tmp_path: Path) -> None:
    assert cells_of(resaved / f"{name}.xlsx") == made(name, tmp_path)


def test_hidden_rows_stay_hidden(resaved: Path, tmp_path: Path) -> None:
    MADE["layout"](tmp_path / "layout.xlsx")
    before, after = (
        [row.number for row in read_sheet(path) if row.is_hidden]
        for path in (tmp_path / "layout.xlsx", resaved / "layout.xlsx")
    )
    assert before == after == [5]


def test_every_kind_of_value_is_read_or_refused_as_before(resaved: Path, tmp_path: Path) -> None:
    before, after = made("cells", tmp_path), cells_of(resaved / "cells.xlsx")
    assert before.keys() == after.keys()
    differing = {before[row, 1].text for (row, column) in before if before[row, column] != after[row, column]}
    assert differing == {COMPUTED}, "saving computes it"


def test_texts_are_the_same_in_a_csv_file(resaved: Path, tmp_path: Path) -> None:
    assert cells_of(resaved / "texts.csv") == made("texts", tmp_path)


def test_a_csv_file_of_the_master_lacks_nothing_but_what_was_merged(resaved: Path, tmp_path: Path) -> None:
    in_workbook, in_csv = made("almond-master", tmp_path), cells_of(resaved / "almond-master.csv")
    used = {1, 3, 4, 5, 6, 7, 8, 11, 12}
    assert {at: cell for at, cell in in_csv.items() if at[1] in used}.items() <= in_workbook.items()
    lacking = {at for at in in_workbook if at[1] in used and at not in in_csv}
    assert {column for _, column in lacking} == {1} and len(lacking) == 5


@pytest.mark.parametrize("name", ["almond-master"])
def test_the_example_buys_nothing_after_it_was_saved_again(name: str, resaved: Path, tmp_path: Path) -> None:
    shutil.copy(CAMPAIGNS / f"{name}.yaml", tmp_path)
    shutil.copy(resaved / f"{name}.xlsx", tmp_path)
    again, before = load(tmp_path / f"{name}.yaml"), load(CAMPAIGNS / f"{name}.yaml")
    assert list(Plan(again).keys()) == list(Plan(before).keys())
    assert again.products_sha256 == before.products_sha256


LETTERS, DAYS = "abcdeéü ñ-'\"&<", ("dd.mm.yyyy", "yyyy-mm-dd", "m/d/yy", 'd" "mmmm" "yyyy')
DRAWN = 20
Row = list[Value]


def drawn_table(chance: Random) -> list[Row]:
    """Rows of products, with dates, percentages and prices."""

    def text() -> str:
        return "".join(chance.choices(LETTERS, k=chance.randint(1, 12)))

    return [
        [
            f"AB-{at}",
            f"x{text()}{at}",
            f"y{text()}{at}",
            date(2026, 1, 1) + timedelta(chance.randint(0, 700)),
            chance.choice(("live", "Live ", "draft")),
            chance.random(),
            chance.randint(1, 9999) / 100,
        ]
        for at in range(chance.randint(1, 8))
    ]


def formatted(path: Path, rows: list[Row], chance: Random) -> Path:
    """A workbook of `rows`, with hidden and bold ones, and formats of dates and percentages."""
    hidden, bold = (chance.sample(range(2, len(rows) + 2), chance.randint(0, len(rows))) for _ in "ab")

    def arrange(sheet: Worksheet) -> None:
        for number in hidden:
            sheet.row_dimensions[number].hidden = True
        for number in bold:
            for cell in sheet[number]:
                cell.font = Font(bold=True)

    numbers = range(2, len(rows) + 2)
    formats = [shown_as(f"D{number} F{number} G{number}", "0%") for number in numbers]
    formats += [shown_as(f"D{number}", chance.choice(DAYS)) for number in numbers]
    return saved(path, [[*HEADINGS[:-1], "Margin", "Price"], *rows], *formats, arrange)


def bought(sheet: Path, folder: Path) -> tuple[set[str], str | None]:
    """The keys of all images of a campaign with a sheet, and the digest of the rows in use."""
    shutil.copy(sheet, folder / "products.xlsx")
    campaign = loaded(folder / "products.xlsx")
    return set(Plan(campaign).keys()), campaign.products_sha256


def drawn_pair(number: int, folder: Path) -> int:
    """Write a drawn sheet and the same with one cell changed; the answer is the number of images concerned."""
    chance = Random(number)
    rows = [*drawn_table(chance), ["AB-last", "x", "y", date(2026, 9, 1), "live", 0.5, 9]]
    formatted(folder / f"{number}.xlsx", rows, chance)
    row, column = chance.choice(rows), chance.choice((1, 2, 3, 5))
    row[column] = {3: date(2030, 1, 1), 5: 0.25}.get(column, "quite new")
    formatted(folder / f"{number}-changed.xlsx", rows, chance)
    is_read = str(row[4]).strip().lower() == "live" and column != 5
    return CONCERNED if is_read else 0


@pytest.mark.proof
def test_saving_drawn_sheets_again_buys_nothing_and_a_changed_cell_what_it_concerns(tmp_path: Path) -> None:
    concerned = [drawn_pair(number, tmp_path) for number in range(DRAWN)]
    assert {*concerned} == {0, CONCERNED}
    again = tmp_path / "again"
    convert(list(tmp_path.glob("*.xlsx")), XLSX, again, tmp_path / "profile")
    for number, images in enumerate(concerned):
        before = bought(tmp_path / f"{number}.xlsx", tmp_path)
        assert bought(again / f"{number}.xlsx", tmp_path) == before
        keys, _ = bought(again / f"{number}-changed.xlsx", tmp_path)
        assert (len(keys - before[0]), len(before[0] - keys)) == (images, images)
