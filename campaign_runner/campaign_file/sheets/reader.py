"""A spreadsheet file to its rows of texts, whichever program made it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

from campaign_runner.campaign_file.sheets.cells import LARGEST_BYTES, SheetRow, UnreadableSheet
from campaign_runner.campaign_file.sheets.csv_rows import csv_rows
from campaign_runner.errors import CampaignFileError
from campaign_runner.problem import Problem, column_letters

SUFFIXES = (".csv", ".tsv", ".xlsx", ".xlsm", ".xls", ".ods")
"""Names that mean a sheet; those that cannot be read are told how to be saved."""
_SAVE_AS = "in Excel, choose File > Save As > Excel Workbook (.xlsx)"


def read_sheet(path: Path, sheet: str | None = None) -> Iterator[SheetRow]:
    """The rows of a CSV file or a workbook that are not empty, hidden ones included; cells are texts.

    `sheet` names one of a workbook's sheets, if it is not the first. A cell with a `flaw` cannot be taken as a text,
    `cell_problem` tells it. Raises CampaignFileError with one Problem where the file cannot be read.
    """
    try:
        with opened(path) as file:
            yield from rows_of(file, path, sheet)
    except UnreadableSheet as error:
        raise CampaignFileError([file_problem(path, error)]) from None


def cell_problem(path: Path, row: int, column: int, heading: str, message: str, advice: str = "") -> Problem:
    """A Problem at a cell, in the words of spreadsheets."""
    called = f'"{heading}"' if heading else column_letters(column)
    return Problem(path, row, column, message, "", advice, f"row {row}, column {called}")


def file_problem(path: Path, error: UnreadableSheet) -> Problem:
    """What keeps a file from being read, at the row where reading ended."""
    return Problem(path, error.row, 1, error.message, "", error.advice, f"row {error.row}" if error.row else "")


def opened(path: Path) -> IO[bytes]:
    """The file. Raises UnreadableSheet."""
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise UnreadableSheet("there is no such file", f"looked for {path.absolute()}") from None
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise UnreadableSheet(f"the file cannot be read: {reason}", "close it in Excel and try again") from error


def rows_of(file: IO[bytes], path: Path, sheet: str | None = None) -> Iterator[SheetRow]:
    """The rows of an open file. Raises UnreadableSheet."""
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        yield from csv_rows(file.read(LARGEST_BYTES + 1))
    else:
        raise UnreadableSheet(f"{suffix or 'such'} files cannot be read", _SAVE_AS)
