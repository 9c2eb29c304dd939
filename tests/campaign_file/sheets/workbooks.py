"""Workbooks as people and programs make them: rows of values, and what a workbook can be besides."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from pathlib import Path
from typing import TypeAlias
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.schema import Campaign

Value: TypeAlias = object
Change: TypeAlias = Callable[[Worksheet], object]

CAMPAIGN = """\
campaign: a
model: image4_standard
markets: {us: {locale: en-US}, de: {locale: de-DE}}
products: {file: products.xlsx, where: {status: live}, columns: {id: SKU, name: Title, name de: Titel, more: More}}
prompts: {hero: "{product.name}, {product.more}", detail: {text: {other: "macro of {product.name}"}}}
sizes: [square]
seeds: [1, 2]
"""
HEADINGS = ["SKU", "Title", "Titel", "More", "Status", "Price"]
"""Those of its sheet, in which `Price` is not read."""
CONCERNED = 2 * 2
"""Images that one cell is about: each text is in two prompts or markets; two seeds."""


def loaded(sheet: Path) -> Campaign:
    """`CAMPAIGN` beside a sheet that is called products.xlsx."""
    file = sheet.with_name("a.yaml")
    file.write_text(CAMPAIGN, encoding="utf-8")
    return load(file)


def saved(path: Path, rows: Iterable[Sequence[Value]], *changes: Change, name: str = "Products") -> Path:
    """A workbook with one sheet of `rows`, each of `changes` made to it."""
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = name
    for row in rows:
        sheet.append(list(row))
    for change in changes:
        change(sheet)
    book.save(path)
    return path


def shown_as(cells: str, code: str) -> Change:
    """Give cells such as `A2` a number format."""

    def change(sheet: Worksheet) -> None:
        for cell in cells.split():
            sheet[cell].number_format = code

    return change


def put(cell: str, value: Value) -> Change:
    """Write another value into a cell."""

    def change(sheet: Worksheet) -> None:
        sheet[cell].value = value

    return change


def with_part(path: Path, part: str, change: Callable[[bytes], bytes]) -> Path:
    """Change the bytes of one part of a workbook."""
    packed = BytesIO()
    with ZipFile(path) as old, ZipFile(packed, "w", ZIP_DEFLATED) as new:
        for info in old.infolist():
            content = old.read(info)
            new.writestr(info.filename, change(content) if info.filename == part else content)
    path.write_bytes(packed.getvalue())
    return path


def with_cell(path: Path, cell: str, xml: str) -> Path:
    """Put XML in the place of a cell of the first sheet."""

    def change(content: bytes) -> bytes:
        changed, times = re.subn(rf'<c r="{cell}"(?: [^>]*)?(?:/>|>.*?</c>)'.encode(), xml.encode(), content)
        assert times == 1
        return changed

    return with_part(path, "xl/worksheets/sheet1.xml", change)
