"""A campaign file's text, and the tree of what is written in it, each node with its place.

Positions count the characters of the file; those behind its end are cells of the sheet that its products
come from, if they do, so that the text of a cell is a node like any other. Nothing is guessed about a
scalar: it stays the characters written, and the field it is in says later whether they are a text
or a number.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TypeAlias

from campaign_runner.campaign_file.syntax.sheet_places import SheetPlaces
from campaign_runner.problem import Problem

Loc: TypeAlias = tuple[str | int, ...]
"""A path of keys and list positions from the top of the file, such as `("prompts", "hero")`."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text, number or word as written. `start` and `end` are positions: characters from 0, or those of a cell."""

    text: str
    start: int
    end: int
    is_plain: bool  # written without quotes


@dataclass(frozen=True, slots=True)
class Pairs:
    """Keys with their values, in the order written."""

    entries: dict[str, tuple[Scalar, Node]]
    start: int
    end: int
    is_flow: bool  # written in braces


@dataclass(frozen=True, slots=True)
class Listed:
    """A list, in the order written."""

    nodes: tuple[Node, ...]
    start: int
    end: int
    is_flow: bool  # written in brackets


@dataclass(frozen=True, slots=True)
class Hole:
    """A value that has been complained about already; nothing is said about it again."""

    start: int
    end: int


Node: TypeAlias = Scalar | Pairs | Listed | Hole


@dataclass(frozen=True)
class Source:
    """The file: its path as given, its text with plain line ends, its digest and its tree.

    `original` is the text as written; in `text` a line that YAML cannot read may be mended.
    `inserted` holds the column of a sign that was put into such a line, so that places are told as the file has them.
    `list_ids` are the ids made from lists of names, with their positions; `respelt` those that earlier versions made
    otherwise, with what they made; `spellings` the same the other way round, where it is one alone that was spelt so.
    `sheet` is where the products come from, if not from the file itself; `rows` are its rows as they were read,
    canonical JSON, `notes` what `check` tells of it.
    """

    path: Path
    text: str
    sha256: str
    root: Node
    original: str
    inserted: Mapping[int, int] = field(default_factory=dict)
    list_ids: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    respelt: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    spellings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sheet: SheetPlaces | None = None
    rows: str | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *accumulate(len(line) + 1 for line in self.text.split("\n"))]

    @cached_property
    def lines(self) -> list[str]:
        return self.original.split("\n")

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1, of a character of the text; row and column of a cell."""
        if self.sheet is not None and self.sheet.holds(offset):
            return self.sheet.cell(offset)
        line = bisect_right(self._starts, offset)
        column = offset - self._starts[line - 1] + 1
        return line, column - (column > self.inserted.get(line, column))

    def problem(self, offset: int, message: str, advice: str = "", *, shows_line: bool = True) -> Problem:
        """A Problem at a character of the text, or at a cell."""
        if self.sheet is not None and self.sheet.holds(offset):
            return self.sheet.problem(offset, message, advice)
        line, column = self.place(offset)
        source = self.lines[line - 1] if shows_line else ""
        return Problem(self.path, line, column, message, source, advice)

    def at(self, loc: Loc, message: str, advice: str = "", *, shows_line: bool = True) -> Problem:
        """A Problem at the value of `loc`, or at its key where the value begins on another line."""
        return self.problem(self.offset(loc), message, advice, shows_line=shows_line)

    def at_key(self, loc: Loc, message: str, advice: str = "") -> Problem:
        """A Problem at the key of `loc`."""
        key, node = self.find(loc)
        return self.problem((key or node).start, message, advice)

    def within(self, loc: Loc, at: int, token: str) -> int:
        """Where the part `token` of the text at `loc` is; `at` counts characters of the text as read."""
        _, node = self.find(loc)
        if not isinstance(node, Scalar) or (self.sheet is not None and self.sheet.holds(node.start)):
            return node.start
        found = node.start - 1
        for _ in range(node.text.count(token, 0, at + len(token))):
            found = self.text.find(token, found + 1, node.end)
        return max(found, node.start)

    def offset(self, loc: Loc) -> int:
        """Where the value of `loc` begins, or its key where the value begins on another line."""
        key, node = self.find(loc)
        if key is not None and isinstance(node, Pairs | Listed) and not node.is_flow:
            return key.start
        return node.start

    def find(self, loc: Loc) -> tuple[Scalar | None, Node]:
        """The node that is nearest to `loc` and its key; parts that are not written in the file are passed over."""
        key: Scalar | None = None
        node = self.root
        for depth, part in enumerate(loc):
            if isinstance(node, Listed):
                index = self._index(loc, depth)
                if index is not None and index < len(node.nodes):
                    key, node = None, node.nodes[index]
            elif isinstance(node, Pairs) and part in node.entries:
                key, node = node.entries[str(part)]
        return key, node

    def _index(self, loc: Loc, depth: int) -> int | None:
        part = loc[depth]
        if isinstance(part, int):
            return part
        return self.list_ids.get(str(loc[0]), {}).get(part) if depth == 1 else None
