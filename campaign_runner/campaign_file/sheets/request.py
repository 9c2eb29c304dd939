"""What a campaign file says about its sheet: the file, the row of headings, the columns, the rows to take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from campaign_runner.campaign_file.sheets.fields import ONE_MARKET
from campaign_runner.campaign_file.sheets.naming import KEYS
from campaign_runner.campaign_file.syntax.source import Hole, Listed, Node, Pairs, Scalar, Source
from campaign_runner.problem import Problem
from campaign_runner.text import did_you_mean

_EXAMPLE = 'products: {file: products.xlsx, id: SKU, name: "Product title"}'
_COLUMNS = "columns: {id: SKU, name: Title, material: Material}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column that the campaign file names: its heading, and the keys under which it is there."""

    key: Scalar
    heading: Scalar


@dataclass(slots=True)
class SheetRequest:
    """`columns` are by field, empty where headings are taken by name; `where` are the wanted values by heading."""

    file: Scalar
    sheet: Scalar | None = None
    header: int | None = None
    columns: dict[str, Column] = field(default_factory=dict)
    where: dict[str, tuple[Scalar, tuple[Scalar, ...]]] = field(default_factory=dict)


class RequestReader:
    """Reads that part of a campaign file; `problems` are its mistakes."""

    def __init__(self, source: Source) -> None:
        self.problems: list[Problem] = []
        self._source = source

    def read(self, products: Node) -> SheetRequest | None:
        """What is asked for; None if not even the file is known."""
        if isinstance(products, Scalar):
            return SheetRequest(products)
        if not isinstance(products, Pairs):
            return None
        entries = products.entries
        for key, (place, _) in entries.items():
            if key not in KEYS:
                self._refuse(
                    place,
                    f"unknown key '{key}' beside 'file'{did_you_mean(key, KEYS)}",
                    f"keys here: {', '.join(KEYS)}",
                )
        file = self._text(entries, "file")
        if file is None:
            return None
        request = SheetRequest(file, self._text(entries, "sheet"), self._header(entries))
        self._read_columns(request, entries)
        if "where" in entries:
            self._read_where(request, *entries["where"])
        return request

    def _text(self, entries: Mapping[str, tuple[Scalar, Node]], key: str) -> Scalar | None:
        key_place, node = entries.get(key, (None, None))
        if node is None or isinstance(node, Hole):
            return None
        if isinstance(node, Scalar) and node.text.strip():
            return node
        self._refuse(key_place or node, f"'{key}' is one text", f"such as {_EXAMPLE}")
        return None

    def _header(self, entries: Mapping[str, tuple[Scalar, Node]]) -> int | None:
        node = self._text(entries, "header")
        if node is None:
            return None
        if node.text.isascii() and node.text.isdigit() and 0 < len(node.text) < 8 and int(node.text):
            return int(node.text)
        self._refuse(
            node,
            f"'{node.text}' is not the number of a row",
            "write the number of the row with the headings, such as 4",
        )
        return None

    def _read_columns(self, request: SheetRequest, entries: Mapping[str, tuple[Scalar, Node]]) -> None:
        columns = request.columns
        for short in ("id", "name"):
            if (heading := self._text(entries, short)) is not None:
                columns[short] = Column(entries[short][0], heading)
        if "columns" not in entries:
            return
        place, node = entries["columns"]
        if not isinstance(node, Pairs):
            self._refuse_unless_hole(node, place, "'columns' says which column is what", f"such as {_COLUMNS}")
            return
        for name, (key, value) in node.entries.items():
            if name in columns:
                self._refuse(key, f"'{name}' is said twice: here and beside 'file'", "keep one of them")
            elif name == ONE_MARKET and isinstance(value, Pairs):
                for market, (market_key, market_heading) in value.entries.items():
                    self._add(columns, f"{ONE_MARKET} {market}", market_key, market_heading)
            else:
                self._add(columns, " ".join(name.split()), key, value)

    def _add(self, columns: dict[str, Column], field_: str, key: Scalar, heading: Node) -> None:
        if isinstance(heading, Scalar) and heading.text.strip():
            columns[field_] = Column(key, heading)
        else:
            self._refuse_unless_hole(heading, key, f"'{field_}' needs the heading of its column", f"such as {_COLUMNS}")

    def _read_where(self, request: SheetRequest, place: Scalar, node: Node) -> None:
        example = "such as where: {season: [AW26, AW27], status: live}"
        if not isinstance(node, Pairs):
            self._refuse_unless_hole(node, place, "'where' says which rows to take", example)
            return
        for heading, (key, value) in node.entries.items():
            values = value.nodes if isinstance(value, Listed) else (value,)
            texts = tuple(each for each in values if isinstance(each, Scalar))
            if len(texts) == len(values) and texts:
                request.where[heading] = key, texts
            else:
                self._refuse_unless_hole(value, key, f"'{heading}' needs a value, or a list of them", example)

    def _refuse_unless_hole(self, node: Node, place: Scalar, message: str, advice: str) -> None:
        if not isinstance(node, Hole):
            self._refuse(place, message, advice)

    def _refuse(self, node: Node, message: str, advice: str) -> None:
        self.problems.append(self._source.problem(node.start, message, advice))
