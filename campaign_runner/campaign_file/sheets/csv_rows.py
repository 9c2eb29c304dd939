"""Rows of a CSV file: UTF-8 or UTF-16, with commas, semicolons or tabs between its cells."""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO, TextIOWrapper
from itertools import islice

from campaign_runner.campaign_file.sheets.cells import LARGEST_BYTES, MOST_ROWS, SheetCell, SheetRow, UnreadableSheet
from campaign_runner.campaign_file.syntax.sheet_places import MOST_COLUMNS

_SEPARATORS = ",;\t"
_LONGEST_ROW = 1 << 20  # characters
_SAMPLE = 20  # rows from which the separator is known
_SAVE_AS = "in Excel, choose File > Save As > CSV UTF-8 (Comma delimited), or save it as an Excel workbook (.xlsx)"
_UNCLOSED = 'look for a " that is not closed in this row, or save the sheet as an Excel workbook (.xlsx)'


def csv_rows(content: bytes) -> Iterator[SheetRow]:
    """The rows of a CSV file that are not empty. Raises UnreadableSheet."""
    if len(content) > LARGEST_BYTES:
        raise UnreadableSheet("the file is larger than 64 MB", "remove what the campaign does not need")
    number = 0
    try:
        encoding = _encoding(content)
        separator = _separator(content, encoding)
        for number, texts in enumerate(_records(content, encoding, separator), 1):
            if number > MOST_ROWS or len(texts) > MOST_COLUMNS:
                raise _too_large(number)
            cells = {at: SheetCell(text) for at, each in enumerate(texts, 1) if (text := each.strip())}
            if cells:
                yield SheetRow(number, cells)
    except csv.Error:
        raise UnreadableSheet("a text in quotes does not end in this row", _UNCLOSED, number + 1) from None


def _too_large(row: int) -> UnreadableSheet:
    if row > MOST_ROWS:
        return UnreadableSheet(f"the sheet has more than {MOST_ROWS:,} rows", "split it", row)
    return UnreadableSheet(f"this row has more than {MOST_COLUMNS:,} cells", "remove the separators at its end", row)


def _encoding(content: bytes) -> str:
    """UTF-16 by its mark, otherwise UTF-8 if the whole file is."""
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if is_utf16 else "utf-8-sig"
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for at in range(0, len(content), 1 << 20):
            text = decoder.decode(content[at : at + (1 << 20)], final=at + (1 << 20) >= len(content))
            if "\0" in text:
                raise UnreadableSheet("this is not a CSV file: it holds bytes that no text has", _SAVE_AS)
    except UnicodeDecodeError:
        row = content[: at + (1 << 20)].count(b"\n", 0, _first_bad(content)) + 1
        raise UnreadableSheet("some letters of this CSV file cannot be read: it is not UTF-8", _SAVE_AS, row) from None
    return encoding


def _first_bad(content: bytes) -> int:
    """Where the file stops being UTF-8."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return 0


def _records(content: bytes, encoding: str, separator: str) -> Iterator[list[str]]:
    lines = _RowLines(content, encoding)
    first = next(lines, "")
    if not _named_separator(first):
        lines = _RowLines(content, encoding)
    for record in csv.reader(lines, delimiter=separator, strict=True):
        lines.of_row = 0
        yield record


class _RowLines(Iterator[str]):
    """The lines of a file, as long as no row gets too many characters of them: `of_row` counts those of the row."""

    def __init__(self, content: bytes, encoding: str) -> None:
        self.of_row = 0
        self._text = TextIOWrapper(BytesIO(content), encoding, newline="")

    def __next__(self) -> str:
        line = self._text.readline(_LONGEST_ROW + 1)
        self.of_row += len(line)
        if self.of_row > _LONGEST_ROW:
            raise csv.Error
        if not line:
            raise StopIteration
        return line


def _separator(content: bytes, encoding: str) -> str:
    """What Excel's own `sep=` line says, otherwise the sign that parts the first rows into the most alike."""
    first = next(_RowLines(content, encoding), "")
    if named := _named_separator(first):
        return named
    return max(_SEPARATORS, key=lambda separator: _evenness(content, encoding, separator))


def _named_separator(line: str) -> str:
    found = line.strip("\r\n").lower()
    return found[4] if found.startswith("sep=") and len(found) == 5 else ""


def _evenness(content: bytes, encoding: str, separator: str) -> tuple[int, int]:
    """How many of the first rows have as many cells as most of them, and how many that are; nothing if it is one."""
    rows: list[list[str]] = []
    with suppress(csv.Error):  # told once the rows are read
        rows.extend(row for row in islice(_records(content, encoding, separator), _SAMPLE) if row)
    widths = Counter(len(row) for row in rows)
    width, times = max(widths.items(), key=lambda each: (each[1], each[0]), default=(1, 0))
    return (times, width) if width > 1 else (0, max(widths, default=1))
