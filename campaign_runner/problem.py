"""One mistake in a campaign file or in its sheet of products, shown where it is.

A Problem is for a marketing person: it names the place as editors understand it, or as spreadsheets
show it, says what is wrong in their words, shows the line with a caret, and says what to write instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from campaign_runner.text import cells_of, followed, printable

_WIDEST, _NARROWEST = 160, 20  # characters of a line that are shown; a prompt may be 1,024 long


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
        return "\n".join(self.rows())

    @property
    def sentence(self) -> str:
        """The same on one line, without the line of the file."""
        return followed(f"{self.place()}: {self.message}", self.advice, ":")

    def place(self, path: str | None = None) -> str:
        """`autumn.yaml:13:9`, `master.xlsx: row 17, column "name"`; `path` is another name for the file."""
        name = str(self.path) if path is None else path
        if self.cell is None:
            return f"{name}:{self.line}:{self.column}"
        return f"{name}: {printable(self.cell)}" if self.cell else name

    def rows(self, columns: int | None = None) -> Iterable[str]:
        """The problem in lines; the quoted one fits into so many columns of a terminal, if they are said."""
        yield f"{self.place()}: {printable(self.message)}"
        place = f"{self.line}" if self.cell is None else f"{column_letters(self.column)}{self.line}"
        number = f"{place} | "
        widest = _WIDEST if columns is None else max(min(_WIDEST, columns - len(number) - 1), _NARROWEST)
        if self.source and self.cell is not None:
            yield number + _window(self.source, 0, widest)[1]
        elif self.source:
            before, shown = _window(self.source, self.column - 1, widest)
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


def _window(line: str, caret: int, widest: int) -> tuple[int, str]:
    """The part of a line that is shown, and how many terminal cells of it are before the caret."""
    before = widest * 5 // 8  # left of the caret, at most
    cut = caret - before if len(line) > widest and caret > before else 0
    shown = printable(line[cut : cut + widest])
    if cut:
        shown = "…" + shown[1:]
    if cut + widest < len(line):
        shown += "…"
    return cells_of(shown[: caret - cut]) + max(0, caret - cut - len(shown)), shown
