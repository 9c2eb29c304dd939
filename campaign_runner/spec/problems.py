"""One mistake in a campaign file, shown where it stands.

A Problem is for a marketing person: it names the place as editors understand it, says
what is wrong in their words, shows the line with a caret, and says what to write instead.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

_MOST_CANDIDATES = 300  # known words that a slip is compared with
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
        yield f"{self.path}:{self.line}:{self.column}: {visible(self.message)}"
        if self.source:
            before, shown = _window(self.source, self.column - 1)
            number = f"{self.line} | "
            yield number + shown
            yield " " * (len(number) + before) + "^"
        if self.advice:
            yield from map(visible, self.advice.split("\n"))


def visible(text: str) -> str:
    """`text` on one line, without a character that could steer a terminal; tabs are shown as arrows."""
    if text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character == "\t":
        return "→"
    return character if character.isprintable() or character == "\u3000" else "�"


def _window(line: str, caret: int) -> tuple[int, str]:
    """The part of a line that is shown, and how many terminal cells of it stand before the caret."""
    cut = caret - _BEFORE if len(line) > _WIDEST and caret > _BEFORE else 0
    shown = visible(line[cut : cut + _WIDEST])
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


def guess(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or nothing if no known word is near."""
    near = nearest(word, known)
    return f"; did you mean '{near}'?" if near else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is nearest to `word`, empty if none is near."""
    plain = _plain(word)
    spelt = {_plain(name): name for name in sorted(known) if abs(len(name) - len(word)) <= 2 + len(word) // 2}
    if plain in spelt:
        return spelt[plain]
    candidates = list(islice(spelt, _MOST_CANDIDATES))
    near = get_close_matches(plain, candidates, n=1, cutoff=0.66) if len(word) <= 60 else []
    return spelt[near[0]] if near else ""


def _plain(word: str) -> str:
    return word.casefold().replace("_", "-").replace(" ", "-")


def listed(words: Sequence[str], most: int = 6) -> str:
    """`a, b, c and 4 more`: a list that stays readable when a campaign has hundreds of entries."""
    if len(words) <= most:
        return ", ".join(words)
    return f"{', '.join(words[: most - 1])} and {len(words) - most + 1} more"


def counted(number: int, noun: str) -> str:
    """`1 image`, `1,200 images`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def a(noun: str) -> str:
    """`a scent`, `an accent`."""
    return f"an {noun}" if noun[:1].lower() in "aeiou" else f"a {noun}"
