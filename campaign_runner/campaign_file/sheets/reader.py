"""A spreadsheet file to its rows of texts, whichever program made it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from campaign_runner.campaign_file.sheets.cells import LARGEST_BYTES, OpenSheet, SheetRow, UnreadableSheet
from campaign_runner.campaign_file.sheets.csv_rows import csv_rows
from campaign_runner.campaign_file.sheets.file_kinds import WORKBOOKS, refuse_other_kinds
from campaign_runner.campaign_file.sheets.naming import SUFFIXES
from campaign_runner.campaign_file.sheets.xlsx.rows import open_xlsx
from campaign_runner.disk.litter import is_litter
from campaign_runner.disk.regular_files import open_regular
from campaign_runner.errors import CampaignFileError
from campaign_runner.problem import Problem, column_letters
from campaign_runner.text import did_you_mean


def read_sheet(path: Path, sheet: str | None = None) -> Iterator[SheetRow]:
    """The rows of a CSV file or a workbook that are not empty, hidden ones included; cells are texts.

    `sheet` names one of a workbook's sheets, if it is not the first. A cell with a `flaw` cannot be taken as a text;
    `cell_problem` says so to people. Raises CampaignFileError with one Problem where the file cannot be read.
    """
    try:
        with opened(path, sheet) as found:
            yield from found.rows
    except UnreadableSheet as error:
        raise CampaignFileError([file_problem(path, error)]) from None


def cell_problem(path: Path, row: int, column: int, heading: str, message: str, advice: str = "") -> Problem:
    """A Problem at a cell, in the words of spreadsheets."""
    called = f'"{heading}"' if heading else column_letters(column)
    return Problem(path, row, column, message, "", advice, f"row {row}, column {called}")


def file_problem(path: Path, error: UnreadableSheet) -> Problem:
    """What keeps a file from being read, at the row where reading ended."""
    return Problem(path, error.row, 1, error.message, "", error.advice, f"row {error.row}" if error.row else "")


@contextmanager
def opened(path: Path, sheet: str | None = None, columns: Collection[int] = ()) -> Iterator[OpenSheet]:
    """The sheet of a file; of a workbook's rows only `columns`, once there are any. Raises UnreadableSheet."""
    try:
        with _file(path) as file:
            refuse_other_kinds(file, path.name)
            if path.suffix.lower() in WORKBOOKS:
                yield open_xlsx(file, sheet, columns)
            else:
                yield OpenSheet(csv_rows(file.read(LARGEST_BYTES + 1)))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UnreadableSheet(f"the file cannot be read: {reason}", "wait until it is synced, or copy it") from error


def _file(path: Path) -> IO[bytes]:
    try:
        return open_regular(path)
    except FileNotFoundError:
        beside = (each.name for each in path.parent.glob("*") if each.name.lower().endswith(SUFFIXES))
        near = did_you_mean(path.name, (name for name in beside if not is_litter(name)))
        raise UnreadableSheet(f"there is no such file{near}", f"looked for {path.absolute()}") from None
    except PermissionError:
        advice = "close it in Excel, or allow this program to read it"
        raise UnreadableSheet("the file is open in another program, or may not be read", advice) from None
    except IsADirectoryError:
        raise UnreadableSheet("this is a folder", "name the workbook or the CSV file in it") from None
    except ValueError:
        raise UnreadableSheet("this is not the name of a file", "write it as the folder shows it") from None
