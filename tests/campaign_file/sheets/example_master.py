"""The product master of the example; `python -m tests.campaign_file.sheets.example_master` writes it.

It is shaped like those that marketing teams keep: a title above the headings, one row for each size of a product
under a merged parent SKU, a column for each market, hidden rows, and many columns that no campaign needs.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

FILE = Path(__file__).parents[3] / "campaigns" / "almond-master.xlsx"
HEADINGS = """\
Parent SKU | SKU | Season | Status | Title | Titel (DE) | Material | Material (DE) | Colour | Size | Launch US
Launch DE | Launch date | EAN | HS code | RRP USD | RRP EUR | Cost | Margin | Weight g | Carton | MOQ | Supplier
Buyer | Comment
"""
FIRST_ROW = 5
PRODUCTS = """\
ALM-100 | AW26 | live | almond candle | Mandelkerze | soy wax | Sojawachs | ivory | x | x | S, M, L
ALM-110 | AW26 | live | almond soap | Mandelseife | olive oil | Olivenöl | cream | x | x | 100 g, 200 g
ALM-120 | AW26 | sample | almond hand cream | Mandel-Handcreme | shea butter | Sheabutter | white | x | - | 50 ml
ALM-130 | AW26 | live | almond bath salt | Mandel-Badesalz | sea salt | Meersalz | grey | - | x | 300 g, 900 g
ALM-140 | AW26 | draft | almond room spray | Mandel-Raumspray | glass | Glas | clear | x | x | 100 ml
LIN-200 | SS27 | live | linen candle | Leinenkerze | rapeseed wax | Rapswachs | white | x | x | S, M
"""


def write(path: Path) -> None:
    """Write the workbook."""
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = "AW26 master"
    _title(sheet)
    row = FIRST_ROW
    for number, line in enumerate(PRODUCTS.splitlines()):
        row = _product(sheet, row, number, line.split(" | "))
    sheet.row_dimensions[FIRST_ROW + 1].hidden = True
    sheet.auto_filter.ref = f"A4:{get_column_letter(len(_headings()))}{row - 1}"
    sheet.freeze_panes = "C5"
    notes = book.create_sheet("Read me")
    notes.append(["Prices are recommended retail prices. Ask purchasing before you add a product."])
    book.properties.created = book.properties.modified = datetime(2026, 3, 2)
    book.save(path)


def _headings() -> list[str]:
    return [heading for line in HEADINGS.splitlines() for heading in line.split(" | ")]


def _title(sheet: Worksheet) -> None:
    sheet["A1"] = "HOUSE OF ALMOND"
    sheet["A1"].font = Font(size=22, bold=True)
    sheet.merge_cells("A1:E1")
    sheet["A2"] = "Product master, autumn/winter 2026"
    for column, heading in enumerate(_headings(), 1):
        cell = sheet.cell(4, column, heading)
        cell.font = Font(bold=True, color="FFFFFF")
        cell.fill = PatternFill("solid", fgColor="334433")
        sheet.column_dimensions[get_column_letter(column)].width = max(10, len(heading) + 3)


def _product(sheet: Worksheet, row: int, number: int, product: list[str]) -> int:
    """The rows of a product, one for each size; the answer is the next row."""
    sku, *texts, launch_us, launch_de, listed = product
    sizes = listed.split(", ")
    launches = [each if each == "x" else None for each in (launch_us, launch_de)]
    for at, size in enumerate(sizes):
        prices: list[str | float] = ["3406.00", 19.9 + number, 17.5 + number, 4.1, 0.74, 220 + 40 * at, 12, 600]
        code = 4006381000000 + number * 100 + at
        values: list[str | float | date | None] = [
            None if at else sku,
            f"{sku}-{at + 1}",
            *texts,
            size,
            *launches,
            date(2026, 9, 1),
            code,
            *prices,
        ]
        for column, value in enumerate([*values, "Kerzen GmbH", "M. Brandt"], 1):
            sheet.cell(row + at, column, value)
        sheet.cell(row + at, 13).number_format = "dd.mm.yyyy"
        sheet.cell(row + at, 16).number_format = sheet.cell(row + at, 17).number_format = "#,##0.00"
        sheet.cell(row + at, 19).number_format = "0%"
    if len(sizes) > 1:
        sheet.merge_cells(start_row=row, end_row=row + len(sizes) - 1, start_column=1, end_column=1)
        sheet.cell(row, 1).alignment = Alignment(vertical="top")
    return row + len(sizes)


if __name__ == "__main__":
    write(FILE)
