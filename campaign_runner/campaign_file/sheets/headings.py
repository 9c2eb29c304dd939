"""Which column is what: by the campaign file's `columns`, otherwise by their headings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from campaign_runner.campaign_file.schema.look import FIELDS as LOOK_FIELDS
from campaign_runner.campaign_file.schema.shape import RESERVED
from campaign_runner.campaign_file.sheets.cells import SheetRow
from campaign_runner.campaign_file.sheets.fields import LIMITS, ONE_MARKET, Fields, alike, parts
from campaign_runner.campaign_file.sheets.request import Column, SheetRequest
from campaign_runner.campaign_file.sheets.suggestion import as_value, suggested
from campaign_runner.campaign_file.syntax.sheet_places import SheetPlaces
from campaign_runner.campaign_file.syntax.source import Scalar, Source
from campaign_runner.problem import Problem, column_letters
from campaign_runner.text import did_you_mean, joined, plural

_NEAR = 0.8  # of a heading that is not used to a field that has no column
_MOST_SHOWN = 12
_MEANT_OTHERWISE = "if this column means something else, rename it, or list the columns to read under 'columns'"


@dataclass(slots=True)
class Headings:
    """Columns, from 1, by field and by the headings of `where`; `row` is where they are.

    `keys` are the places of fields in the campaign file, where it names them; `unused` are the other headings.
    """

    row: int
    columns: dict[str, int] = field(default_factory=dict)
    wanted: dict[str, int] = field(default_factory=dict)
    keys: dict[str, Scalar] = field(default_factory=dict)
    unused: dict[int, str] = field(default_factory=dict)

    def hints(self) -> dict[int, str]:
        """What a mistake may come from in a column that was taken by its heading alone, though other sheets have it."""
        taken = (field for field in self.columns if field not in self.keys and field in (*LIMITS, *LOOK_FIELDS))
        return {self.columns[field]: _MEANT_OTHERWISE for field in taken}

    def used(self) -> frozenset[int]:
        """The columns whose cells matter."""
        return frozenset((*self.columns.values(), *self.wanted.values()))


class HeadingReader:
    """Finds the row of headings and what each column is. `problems` and `warnings` are in the file and the sheet."""

    def __init__(self, source: Source, request: SheetRequest, fields: Fields) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self._source = source
        self._request = request
        self._fields = fields
        self._id = alike(request.columns["id"].heading.text) if "id" in request.columns else "id"
        self._seen: list[SheetRow] = []

    def is_heading(self, row: SheetRow) -> bool:
        """Whether a row is that of the headings; those before it are remembered."""
        if self._request.header is not None:
            is_found = row.number >= self._request.header
        else:
            is_found = any(alike(cell.text) == self._id for cell in row.cells.values())
        if not is_found and len(self._seen) < _MOST_SHOWN:
            self._seen.append(row)
        return is_found

    def refuse_none(self, sheets: Sequence[str]) -> None:
        """No row has the id's heading; `sheets` are those of the workbook that show."""
        widest = max(self._seen, key=lambda row: len(row.cells), default=SheetRow(0))
        further = ""
        if len(sheets) > 1 and self._request.sheet is None:
            another = f"sheet: {as_value(sheets[1])}"
            further = f"only its first sheet is read; to read another one ({joined(sheets[1:])}): {another}"
        self._refuse_missing("id", [cell.text for cell in widest.cells.values()], widest.number, further)

    def read(self, row: SheetRow, places: SheetPlaces) -> Headings:
        """What the columns are; what cannot be found or has two meanings is a problem."""
        found = Headings(row.number)
        if self._request.header not in (None, row.number):
            message = f"row {self._request.header} of {self._request.file.text} is empty"
            self._refuse(self._request.file, message, f"write header: {row.number} if the headings are there")
        headings = {column: cell.text for column, cell in row.cells.items()}
        by_heading: dict[str, list[int]] = {}
        for column, text in headings.items():
            by_heading.setdefault(alike(text), []).append(column)
        if self._request.columns:
            self._named(found, by_heading, headings, places)
        else:
            self._by_name(found, by_heading, places)
        for heading, (key, _) in self._request.where.items():
            self._wanted(found, heading, key, by_heading, headings, places)
        found.unused = {column: text for column, text in headings.items() if column not in found.used()}
        if not self._request.columns:
            self.warnings += self._guesses(found, places)
        for needed in ("id", "name"):
            known = {parts(field_)[0] for field_ in (*found.columns, *self._request.columns)}
            if needed not in known and needed not in by_heading:  # one with two columns is told already
                self._refuse_missing(needed, list(headings.values()), row.number)
                break
        return found

    def _named(
        self, found: Headings, by_heading: Mapping[str, list[int]], headings: Mapping[int, str], places: SheetPlaces
    ) -> None:
        for field_, column in self._request.columns.items():
            if flaw := self._flaw(field_):
                self._refuse(column.key, *flaw)
                continue
            there = self._one(by_heading.get(alike(column.heading.text), []), found.row, places)
            if there is not None:
                found.columns[field_] = there
                found.keys[field_] = column.key
            elif alike(column.heading.text) not in by_heading:
                self._refuse_heading(column, list(headings.values()))

    def _by_name(self, found: Headings, by_heading: Mapping[str, list[int]], places: SheetPlaces) -> None:
        for heading, field_ in self._fields.by_heading().items():
            if heading in by_heading and (there := self._one(by_heading[heading], found.row, places)) is not None:
                found.columns[field_] = there

    def _wanted(
        self,
        found: Headings,
        heading: str,
        key: Scalar,
        by_heading: Mapping[str, list[int]],
        headings: Mapping[int, str],
        places: SheetPlaces,
    ) -> None:
        """The column of a key of `where`: a field of `columns`, or a heading."""
        if heading in found.columns:
            found.wanted[heading] = found.columns[heading]
        elif alike(heading) not in by_heading:
            self._refuse_heading(Column(key, key), list(headings.values()))
        elif (there := self._one(by_heading[alike(heading)], found.row, places)) is not None:
            found.wanted[heading] = there

    def _one(self, columns: Sequence[int], row: int, places: SheetPlaces) -> int | None:
        """The column, if it is one."""
        if len(columns) > 1:
            letters = " and ".join(column_letters(column) for column in columns[:3])
            message = f"several columns have this heading: {letters}"
            advice = "give each of them its own heading in the sheet"
            self.problems.append(places.problem(places.position(row, columns[1]), message, advice))
        return columns[0] if len(columns) == 1 else None

    def _flaw(self, field_: str) -> tuple[str, str] | None:
        """What is wrong with a key of `columns`."""
        base, key = parts(field_)
        if base == ONE_MARKET and key:
            if key in self._fields.markets:
                return None
            known = ", ".join(self._fields.markets) or "none"
            message = f"there is no market '{key}'{did_you_mean(key, self._fields.markets)}"
            return message, f"markets of this campaign: {known}"
        if base in RESERVED and base not in ("id", "name", *LIMITS, *LOOK_FIELDS):
            return (
                f"'{base}' cannot be a column: it means something else in campaign files",
                "choose another word for it",
            )
        if not key:
            return None
        if not self._fields.is_text(base):
            return f"'{base}' is the same in all markets: '{field_}' cannot be a column", f"write {base}"
        if not self._fields.keys:
            return f"'{field_}' needs markets, and the campaign file has none", f"write {base}, or add 'markets'"
        if key not in self._fields.keys:
            known = ", ".join(sorted(self._fields.keys))
            near = did_you_mean(key, self._fields.keys)
            return f"'{key}' is neither a market of this campaign nor a language of one{near}", f"known here: {known}"
        return None

    def _refuse_heading(self, column: Column, headings: Sequence[str]) -> None:
        text = column.heading.text
        message = f"{self._request.file.text} has no column '{text}'{did_you_mean(text, headings)}"
        self._refuse(column.heading, message, f"its columns: {joined(headings, most=_MOST_SHOWN)}")

    def _refuse_missing(self, needed: str, headings: Sequence[str], row: int, further: str = "") -> None:
        """There is no column for the id or the name, and the campaign file names none."""
        file, named = self._request.file, self._request.columns.get(needed)
        if named is not None:
            self._refuse_heading(named, headings)
            return
        message = f"no column of {file.text} is called '{needed}'"
        if self._request.columns:
            message = f"'columns' does not say which column is the {needed}"
            self._refuse(file, message, f"add {needed}: and the heading of that column")
            return
        if not headings:
            self._refuse(file, message, further or "it has no row with texts")
            return
        example = suggested(file.text, headings, self._fields.words)
        columns = f"its columns, in row {row}: {joined(headings, most=_MOST_SHOWN)}"
        if self._request.header is not None:
            further = "if the headings are in another row, correct 'header', or leave it out"
        which = f"say in the campaign file which is which: products: {example}"
        self._refuse(file, message, "\n".join(filter(None, (columns, further, which))))

    def _guesses(self, found: Headings, places: SheetPlaces) -> Iterator[Problem]:
        """Headings that are nearly a field which has no column."""
        missing = [heading for heading, field_ in self._fields.by_heading().items() if field_ not in found.columns]
        for column, text in found.unused.items():
            if near := get_close_matches(alike(text)[:60], missing, n=1, cutoff=_NEAR):
                message = f"this column is not used; did you mean '{near[0]}'?"
                advice = "rename the heading, or leave it as it is if it means something else"
                yield places.problem(places.position(found.row, column), message, advice)

    def _refuse(self, node: Scalar, message: str, advice: str) -> None:
        self.problems.append(self._source.problem(node.start, message, advice))


def unused(headings: Headings) -> str:
    """`31 columns not used: Price, EAN, …`, empty if all are."""
    names = list(headings.unused.values())
    return f"{plural(len(names), 'column')} not used: {joined(names)}" if names else ""
