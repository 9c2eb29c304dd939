"""What is read from a sheet: rows of texts, each with its place and with what keeps it from being one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

MOST_ROWS = 100_000  # a campaign has at most 1,000,000 images
MOST_CELLS_READ = 150_000  # of the rows and columns that a campaign takes
LARGEST_BYTES = 64 * 1024 * 1024  # of a CSV file, or of a workbook once it is unpacked


@dataclass(frozen=True, slots=True)
class SheetCell:
    """The text of a cell, without spaces around it. `flaw` says why it cannot be taken, and what to do in Excel."""

    text: str
    flaw: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class SheetRow:
    """The cells of a row that are not empty, by column. Rows and columns count from 1, as spreadsheets do."""

    number: int
    cells: Mapping[int, SheetCell] = field(default_factory=dict)
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class OpenSheet:
    """A sheet whose file is open: its rows, which are read once, its name and those of all sheets that show."""

    rows: Iterator[SheetRow]
    name: str = ""
    sheets: tuple[str, ...] = ()


class UnreadableSheet(Exception):
    """The file as a whole, or from `row` on, cannot be read: `message` says why, `advice` what to do about it."""

    def __init__(self, message: str, advice: str = "", row: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.row = row
