"""Decisions as a table: written for people who choose in a spreadsheet, and read back.

One line an image, with empty columns `verdict` and `note` to be filled in; only these and `key` are read.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path

from campaign_runner.campaign_file.sheets.cells import SheetRow
from campaign_runner.campaign_file.sheets.reader import cell_problem, read_sheet
from campaign_runner.errors import CampaignFileError
from campaign_runner.model import Cell, Size
from campaign_runner.portions import batched
from campaign_runner.problem import Problem
from campaign_runner.review.decisions import Decisions
from campaign_runner.review.marking.new_marks import MarkRequest
from campaign_runner.review.marks import Word
from campaign_runner.review.rules import DecidedImage, DecidedRow
from campaign_runner.text import did_you_mean

_AXES = ("product", "prompt", "preset", "market", "size")
COLUMNS = ("key", *_AXES, "seed", "file", "row", "image", "said", "new", "verdict", "note")
_WORDS: Mapping[str, Word] = {
    **dict.fromkeys(("pick", "picked", "p", "yes", "y", "x"), "pick"),
    **dict.fromkeys(("reject", "rejected", "r", "no", "n"), "reject"),
}
_STEERS = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so may be a formula."""
_KEY_DIGITS = 64
_AT_ONCE = 100
"""Rows that are written together."""


def written(decisions: Decisions) -> Iterator[str]:
    """The table as CSV, piece by piece."""
    text = StringIO(newline="")
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for some in batched(decisions.rows, _AT_ONCE):
        table.writerows(map(_safe, _line(row, image)) for row in some for image in row.images)
        yield text.getvalue()
        text.seek(0)
        text.truncate()
    yield text.getvalue()


def _line(row: DecidedRow, image: DecidedImage) -> Iterator[str]:
    shot = image.shot
    yield shot.key
    yield from (name or "" for name in row.cell.axes.values())
    yield from (str(shot.seed), shot.file or shot.state, str(row.state), str(image.state))
    yield "; ".join(f"{mark.reviewer.id}: {mark.word}" for mark in image.verdicts)
    yield "new" if image.is_new else ""
    yield from ("", "")


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_STEERS) else cell


def read(path: Path) -> list[MarkRequest]:
    """What a table that came back says. Raises CampaignFileError with every line that cannot be read."""
    rows = read_sheet(path)
    columns = _columns(path, next(rows, None))
    lines = _TableLines(path, columns)
    for row in rows:
        lines.read(row)
    if lines.problems:
        raise CampaignFileError(lines.problems)
    return lines.requests


def _columns(path: Path, heading: SheetRow | None) -> Mapping[str, int]:
    """Where each heading is. Raises CampaignFileError where one that is needed is missing."""
    cells = heading.cells if heading is not None else {}
    found = {cell.text.strip().lower(): at for at, cell in cells.items()}
    if missing := [name for name in ("key", "verdict", "note") if name not in found]:
        advice = "start from the table of: campaign-runner review NAME --list --csv"
        raise CampaignFileError([Problem(path, 1, 1, f"there is no column '{missing[0]}'", advice=advice)])
    return found


class _TableLines:
    """The lines of a table, as far as they were read."""

    def __init__(self, path: Path, columns: Mapping[str, int]) -> None:
        self._path = path
        self._columns = columns
        self.requests: list[MarkRequest] = []
        self.problems: list[Problem] = []

    def read(self, row: SheetRow) -> None:
        """Take one line; one without verdict and note says nothing."""
        said, note = self._text(row, "verdict"), self._text(row, "note")
        if not said and not note:
            return
        key = self._text(row, "key").lower()
        word = _WORDS.get(said.lower())
        if len(key) != _KEY_DIGITS or set(key) - set("0123456789abcdef"):
            self._wrong(row, "key", f"'{key[:80]}' is not the key of an image", "copy it from the table again")
        elif said and word is None:
            self._wrong(row, "verdict", f"'{said[:80]}' is not a verdict{did_you_mean(said, _WORDS)}", "pick or reject")
        else:
            self.requests.append(MarkRequest(key, word, text=note or None, cell=self._cell(row)))

    def _cell(self, row: SheetRow) -> Cell | None:
        """The cell that a line names; None where the columns of it are gone."""
        if any(axis not in self._columns for axis in _AXES):
            return None
        product, prompt, preset, market, size = (self._text(row, axis) for axis in _AXES)
        width, _, height = size.partition("x")
        if not (width.isdecimal() and height.isdecimal()):
            return None
        return Cell(product, prompt, preset, market or None, Size(int(width), int(height)))

    def _text(self, row: SheetRow, column: str) -> str:
        cell = row.cells.get(self._columns[column])
        text = cell.text.strip() if cell is not None else ""
        return text[1:] if text.startswith("'") and text[1:].startswith(_STEERS) else text

    def _wrong(self, row: SheetRow, column: str, message: str, advice: str) -> None:
        self.problems.append(cell_problem(self._path, row.number, self._columns[column], column, message, advice))
