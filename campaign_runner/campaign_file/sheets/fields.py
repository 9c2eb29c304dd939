"""What a column may be about: `name`, `name de`, a limit, a look field, a word for prompts.

A field is written as its column would be called; `name de` is the name for a market or language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from campaign_runner.campaign_file.schema.look import FIELDS as LOOK_FIELDS
from campaign_runner.campaign_file.schema.templates import OTHER, language, slots
from campaign_runner.campaign_file.syntax.source import Listed, Node, Pairs, Scalar

LIMITS = ("prompts", "presets", "markets", "sizes")
LISTS = frozenset((*LIMITS, "styles"))
"""Fields whose cells hold several values, with spaces or commas between them."""
ONE_MARKET = "markets"
"""`markets de` is a column that says yes or no for that market."""
_BY_LANGUAGE = frozenset(("name", "negative_prompt"))  # and words
_APART = re.compile(r"[\s_-]+")
_WORD = "product."


def alike(heading: str) -> str:
    """A heading without what people write differently: case, spaces, `_` and `-`."""
    return _APART.sub(" ", heading).strip().casefold()


def parts(field: str) -> tuple[str, str]:
    """The field and the market or language it is for, which may be empty: `name de` is (`name`, `de`)."""
    base, _, key = field.partition(" ")
    return base, key


@dataclass(frozen=True, slots=True)
class Fields:
    """What columns can be about in a campaign: its markets and languages, and the words that its texts use."""

    markets: tuple[str, ...]
    keys: frozenset[str]
    words: frozenset[str]

    def by_heading(self) -> dict[str, str]:
        """Every field by the heading that means it."""
        known = {alike(field): field for field in ("id", "name", *LIMITS, *LOOK_FIELDS)}
        known |= {alike(word): word for word in self.words}
        texts = [base for base in known.values() if self.is_text(base)]
        known |= {alike(f"{base} {key}"): f"{base} {key}" for base in texts for key in self.keys}
        return known | {alike(f"{ONE_MARKET} {market}"): f"{ONE_MARKET} {market}" for market in self.markets}

    def is_text(self, base: str) -> bool:
        """Whether a field has a text that may differ by market or language."""
        return base in _BY_LANGUAGE or base not in ("id", *LIMITS, *LOOK_FIELDS)


def fields_of(root: Pairs) -> Fields:
    """The fields that a campaign file has a use for."""
    markets = _entries(root, "markets")
    locales = [
        _locale(entry)
        for entry in (*markets.values(), root.entries["defaults"][1] if "defaults" in root.entries else None)
    ]
    spoken = {found for locale in locales if (found := language(locale))}
    keys = frozenset((*markets, *spoken, OTHER)) if markets else frozenset[str]()
    others = (node for key, (_, node) in root.entries.items() if key != "products")
    named = {slot.name for node in others for text in _texts(node) for slot in slots(text)}
    words = {name.removeprefix(_WORD) for name in named if name.startswith(_WORD)} - {"id", "name"}
    return Fields(tuple(markets), keys, frozenset(words))


def _entries(root: Pairs, key: str) -> dict[str, Node]:
    node = root.entries[key][1] if key in root.entries else None
    return {id: value for id, (_, value) in node.entries.items()} if isinstance(node, Pairs) else {}


def _locale(entry: Node | None) -> str | None:
    found = entry.entries["locale"][1] if isinstance(entry, Pairs) and "locale" in entry.entries else None
    return found.text if isinstance(found, Scalar) else None


def _texts(node: Node) -> Iterator[str]:
    """Every text below a node of the file."""
    match node:
        case Scalar():
            yield node.text
        case Pairs():
            for _, value in node.entries.values():
                yield from _texts(value)
        case Listed():
            for value in node.nodes:
                yield from _texts(value)
        case _:
            pass
