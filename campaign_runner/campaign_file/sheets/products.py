"""Rows of a sheet to products: rows with one id are one product, market columns become limits, texts become nodes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from campaign_runner.campaign_file.schema.ids import derived
from campaign_runner.campaign_file.schema.look import FIELDS as LOOK_FIELDS
from campaign_runner.campaign_file.schema.templates import OTHER
from campaign_runner.campaign_file.sheets.fields import LIMITS, LISTS, parts
from campaign_runner.campaign_file.syntax.source import Hole, Listed, Node, Pairs, Scalar
from campaign_runner.model import canonical_json

_BETWEEN = re.compile(r"[\s,;]+")
_AS_WRITTEN = frozenset((*LIMITS, *LOOK_FIELDS)) - {"negative_prompt"}  # numbers are numbers there


@dataclass(slots=True)
class SheetProduct:
    """One product: its texts by field, the id as the sheet spells it among them.

    `rows` are those of texts that further rows gave, `flawed` the fields whose cells are complained about.
    """

    row: int
    texts: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    flawed: set[str] = field(default_factory=set)

    @property
    def id(self) -> str:
        """The id as a campaign file would have it."""
        return derived(self.texts["id"])


Place = Callable[[str, int], int]
"""The position of a field's cell in a row."""


def noted(products: Iterable[SheetProduct]) -> str:
    """The rows as they were read: canonical JSON, in the sheet's order."""
    return canonical_json([product.texts for product in products])


def recalled(rows: str) -> list[SheetProduct]:
    """The products of rows that were noted. Raises ValueError where those are not what `noted` makes."""
    found = json.loads(rows)
    if not isinstance(found, list):
        raise ValueError(rows)
    texts = [{str(field_): str(text) for field_, text in dict(each).items()} for each in found]
    if not all("id" in each for each in texts):
        raise ValueError(rows)
    return [SheetProduct(0, each) for each in texts]


def nodes(products: Sequence[SheetProduct], start: int, end: int, place: Place, keys: Mapping[str, Scalar]) -> Pairs:
    """Products as if the campaign file listed them, between `start` and `end`; `keys` are fields that it names."""
    entries: dict[str, tuple[Scalar, Node]] = {}
    for product in products:
        at = place("id", product.row)
        key = Scalar(product.texts["id"], at, at, is_plain=False)
        entries[product.id] = key, _entry(product, place, keys)
    return Pairs(entries, start, end, is_flow=True)


def _entry(product: SheetProduct, place: Place, keys: Mapping[str, Scalar]) -> Pairs:
    by_base: dict[str, dict[str, Scalar | Hole]] = {}
    for name in product.flawed:
        base, key = parts(name)
        at = place(name, product.row)
        by_base.setdefault(base, {})[key] = Hole(at, at)
    for name, text in product.texts.items():
        at = place(name, product.rows.get(name, product.row))
        base, key = parts(name)
        if base != "id":
            by_base.setdefault(base, {})[key] = Scalar(text, at, at, is_plain=base in _AS_WRITTEN)
    at = place("id", product.row)
    entries: dict[str, tuple[Scalar, Node]] = {}
    for base, texts in by_base.items():
        entries[base] = _key(base, texts, place, keys), _value(base, texts, place, keys)
    if "name" not in by_base:
        entries["name"] = _key("name", {"": Hole(at, at)}, place, keys), Hole(at, at)
    return Pairs(entries, at, at, is_flow=True)


def _key(base: str, texts: Mapping[str, Scalar | Hole], place: Place, keys: Mapping[str, Scalar]) -> Scalar:
    """The key of a field is in the campaign file where that names its column, otherwise at the heading."""
    name = f"{base} {next(iter(texts))}".strip()
    if name in keys:
        return keys[name]
    at = place(name, 0)
    return Scalar(base, at, at, is_plain=True)


def _value(base: str, texts: Mapping[str, Scalar | Hole], place: Place, keys: Mapping[str, Scalar]) -> Node:
    first = next(iter(texts.values()))
    if isinstance(first, Scalar) and base in LISTS:
        values = (text for text in _BETWEEN.split(first.text) if text)
        scalars = tuple(Scalar(text, first.start, first.end, is_plain=True) for text in values)
        return Listed(scalars, first.start, first.end, is_flow=True)
    if texts.keys() == {""}:
        return first
    entries: dict[str, tuple[Scalar, Node]] = {}
    for key, text in texts.items():
        entries[key or OTHER] = _key(base, {key: text}, place, keys), text
    return Pairs(entries, first.start, first.end, is_flow=True)
