"""Workbooks saved again by LibreOffice: `python -m tests.campaign_file.sheets.resaving` makes what is in `resaved/`.

It needs `soffice`. The default tests read what is kept there; the proofs have everything saved again.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from openpyxl.worksheet.worksheet import Worksheet

from tests.campaign_file.sheets import example_master
from tests.campaign_file.sheets.test_xlsx import READ, REFUSED
from tests.campaign_file.sheets.workbooks import Value, put, saved, shown_as

RESAVED = Path(__file__).parent / "resaved"
TEXTS: list[list[Value]] = [
    ["SKU", "Title", "Titel (DE)", "Material", "Status", "Launch DE"],
    ["AB-1", "candle, large", "Kerze, groß", 'soy wax "pure"', "live", "x"],
    ["AB-2", "soap\nin a box", "Seife", "olive oil; palm oil", "live", "✓"],
    ["00734", "tray", "Tablett – Eiche", "oak", "draft", "-"],
    ["4006381333931", "  spray ", "東京", None, "live", None],
]
"""Texts as people type them: quotes, separators and line breaks within, other letters, leading zeros."""


def cells(path: Path) -> None:
    """Every kind of value that a cell can have, each in a row of its own, those that are refused too."""
    values = [(name, value, code) for name, (value, code, _) in (READ | REFUSED).items()]
    saved(path, [["kind", "value"]])
    changes = [put(f"A{row}", name) for row, (name, _, _) in enumerate(values, 2)]
    changes += [put(f"B{row}", value) for row, (_, value, _) in enumerate(values, 2)]
    changes += [shown_as(f"B{row}", code) for row, (_, _, code) in enumerate(values, 2)]
    saved(path, [["kind", "value"]], *changes)


def texts(path: Path) -> None:
    """Nothing but texts."""
    saved(path, TEXTS)


def layout(path: Path) -> None:
    """Merged and hidden cells, a filter, an empty row and a date, below two rows of something else."""

    def arrange(sheet: Worksheet) -> None:
        sheet.merge_cells("A4:A6")
        sheet.row_dimensions[5].hidden = True
        sheet.column_dimensions["C"].hidden = True
        sheet.auto_filter.ref = "A3:C8"
        sheet["C4"].number_format = "dd.mm.yyyy"

    rows: list[list[Value]] = [
        ["House"],
        [],
        ["id", "size", "launch"],
        ["AB-1", "S", date(2026, 9, 1)],
        [None, "M"],
        [None, "L"],
        [],
    ]
    saved(path, [*rows, ["AB-2", "S"]], arrange)


MADE: dict[str, Callable[[Path], object]] = {
    "almond-master": example_master.write,
    "cells": cells,
    "layout": layout,
    "texts": texts,
}
"""The workbooks, by what they are called in `resaved/`."""
XLSX, CSV = "xlsx:Calc MS Excel 2007 XML", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true"
"""The filters of LibreOffice for a workbook, and for a CSV file of a workbook's first sheet."""
LONGEST_SECONDS = 600
"""How long LibreOffice may take; it needs five."""


def convert(workbooks: Sequence[Path], filter: str, into: Path, profile: Path) -> None:
    """Have LibreOffice save workbooks again in another folder, with one start for all of them."""
    assert which("soffice"), "LibreOffice is needed: apt-get install --no-install-recommends libreoffice-calc-nogui"
    command = ["soffice", "--headless", f"-env:UserInstallation={profile.as_uri()}", "--convert-to", filter]
    made = [str(workbook) for workbook in workbooks]
    subprocess.run([*command, "--outdir", str(into), *made], check=True, capture_output=True, timeout=LONGEST_SECONDS)


def resave(into: Path, place: Path) -> None:
    """Have all of them saved again, as workbooks and as CSV files; `place` is for what is made on the way."""
    for name, make in MADE.items():
        make(place / f"{name}.xlsx")
    for filter in (XLSX, CSV):
        convert([place / f"{name}.xlsx" for name in MADE], filter, into, place / "profile")


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        resave(RESAVED, Path(folder))
