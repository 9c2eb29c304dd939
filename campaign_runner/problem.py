"""One mistake in a campaign file, shown where it stands.

A Problem is for a marketing person: it names the place as editors understand it, says
what is wrong in their words, shows the line with a caret, and says what to write instead.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from campaign_runner.text import printable

_WIDEST = 160  # characters of a line that are shown; a prompt may be 1,024 long
_BEFORE = 100  # of these, how many stand left of the caret at most


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `line` and `column` count from 1, in characters; `source` is the line, empty if it is not shown."""

    path: Path
    line: int
    column: int
    message: str
    source: str = ""
    advice: str = ""

    def __str__(self) -> str:
        return "\n".join(self._rows())

    @property
    def sentence(self) -> str:
        """The same on one line, without the line of the file."""
        return f"{self.path}:{self.line}:{self.column}: {self.message}" + (f": {self.advice}" if self.advice else "")

    def _rows(self) -> Iterable[str]:
        yield f"{self.path}:{self.line}:{self.column}: {printable(self.message)}"
        if self.source:
            before, shown = _window(self.source, self.column - 1)
            number = f"{self.line} | "
            yield number + shown
            yield " " * (len(number) + before) + "^"
        if self.advice:
            yield from map(printable, self.advice.split("\n"))


def _window(line: str, caret: int) -> tuple[int, str]:
    """The part of a line that is shown, and how many terminal cells of it stand before the caret."""
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
