"""What to write under `products` for a sheet that was never read before: a guess from its headings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import chain, islice
from pathlib import Path

from campaign_runner.campaign_file.sheets.cells import UnreadableSheet
from campaign_runner.campaign_file.sheets.fields import alike
from campaign_runner.campaign_file.sheets.naming import READABLE
from campaign_runner.campaign_file.sheets.reader import opened
from campaign_runner.campaign_file.syntax.parser import quoted
from campaign_runner.disk.litter import is_litter

UNKNOWN = "…"
"""In place of a heading that cannot be guessed."""
_LOOKED_AT = 20  # rows
_MOST_SHEETS = 8  # of a workbook
_IDS = (
    "id",
    "handle",
    "parent sku",
    "sku",
    "article",
    "artikel",
    "item",
    "code",
    "style",
    "gtin",
    "ean",
    "number",
    "nr",
)
_NAMES = ("name", "title", "titel", "bezeichnung", "product", "produkt", "description")


def sheets_in(folder: Path) -> list[str]:
    """The names of the sheets in a folder, but for the notes that programs keep beside an open one."""
    found = (path.name for path in folder.glob("*") if path.suffix.lower() in READABLE)
    return sorted(name for name in found if not is_litter(name))


def suggestion(path: Path) -> str:
    """The line's value: the file, with the headings of id and name where the sheet calls them otherwise.

    Of a workbook it is the first sheet that has such headings.
    """
    try:
        rows, sheets = _beginning(path)
        for sheet in (None, *sheets[1:_MOST_SHEETS]):
            if sheet is not None:
                rows, _ = _beginning(path, sheet)
            if found := _value(path.name, rows, sheet):
                return found
    except UnreadableSheet:
        pass  # told when the campaign is loaded
    return as_value(path.name)


def _beginning(path: Path, sheet: str | None = None) -> tuple[list[list[str]], Sequence[str]]:
    """The first rows of a sheet, and the names of all. Raises UnreadableSheet."""
    with opened(path, sheet) as found:
        return [[cell.text for cell in row.cells.values()] for row in islice(found.rows, _LOOKED_AT)], found.sheets


def _value(file: str, rows: Sequence[Sequence[str]], sheet: str | None) -> str | None:
    """What to write for a sheet with such rows; None where its columns cannot be guessed."""
    if any({"id", "name"} <= set(map(alike, row)) for row in rows):
        return as_value(file) if sheet is None else f"{{file: {as_value(file)}, sheet: {as_value(sheet)}}}"
    found = suggested(file, max(rows, key=len, default=()), (), sheet)
    return None if UNKNOWN in found else found


def suggested(file: str, headings: Sequence[str], words: Collection[str], sheet: str | None = None) -> str:
    """`{file: …, id: …, name: …}` with the headings that may be meant, as `columns` where `words` are among them."""
    by_heading = {alike(text): text for text in headings}
    columns = {"id": _guess(headings, _IDS), "name": _guess(headings, _NAMES)}
    known = {word: by_heading[alike(word)] for word in sorted(words) if alike(word) in by_heading}
    named = ", ".join(f"{field}: {as_value(heading)}" for field, heading in (columns | known).items())
    which = as_value(file) if sheet is None else f"{as_value(file)}, sheet: {as_value(sheet)}"
    return f"{{file: {which}, columns: {{{named}}}}}" if known else f"{{file: {which}, {named}}}"


def _guess(headings: Sequence[str], words: Sequence[str]) -> str:
    """The heading that is one of the words, otherwise the first that holds one; the more telling words first."""
    plain = {alike(text): text for text in headings}
    whole = (plain[word] for word in words if word in plain)
    part = (text for word in words for text in headings if word in alike(text).split())
    within = (text for word in words if len(word) > 2 for text in headings if word in alike(text))
    return next(chain(whole, part, within), UNKNOWN)


def as_value(text: str) -> str:
    """A text as a value of a mapping in braces."""
    is_plain = text == UNKNOWN or (text[:1].isalpha() and text.translate(_HARMLESS).isalnum())
    return text if is_plain else quoted(text)


_HARMLESS = str.maketrans("", "", " ._-")
