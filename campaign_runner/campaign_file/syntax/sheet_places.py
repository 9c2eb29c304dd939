"""Where the cells of a sheet are: each has positions of its own, behind the last character of the campaign file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from campaign_runner.problem import Problem, column_letters

MOST_COLUMNS = 1 << 14
"""As in Excel."""
_CELL = 1 << 16  # positions of one cell: adding the length of a word to a place stays in the cell


@dataclass(frozen=True, slots=True)
class SheetPlaces:
    """The file at `path`, and what its cells hold by row and column, both from 1.

    `start` is the first position that is not of the campaign file; `headings` are by column; `columns` are by what they
    are about (`name`, `name de`); `hints` are what a mistake in a column may come from.
    """

    path: Path
    start: int
    headings: Mapping[int, str]
    cells: Mapping[tuple[int, int], str]
    columns: Mapping[str, int]
    hints: Mapping[int, str]

    def holds(self, position: int) -> bool:
        """Whether a position is one of a cell."""
        return position >= self.start

    def position(self, row: int, column: int) -> int:
        """The first position of a cell."""
        return self.start + (row * MOST_COLUMNS + column - 1) * _CELL

    def cell(self, position: int) -> tuple[int, int]:
        """Row and column of a position."""
        row, column = divmod((position - self.start) // _CELL, MOST_COLUMNS)
        return row, column + 1

    def problem(self, position: int, message: str, advice: str = "") -> Problem:
        """A Problem at a cell."""
        row, column = self.cell(position)
        called = f'"{self.headings[column]}"' if self.headings.get(column) else column_letters(column)
        shown = self.cells.get((row, column), "(empty)")
        advice = "\n".join(filter(None, (advice, self.hints.get(column))))
        return Problem(self.path, row, column, message, shown, advice, f"row {row}, column {called}")
