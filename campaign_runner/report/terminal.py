"""How a line fits a terminal: broken at words, its further lines below its text, a command still fit to be pasted."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import IO

from campaign_runner.text import cells_of

_LABEL = re.compile(r" *(?:\S+(?: \S+)* {2,})?")
"""What is left of a line's text: its indentation, and a label that two spaces or more set off."""
_WIDE_GAP = re.compile(r" {4,}")
_GAP = re.compile(r" {3}(?!--)")
"""Between what may as well stand below one another; not between `or` and an option."""
_COMMAND = re.compile(r"(?:^|(?<=[ `(]))campaign-runner [a-z]+(?: [^` ]+)*")
_CONTINUED = " \\"
"""How a shell is told that a command goes on in the next line."""


def columns(stream: IO[str]) -> int | None:
    """How wide the terminal of `stream` is; None where there is none, or where it does not say."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError, AttributeError):
        return None


def fitted(line: str, width: int | None) -> list[str]:
    """`line` as lines of at most `width` columns, as far as its words allow it. None: as it is."""
    if width is None or cells_of(line) <= width:
        return [line]
    match = _LABEL.match(line)
    start = match.end() if match is not None else 0
    line = line[:start] + _WIDE_GAP.sub("   ", line[start:])
    if cells_of(line) <= width:
        return [line]
    if cells_of(line[:start]) > width // 2:  # next to such a label nothing has room
        start = len(line) - len(line.lstrip(" "))
    indent, room = " " * cells_of(line[:start]), width - cells_of(line[:start])
    parts = [list(_pieces(part, room)) for part in _GAP.split(line[start:])]
    labels = [line[:start], *[indent] * (len(parts) - 1)]
    return [each for label, part in zip(labels, parts, strict=True) for each in _broken(label, part, width)]


def _pieces(text: str, room: int) -> Iterator[tuple[str, bool]]:
    """What is kept together: words, and commands that fit into a line of `room` columns.

    With each comes whether a command goes on in it. A quote or a bracket stays beside what it encloses.
    """
    at = 0
    for command in _COMMAND.finditer(text):
        start, end = command.span()
        start -= len(text[at:start]) - len(text[at:start].rstrip("`("))
        end += len(text[end:].split(" ", 1)[0])
        yield from ((word, False) for word in text[at:start].split())
        if cells_of(text[start:end]) <= room:
            yield text[start:end], False
        else:
            yield from ((word, number > 0) for number, word in enumerate(text[start:end].split(" ")))
        at = end
    yield from ((word, False) for word in text[at:].split())


def _broken(label: str, pieces: list[tuple[str, bool]], width: int) -> list[str]:
    """The pieces in lines, the first of them after `label`, the others below it."""
    indent = " " * cells_of(label)
    lines, line = [], label
    for number, (piece, goes_on) in enumerate(pieces):
        is_first = line in (label, indent)
        goes_on_after = number + 1 < len(pieces) and pieces[number + 1][1]
        space = "" if is_first else " "
        room = width - (len(_CONTINUED) if goes_on_after else 0)
        if not is_first and cells_of(f"{line}{space}{piece}") > room:
            lines.append(f"{line}{_CONTINUED if goes_on else ''}")
            line, space = indent, ""
        line = f"{line}{space}{piece}"
    return [*lines, line]
