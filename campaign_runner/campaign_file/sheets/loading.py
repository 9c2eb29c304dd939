"""A campaign file whose products are in a sheet, as if it listed them itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from campaign_runner.campaign_file.sheets.cells import OpenSheet, SheetRow, UnreadableSheet
from campaign_runner.campaign_file.sheets.fields import fields_of
from campaign_runner.campaign_file.sheets.headings import HeadingReader, Headings, unused
from campaign_runner.campaign_file.sheets.naming import PRODUCTS, WithProducts, sheet_of
from campaign_runner.campaign_file.sheets.products import Place, nodes, noted, recalled
from campaign_runner.campaign_file.sheets.reader import file_problem, opened
from campaign_runner.campaign_file.sheets.request import RequestReader, SheetRequest
from campaign_runner.campaign_file.sheets.rows import RowReader, notes
from campaign_runner.campaign_file.syntax.sheet_places import SheetPlaces
from campaign_runner.campaign_file.syntax.source import Hole, Listed, Node, Pairs, Scalar, Source
from campaign_runner.problem import Problem
from campaign_runner.text import did_you_mean, joined


def with_products(source: Source) -> WithProducts:
    """The file with the products of its sheet, if it names one."""
    products = sheet_of(source)
    if products is None or not isinstance(source.root, Pairs):
        return WithProducts(source)
    reader = RequestReader(source)
    request = reader.read(products)
    if request is None:
        return WithProducts(_put(source, Hole(products.start, products.end)), tuple(reader.problems))
    found = _Reading(source, request, products).read()
    return replace(found, problems=(*reader.problems, *found.problems))


def with_rows(source: Source, rows: str) -> Source:
    """The file with products whose rows were noted in an earlier run. Raises ValueError where they are none."""
    products = sheet_of(source)
    if products is None:
        return source
    node = nodes(recalled(rows), products.start, _end(products), lambda field, row: products.start, {})
    return replace(_put(source, node), rows=rows)


def _end(node: Node) -> int:
    """Behind the last character of a node; a block's own end is where the next key begins."""
    match node:
        case Pairs(is_flow=False) if node.entries:
            return _end(list(node.entries.values())[-1][1])
        case Listed(is_flow=False) if node.nodes:
            return _end(node.nodes[-1])
    return node.end


def _put(source: Source, node: Node) -> Source:
    """The file with other products."""
    assert isinstance(source.root, Pairs)
    key, _ = source.root.entries[PRODUCTS]
    return replace(source, root=replace(source.root, entries=source.root.entries | {PRODUCTS: (key, node)}))


class _Reading:
    """One reading of the sheet of a campaign."""

    def __init__(self, source: Source, request: SheetRequest, products: Node) -> None:
        assert isinstance(source.root, Pairs)
        self._source = source
        self._request = request
        self._products = products
        self._path = source.path.parent / request.file.text
        self._fields = fields_of(source.root)
        self._columns: set[int] = set()
        self._kept: dict[tuple[int, int], str] = {}
        self._headings: dict[int, str] = {}
        self._by_field: dict[str, int] = {}
        self._hints: dict[int, str] = {}
        start = len(source.text) + 1
        self._places = SheetPlaces(self._path, start, self._headings, self._kept, self._by_field, self._hints)

    def read(self) -> WithProducts:
        """The file with the products, or with a hole that is complained about."""
        columns = HeadingReader(self._source, self._request, self._fields)
        try:
            name = self._request.sheet.text if self._request.sheet is not None else None
            with opened(self._path, name, self._columns) as sheet:
                row = next((row for row in sheet.rows if columns.is_heading(row)), None)
                if row is None:
                    columns.refuse_none(sheet.sheets)
                    return self._without(columns.problems)
                return self._taken(columns, row, sheet)
        except UnreadableSheet as error:
            return self._without([*columns.problems, file_problem(self._path, error)])

    def _taken(self, columns: HeadingReader, row: SheetRow, sheet: OpenSheet) -> WithProducts:
        self._headings.update((column, cell.text) for column, cell in row.cells.items())
        self._kept.update(((row.number, column), cell.text) for column, cell in row.cells.items())
        headings = columns.read(row, self._places)
        if "id" not in headings.columns:
            return self._without(columns.problems)
        self._columns.update(headings.used())
        self._by_field.update(headings.columns)
        self._hints.update(headings.hints())
        taker = RowReader(self._request, self._fields, headings, self._places)
        for each in sheet.rows:
            taker.take(each, self._kept)
        products = taker.finished()
        problems = [*columns.problems, *taker.problems]
        warnings = [*columns.warnings, *self._unmet(taker)]
        if not products:
            if not problems:
                problems = [self._at(self._request.file, f"{self._request.file.text} has no products", _none(taker))]
            return self._without(problems, warnings)
        start, end = self._products.start, _end(self._products)
        node = nodes(products, start, end, self._place(headings), headings.keys)
        sayings = (self._which(sheet), *notes(taker.counts), unused(headings))
        told = tuple(f"{self._path}: {each}" for each in sayings if each)
        source = replace(_put(self._source, node), sheet=self._places, rows=noted(products), notes=told)
        return WithProducts(source, tuple(problems), tuple(warnings))

    def _which(self, sheet: OpenSheet) -> str:
        """Which of several sheets is read, where the campaign file does not say."""
        if self._request.sheet is not None or len(sheet.sheets) < 2:
            return ""
        return f"sheet '{sheet.name}' is read, the first of {len(sheet.sheets)}; `sheet:` names another"

    def _place(self, headings: Headings) -> Place:
        """Where a field is in a row; row 0 is the headings."""
        first = headings.columns["id"]

        def place(field: str, row: int) -> int:
            return self._places.position(row or headings.row, headings.columns.get(field, first))

        return place

    def _unmet(self, taker: RowReader) -> Iterator[Problem]:
        """Values of `where` that no row has."""
        for heading, (_, values) in self._request.where.items():
            met = taker.met[heading]
            for value in values if met else ():
                if value.text.strip().casefold() not in met:
                    meant = did_you_mean(value.text, met.values())
                    yield self._at(value, f"no row has '{value.text}' in column '{heading}'{meant}", "")

    def _without(self, problems: list[Problem], warnings: list[Problem] | None = None) -> WithProducts:
        hole = _put(self._source, Hole(self._products.start, self._products.end))
        return WithProducts(replace(hole, sheet=self._places), tuple(problems), tuple(warnings or ()))

    def _at(self, node: Scalar, message: str, advice: str) -> Problem:
        return self._source.problem(node.start, message, advice)


def _none(taker: RowReader) -> str:
    """Why a sheet has no products."""
    if taker.counts.left_out:
        has = [f"column '{heading}' has {joined(sorted(met.values()))}" for heading, met in taker.met.items()]
        return f"no row fits 'where': {'; '.join(has)}"
    return "there is no row below the headings" if not taker.counts.nowhere else "none of its rows is for a market"
