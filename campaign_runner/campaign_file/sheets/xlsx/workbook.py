"""What belongs to a workbook as a whole: the names of its sheets, its texts, its number formats."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from posixpath import join, normpath
from sys import getsizeof

from campaign_runner.campaign_file.sheets.cells import UnreadableSheet
from campaign_runner.campaign_file.sheets.xlsx.archive import Archive, Attributes, parsing
from campaign_runner.text import did_you_mean, joined

_MOST_FORMATS = 65_536  # of cells, as in Excel
_MOST_PARTS = 2_000
LONGEST_TEXT = 32_767  # characters of a cell, as in Excel
_MOST_TEXT = 96 * 1024 * 1024  # bytes in memory
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_LOCAL_DATES = frozenset((*range(27, 37), *range(50, 59)))  # number formats that Excel knows without their code
_NO_SHEET = "this file has no sheet with cells"


@dataclass(frozen=True, slots=True)
class CellFormat:
    """The number format of a cell: its code, and whether it shows a date or a time."""

    code: str = ""
    is_date: bool = False


@dataclass(frozen=True, slots=True)
class Workbook:
    """`part` is where the cells of the wanted sheet are, `sheet` its name, `sheets` the names of all that show."""

    part: str
    sheet: str
    sheets: tuple[str, ...]
    texts: Sequence[str]
    formats: Sequence[CellFormat]
    from_1904: bool


def open_workbook(archive: Archive, wanted: str | None) -> Workbook:
    """The workbook, for one of its sheets, the first that shows if none is wanted. Raises UnreadableSheet."""
    main = _target(archive, "", "officeDocument") or "xl/workbook.xml"
    sheets: list[Attributes] = []
    settings: Attributes = {}

    def begin(name: str, attributes: Attributes) -> None:
        if name == "sheet" and len(sheets) < _MOST_PARTS:
            sheets.append(attributes)
        elif name == "workbookPr":
            settings.update(attributes)

    archive.parse(main, begin)
    parts = {id: target for kind, id, target in _targets(archive, main) if kind == "worksheet"}
    by_name = {sheet.get("name", ""): parts[id] for sheet in sheets if (id := _id(sheet)) in parts}
    hidden = {sheet.get("name", "") for sheet in sheets if sheet.get("state") in ("hidden", "veryHidden")}
    showing = tuple(name for name in by_name if name not in hidden)
    if not by_name:
        raise UnreadableSheet(_NO_SHEET, "save it again in Excel as an Excel Workbook (.xlsx)")
    name = _named(wanted, list(by_name)) if wanted is not None else next(iter((*showing, *by_name)))
    strings = _target(archive, main, "sharedStrings")
    styles = _target(archive, main, "styles")
    texts = list(_texts(archive, strings)) if strings is not None and archive.has(strings) else []
    formats = _formats(archive, styles) if styles is not None and archive.has(styles) else []
    return Workbook(by_name[name], name, showing, texts, formats, settings.get("date1904") in ("1", "true"))


def _named(wanted: str, names: Sequence[str]) -> str:
    for name in names:
        if name == wanted or name.strip().casefold() == wanted.strip().casefold():
            return name
    message = f"there is no sheet '{wanted}'{did_you_mean(wanted, names)}"
    raise UnreadableSheet(message, f"its sheets: {joined(names, most=12)}")


def _id(sheet: Attributes) -> str:
    """The id by which a sheet names its part."""
    return next((value for name, value in sheet.items() if name.rpartition(":")[2] == "id" and ":" in name), "")


def _target(archive: Archive, part: str, kind: str) -> str | None:
    return next((target for found, _, target in _targets(archive, part) if found == kind), None)


def _targets(archive: Archive, part: str) -> Iterator[tuple[str, str, str]]:
    """What a part refers to inside the archive: kind, id and part. What is outside is not looked at."""
    folder, _, name = part.rpartition("/")
    relations: list[Attributes] = []

    def begin(tag: str, attributes: Attributes) -> None:
        if tag == "Relationship" and len(relations) < _MOST_PARTS:
            relations.append(attributes)

    where = join(folder, "_rels", f"{name}.rels")
    if archive.has(where):
        archive.parse(where, begin)
    for each in relations:
        if each.get("TargetMode") != "External":
            target = each.get("Target", "")
            inside = target.lstrip("/") if target.startswith("/") else normpath(join(folder, target))
            yield each.get("Type", "").rpartition("/")[2], each.get("Id", ""), inside


def _texts(archive: Archive, part: str) -> Iterator[str]:
    """The texts that cells share, in order, without the readings of Japanese words."""
    reader = TextReader()
    found: list[str] = []
    left = _MOST_TEXT

    def end(name: str) -> None:
        reader.end(name)
        if name == "si":
            found.append(reader.taken())

    for _ in parsing(archive.chunks(part), reader.begin, end, reader.text):
        for text in found:
            left -= getsizeof(text) + 8
            if left < 0:
                advice = "copy the rows and columns that the campaign needs into a new workbook"
                raise UnreadableSheet("the workbook holds too much text", advice)
            yield text
        found.clear()


class TextReader:
    """Puts together the text of `si` and `is` elements: their runs, but for phonetic ones."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._is_text = False
        self._is_phonetic = False

    def begin(self, name: str, attributes: Attributes) -> None:
        """An element begins."""
        if name == "t":
            self._is_text = not self._is_phonetic
        elif name == "rPh":
            self._is_phonetic = True

    def end(self, name: str) -> None:
        """An element ends."""
        if name == "t":
            self._is_text = False
        elif name == "rPh":
            self._is_phonetic = False

    def text(self, text: str) -> None:
        """Characters between elements."""
        if self._is_text:
            self._length += len(text)
            if self._length <= LONGEST_TEXT * len("_x000D_"):
                self._parts.append(text)

    def taken(self) -> str:
        """The text so far; another one begins."""
        text = "".join(self._parts)
        self._parts.clear()
        self._length = 0
        return unescaped(text)


def unescaped(text: str) -> str:
    """A text with the characters that XML cannot have, which Excel writes as `_x000D_`."""
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def _formats(archive: Archive, part: str) -> list[CellFormat]:
    from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format  # a tenth of a second, where a sheet is read

    codes: dict[str, str] = {str(id): code for id, code in BUILTIN_FORMATS.items()}
    formats: list[str] = []
    is_of_cells = False

    def begin(name: str, attributes: Attributes) -> None:
        nonlocal is_of_cells
        if name == "numFmt" and len(codes) < _MOST_FORMATS:
            codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")[:255]
        elif name in ("cellXfs", "cellStyleXfs", "dxfs"):
            is_of_cells = name == "cellXfs"
        elif name == "xf" and is_of_cells and len(formats) < _MOST_FORMATS:
            formats.append(attributes.get("numFmtId", "0"))

    archive.parse(part, begin)
    known = {id: CellFormat(code, bool(is_date_format(code))) for id, code in codes.items()}
    local = {str(id): CellFormat("yyyy-mm-dd", True) for id in _LOCAL_DATES if str(id) not in codes}
    return [known.get(id) or local.get(id) or CellFormat() for id in formats]
