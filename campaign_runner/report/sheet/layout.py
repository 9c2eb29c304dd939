"""Where everything on a contact sheet is: rows of cells in columns of a page, like a newspaper.

A row is a label and its pictures, one column a seed; more than fit into a line go on below. Few seeds
and many cells would make a strip no one can look at, so rows are set in as many columns as bring
the page nearest to the shape of a screen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from campaign_runner.model import Size
from campaign_runner.report.sheet.contents import Contents, Row

MARGIN = 48
HEADER = 96
LABEL = 168
CAPTION = 26
GAP = 14
ROW_GAP = 22
COLUMN_GAP = 56
_SEEDS_IN_LINE = 8  # unless a cell has so many that they would make a tower
_SHAPE = 1.5  # width by height
_MOST_COLUMNS = 8
_LARGE, _SMALL = 240, 168  # pixels: the side of a square picture; others cover as much paper
_FEW = 64  # pictures that are shown large


@dataclass(frozen=True, slots=True)
class Place:
    """A rectangle in pixels of the sheet."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """A row, where its label is, and where each of its pictures is."""

    row: Row
    label: Place
    pictures: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The whole sheet: its size in pixels and everything on it."""

    width: int
    height: int
    rows: tuple[PlacedRow, ...]


@dataclass(frozen=True, slots=True)
class _Grid:
    """How pictures are placed: a side, from one seed to the next (both pixels), and how many in a line."""

    side: int
    pitch: int
    in_line: int

    @classmethod
    def of(cls, rows: Sequence[Row]) -> _Grid:
        side = _LARGE if sum(len(row.pictures) for row in rows) <= _FEW else _SMALL
        most = max(len(row.pictures) for row in rows)
        in_line = min(most, max(_SEEDS_IN_LINE, round(math.sqrt(_SHAPE * most))))
        return cls(side, max(fitted(row.size, side).width for row in rows) + GAP, in_line)

    @property
    def width(self) -> int:
        """Pixels of a column of rows."""
        return LABEL + self.in_line * self.pitch - GAP

    def height(self, row: Row) -> int:
        lines = -(-len(row.pictures) // self.in_line)
        return lines * (fitted(row.size, self.side).height + CAPTION)

    def placed(self, row: Row, left: int, top: int) -> PlacedRow:
        size = fitted(row.size, self.side)
        pictures = tuple(
            Place(
                left + LABEL + at % self.in_line * self.pitch,
                top + at // self.in_line * (size.height + CAPTION),
                size.width,
                size.height,
            )
            for at in range(len(row.pictures))
        )
        return PlacedRow(row, Place(left, top, LABEL - GAP, self.height(row)), pictures)


def page(contents: Contents) -> Page:
    """Set `contents` in as many columns as look best."""
    grid = _Grid.of(contents.rows)
    most = range(1, min(_MOST_COLUMNS, len(contents.rows)) + 1)
    pages = [_set(contents.rows, grid, columns) for columns in most]
    return min(pages, key=lambda page: abs(page.width / page.height - _SHAPE))


def _set(rows: Sequence[Row], grid: _Grid, columns: int) -> Page:
    placed: list[PlacedRow] = []
    left, bottom = MARGIN, 0
    for column in _columns(rows, grid, columns):
        top = MARGIN + HEADER
        for row in column:
            placed.append(grid.placed(row, left, top))
            top += grid.height(row) + ROW_GAP
        bottom = max(bottom, top - ROW_GAP)
        left += grid.width + COLUMN_GAP
    return Page(left - COLUMN_GAP + MARGIN, bottom + MARGIN, tuple(placed))


def _columns(rows: Sequence[Row], grid: _Grid, columns: int) -> Iterator[list[Row]]:
    """The rows in order, cut where each column has had its share of the whole height."""
    heights = [grid.height(row) + ROW_GAP for row in rows]
    share = sum(heights) / columns
    column: list[Row] = []
    so_far, filled = 0.0, 1
    for row, height in zip(rows, heights, strict=True):
        if column and so_far + height / 2 > share * filled:
            yield column
            column, filled = [], filled + 1
        column.append(row)
        so_far += height
    yield column


def fitted(size: Size, side: int) -> Size:
    """A size made smaller so that it covers as much as a square of `side`."""
    scale = side / math.sqrt(size.width * size.height)
    return Size(max(1, round(size.width * scale)), max(1, round(size.height * scale)))
