"""One mistake in a campaign file or in its sheet of products, shown where it is.

A Problem is for a marketing person: it names the place as editors understand it, or as spreadsheets
show it, says what is wrong in their words, shows the line with a caret, and says what to write instead.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from campaign_runner.text import printable

_WIDEST = 160  # characters of a line that are shown; a prompt may be 1,024 long
_BEFORE = 100  # of these, how many are left of the caret at most


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `line` and `column` count from 1, in characters; `source` is the line, empty if it is not shown.

    In a sheet they are the row and the column, `source` is the cell, and `cell` says the place in the words of
    spreadsheets: `row 17, column "name"`; empty for the sheet as a whole. None in a file of text.
    """

    path: Path
    line: int
    column: int
    message: str
    source: str = ""
    advice: str = ""
    cell: str | None = None

    def __str__(self) -> str:
        return "\n".join(self._rows())

    @property
    def sentence(self) -> str:
        """The same on one line, without the line of the file."""
        return f"{self.place()}: {self.message}" + (f": {self.advice}" if self.advice else "")

    def place(self, path: str | None = None) -> str:
        """`autumn.yaml:13:9`, `master.xlsx: row 17, column "name"`; `path` is another name for the file."""
        name = str(self.path) if path is None else path
        if self.cell is None:
            return f"{name}:{self.line}:{self.column}"
        return f"{name}: {printable(self.cell)}" if self.cell else name

    def _rows(self) -> Iterable[str]:
        yield f"{self.place()}: {printable(self.message)}"
        if self.source and self.cell is not None:
            yield f"{column_letters(self.column)}{self.line} | {_window(self.source, 0)[1]}"
        elif self.source:
            before, shown = _window(self.source, self.column - 1)
            number = f"{self.line} | "
            yield number + shown
            yield " " * (len(number) + before) + "^"
        if self.advice:
            yield from map(printable, self.advice.split("\n"))


def column_letters(column: int) -> str:
    """How spreadsheets call a column, counted from 1: `A`, `Z`, `AA`."""
    letters = ""
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def _window(line: str, caret: int) -> tuple[int, str]:
    """The part of a line that is shown, and how many terminal cells of it are before the caret."""
    cut = caret - _BEFORE if len(line) > _WIDEST and caret > _BEFORE else 0
    shown = printable(line[cut : cut + _WIDEST])
    if cut:
        shown = "…" + shown[1:]
    if cut + _WIDEST < len(line):
        shown += "…"
    return _cells(shown[: caret - cut]) + max(0, caret - cut - len(shown)), shown


def _cells(text: str) -> int:
    """How many cells of a terminal a text fills: Chinese, Japanese and Korean characters take two."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else unicodedata.combining(c) == 0 for c in text)
