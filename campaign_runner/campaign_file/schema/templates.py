"""Texts with placeholders: how they are read, chosen for a market, and cleaned.

A template is literal text and slots, nothing else: `{word}` is looked up in a closed set
of names, so no text of a campaign can reach code, attributes or format specifications.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

EVERYWHERE = ""  # the key of a text that was given plainly: one wording for every market
OTHER = "other"  # the key of the wording for markets that have none of their own

Text = Mapping[str, str]
"""Wordings by market id, language or `other`; a plain text is under EVERYWHERE."""

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


@dataclass(frozen=True, slots=True)
class Slot:
    """A placeholder: the name between its braces, and where its `{` is in the text."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Flaw:
    """A brace that is not part of a placeholder; `at` counts characters of the text from 0."""

    at: int
    brace: str


@lru_cache(maxsize=4096)
def parse(text: str) -> tuple[str | Slot, ...]:
    """Literal parts and slots of a text, in order. A stray brace is left out; `flaws` names it."""
    return tuple(_joined(part for part in _parts(text) if not isinstance(part, Flaw)))


def slots(text: str) -> tuple[Slot, ...]:
    """The placeholders of a text, in order."""
    return tuple(part for part in parse(text) if isinstance(part, Slot))


def flaws(text: str) -> tuple[Flaw, ...]:
    """The braces of a text that neither open nor close a placeholder."""
    return tuple(part for part in _parts(text) if isinstance(part, Flaw))


def _parts(text: str) -> Iterator[str | Slot | Flaw]:
    end = 0
    for token in _TOKEN.finditer(text):
        if token.start() > end:
            yield text[end : token.start()]
        end = token.end()
        if token[1] is not None:
            yield Slot(token[1], token.start())
        elif len(token[0]) == 2:
            yield token[0][0]
        else:
            yield Flaw(token.start(), token[0])
    if end < len(text):
        yield text[end:]


def _joined(parts: Iterator[str | Slot]) -> Iterator[str | Slot]:
    for is_literal, some in groupby(parts, key=lambda part: isinstance(part, str)):
        if is_literal:
            yield "".join(map(str, some))
        else:
            yield from some


def clean(text: str) -> str:
    """The text as it is sent and measured: composed characters (NFC), single spaces, none at the ends."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return " ".join(text.split())


def key_for(text: Text, market: str | None, language: str | None) -> str | None:
    """The key of the wording for a market: its own, its language's or `other`; None if there is none."""
    return next((key for key in (EVERYWHERE, market, language, OTHER) if key is not None and key in text), None)


def language(locale: str | None) -> str | None:
    """The language of a locale: `de` of `de-DE`."""
    return locale.partition("-")[0] if locale else None
