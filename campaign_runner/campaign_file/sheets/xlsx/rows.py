"""The rows of a worksheet, one after the other: texts, values and formats; merged cells filled downwards."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import IO

from campaign_runner.campaign_file.sheets.cells import MOST_ROWS, OpenSheet, SheetCell, SheetRow, UnreadableSheet
from campaign_runner.campaign_file.sheets.file_kinds import refuse_other_archives
from campaign_runner.campaign_file.sheets.xlsx.archive import Archive, Attributes, parsing
from campaign_runner.campaign_file.sheets.xlsx.number_text import iso_cell, number_cell
from campaign_runner.campaign_file.sheets.xlsx.workbook import (
    LONGEST_TEXT,
    CellFormat,
    TextReader,
    Workbook,
    open_workbook,
    unescaped,
)
from campaign_runner.campaign_file.syntax.sheet_places import MOST_COLUMNS

_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?ref=[\"']([A-Z]{1,3})([0-9]{1,7}):[A-Z]{1,3}([0-9]{1,7})[\"']")
_LONGEST_TAG = 512  # bytes of a `mergeCell`
_MOST_CELLS = 1_500_000
_COPY = "copy the rows and columns that the campaign needs into a new workbook"
_MOST_MERGED = 100_000
_UNKNOWN = CellFormat()
_NOT_SAVED = "the result of this formula is not in the file", "open the file in Excel and save it once"


def open_xlsx(file: IO[bytes], sheet: str | None, columns: Collection[int]) -> OpenSheet:
    """The rows of a workbook's sheet that are not empty; only `columns`, once there are any. Raises UnreadableSheet."""
    archive = Archive(file)
    refuse_other_archives(archive.parts())
    workbook = open_workbook(archive, sheet)
    return OpenSheet(_rows(archive, workbook, columns), workbook.sheet, workbook.sheets)


def _rows(archive: Archive, workbook: Workbook, columns: Collection[int]) -> Iterator[SheetRow]:
    reader = _RowReader(workbook, columns)
    merged = _Merged(archive, workbook.part)
    number = 0
    for _ in parsing(archive.chunks(workbook.part), reader.begin, reader.end, reader.text):
        for row in reader.rows:
            number += 1
            if number > MOST_ROWS:
                raise UnreadableSheet(f"the sheet has more than {MOST_ROWS:,} rows", "split it", row.number)
            yield merged.filled(row)
        reader.rows.clear()


class _RowReader:
    """Turns the XML of a sheet into rows, which gather in `rows`."""

    def __init__(self, workbook: Workbook, columns: Collection[int]) -> None:
        self.rows: list[SheetRow] = []
        self._workbook = workbook
        self._columns = columns
        self._number = 0
        self._column = 0
        self._is_hidden = False
        self._cells: dict[int, SheetCell] = {}
        self._type = ""
        self._format = _UNKNOWN
        self._has_formula = False
        self._is_value = False
        self._value: list[str] = []
        self._length = 0
        self._inline = TextReader()
        self._is_wanted = False
        self._number_of_cells = 0

    def begin(self, name: str, attributes: Attributes) -> None:
        """An element begins."""
        match name:
            case "row":
                self._number = _row_number(attributes.get("r"), self._number)
                self._column = 0
                self._cells = {}
                self._is_hidden = attributes.get("hidden") in ("1", "true")
            case "c":
                self._begin_cell(attributes)
            case "v":
                self._is_value = self._is_wanted
            case "f":
                self._has_formula = True
            case _:
                self._inline.begin(name, attributes)

    def end(self, name: str) -> None:
        """An element ends."""
        match name:
            case "row":
                if self._cells:
                    self.rows.append(SheetRow(self._number, self._cells, self._is_hidden))
            case "c":
                if self._is_wanted and (cell := self._cell()) is not None and (cell.text or cell.flaw):
                    self._cells[self._column] = cell
                self._is_wanted = False
            case "v":
                self._is_value = False
            case _:
                self._inline.end(name)

    def text(self, text: str) -> None:
        """Characters between elements."""
        if self._is_value:
            self._length += len(text)
            if self._length <= LONGEST_TEXT * len("_x000D_"):
                self._value.append(text)
        elif self._type == "inlineStr":
            self._inline.text(text)

    def _begin_cell(self, attributes: Attributes) -> None:
        self._column = _column_number(attributes.get("r"), self._column)
        self._is_wanted = not self._columns or self._column in self._columns
        self._number_of_cells += 1
        if self._number_of_cells > _MOST_CELLS:
            raise UnreadableSheet(f"the sheet has more than {_MOST_CELLS:,} cells", _COPY, self._number)
        if not self._is_wanted:
            self._type = ""
            return
        self._type = attributes.get("t", "n")
        self._has_formula = False
        self._value.clear()
        self._length = 0
        self._inline.taken()
        formats, at = self._workbook.formats, attributes.get("s", "")
        self._format = formats[int(at)] if at.isdecimal() and len(at) < 7 and int(at) < len(formats) else _UNKNOWN

    def _cell(self) -> SheetCell | None:
        raw = "".join(self._value)
        if self._type == "inlineStr":
            return SheetCell(self._inline.taken().strip())
        if not raw.strip():
            return SheetCell("", _NOT_SAVED) if self._has_formula and self._type != "str" else None
        match self._type:
            case "s":
                return self._shared(raw.strip())
            case "n":
                format = self._format
                return number_cell(raw.strip(), format.code, is_date=format.is_date, from_1904=self._workbook.from_1904)
            case "e":
                return SheetCell(raw, (f"this cell has the error {raw}", "correct its formula, or type the text"))
            case "b":
                return SheetCell("TRUE" if raw.strip() == "1" else "FALSE")
            case "d":
                return iso_cell(raw.strip())
        return SheetCell(unescaped(raw).strip())

    def _shared(self, index: str) -> SheetCell:
        texts = self._workbook.texts
        if index.isdecimal() and len(index) < 9 and int(index) < len(texts):
            return SheetCell(texts[int(index)].strip())
        return SheetCell(index, ("the text of this cell is not in the file", "open it in Excel and save it again"))


def _row_number(written: str | None, before: int) -> int:
    """A row's number as it is written, otherwise the next."""
    if written is None:
        return before + 1
    if not written.isdecimal() or len(written) > 7 or int(written) <= before:
        raise UnreadableSheet("the rows of this sheet are out of order", "open the file in Excel and save it again")
    return int(written)


def _column_number(written: str | None, before: int) -> int:
    """The column of a cell such as `AB12`, otherwise the next."""
    column = before + 1 if written is None else _of_letters(written.rstrip("0123456789"))
    if not before < column <= MOST_COLUMNS:
        raise UnreadableSheet("the cells of this sheet are out of order", "open the file in Excel and save it again")
    return column


@lru_cache(maxsize=MOST_COLUMNS)
def _of_letters(letters: str) -> int:
    column = 0
    for letter in letters[:4]:
        column = column * 26 + ord(letter) - ord("A") + 1
    return column


class _Merged:
    """Cells merged over several rows: what the first of them holds is read in each."""

    def __init__(self, archive: Archive, part: str) -> None:
        self._starts: dict[int, list[tuple[int, int]]] = {}  # column and last row, by first row
        self._open: dict[int, tuple[int, SheetCell]] = {}  # last row and cell, by column
        self._next: list[int] = []
        rest = b""
        number = 0
        for chunk in archive.chunks(part):
            rest += chunk
            done = 0
            for found in _MERGED.finditer(rest):
                number += 1
                done = found.end()
                self._add(found[1].decode(), int(found[2]), int(found[3]), number)
            rest = rest[max(done, len(rest) - _LONGEST_TAG) :]
        self._next = sorted(self._starts, reverse=True)

    def _add(self, column: str, first: int, last: int, number: int) -> None:
        if number > _MOST_MERGED:
            raise UnreadableSheet("the sheet has too many merged cells", "unmerge them (Home > Merge & Center)")
        if last > first:
            self._starts.setdefault(first, []).append((_column_number(column, 0), last))

    def filled(self, row: SheetRow) -> SheetRow:
        """The row with what is merged into it. Rows come in their order."""
        if not self._next and not self._open:
            return row
        while self._next and self._next[-1] <= row.number:
            first = self._next.pop()
            for column, last in self._starts[first]:
                if first == row.number and column in row.cells:
                    self._open[column] = last, row.cells[column]
        self._open = {column: kept for column, kept in self._open.items() if kept[0] >= row.number}
        merged = {column: cell for column, (_, cell) in self._open.items()}
        return SheetRow(row.number, {**merged, **row.cells}, row.is_hidden)
