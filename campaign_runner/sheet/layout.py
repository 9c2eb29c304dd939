"""Where everything on a contact sheet stands: rows of cells in columns of a page, like a newspaper.

A row is a label and its pictures, one column a seed; more than eight seeds go on below. Few seeds
and many cells would make a strip nobody can look at, so rows are set in as many columns as bring
the page nearest to the shape of a screen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from campaign_runner.model import Size
from campaign_runner.sheet.contents import Contents, Row

MARGIN = 48
HEADER = 96
LABEL = 168
CAPTION = 26
GAP = 14
ROW_GAP = 22
COLUMN_GAP = 56
MOST_SEEDS_IN_LINE = 8
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
    """A row, where its label stands, and where each of its pictures does."""

    row: Row
    label: Place
    pictures: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The whole sheet: its size in pixels and everything on it."""

    width: int
    height: int
    rows: tuple[PlacedRow, ...]


def page(contents: Contents) -> Page:
    """Set `contents` in as many columns as look best."""
    side = _LARGE if contents.pictures <= _FEW else _SMALL
    most = range(1, min(_MOST_COLUMNS, len(contents.rows)) + 1)
    pages = [_set(contents.rows, side, columns) for columns in most]
    return min(pages, key=lambda page: abs(page.width / page.height - _SHAPE))


def _set(rows: Sequence[Row], side: int, columns: int) -> Page:
    seeds = min(MOST_SEEDS_IN_LINE, max(len(row.pictures) for row in rows))
    pitch = max(fitted(row.size, side).width for row in rows) + GAP
    column_width = LABEL + seeds * pitch - GAP
    placed: list[PlacedRow] = []
    left, bottom = MARGIN, 0
    for column in _columns([(row, _height(row, side)) for row in rows], columns):
        top = MARGIN + HEADER
        for row, height in column:
            placed.append(_place(row, (left, top), side=side, pitch=pitch))
            top += height + ROW_GAP
        bottom = max(bottom, top - ROW_GAP)
        left += column_width + COLUMN_GAP
    return Page(left - COLUMN_GAP + MARGIN, bottom + MARGIN, tuple(placed))


def _columns(rows: Sequence[tuple[Row, int]], columns: int) -> Iterator[list[tuple[Row, int]]]:
    """The rows in order, cut where each column has had its share of the whole height."""
    share = sum(height + ROW_GAP for _, height in rows) / columns
    column: list[tuple[Row, int]] = []
    so_far, filled = 0.0, 1
    for row, height in rows:
        middle = so_far + (height + ROW_GAP) / 2
        if column and middle > share * filled:
            yield column
            column, filled = [], filled + 1
        column.append((row, height))
        so_far += height + ROW_GAP
    yield column


def _height(row: Row, side: int) -> int:
    lines = -(-len(row.pictures) // MOST_SEEDS_IN_LINE)
    return lines * (fitted(row.size, side).height + CAPTION)


def _place(row: Row, corner: tuple[int, int], *, side: int, pitch: int) -> PlacedRow:
    left, top = corner
    size = fitted(row.size, side)
    pictures = tuple(
        Place(
            left + LABEL + (at % MOST_SEEDS_IN_LINE) * pitch,
            top + (at // MOST_SEEDS_IN_LINE) * (size.height + CAPTION),
            size.width,
            size.height,
        )
        for at in range(len(row.pictures))
    )
    return PlacedRow(row, Place(left, top, LABEL - GAP, _height(row, side)), pictures)


def fitted(size: Size, side: int) -> Size:
    """A size made smaller so that it covers as much as a square of `side`."""
    scale = side / math.sqrt(size.width * size.height)
    return Size(max(1, round(size.width * scale)), max(1, round(size.height * scale)))
