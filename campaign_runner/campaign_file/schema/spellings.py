"""Ids that were made from names by earlier versions, which left out letters with accents: `ros-soap`, now `rose-soap`.

An id of either spelling names the entry, so that files, commands and records of before go on meaning what they meant.
Only ids made from a list of names have two; where an earlier spelling is the id of another entry, it means that one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

from campaign_runner.campaign_file.syntax.source import Scalar
from campaign_runner.model import Cell

Fields = dict[str, Any]
Spellings = Mapping[str, Mapping[str, str]]
"""By list (`products`, `presets`): ids in one spelling, and what they are in another."""
LISTED = {"product": "products", "preset": "presets"}
"""The axes whose ids may be made from names, and their lists."""
_NAMING = ("products", "prompts", "presets", "markets", "exclude", "include")  # whose entries may name others


def earlier(before: Mapping[str, str]) -> dict[str, str]:
    """What each earlier spelling stands for. `before` has that of every id of a list."""
    times = Counter(before.values())
    return {other: id for id, other in before.items() if other and other not in before and times[other] == 1}


def respell(fields: Fields, spellings: Spellings) -> None:
    """Put today's id wherever an entry of the file names another one in its earlier spelling."""
    if not any(spellings.values()):
        return
    for entry in chain.from_iterable(_of(fields, name) for name in _NAMING):
        for axis, several in LISTED.items():
            for name in {axis, several} & entry.keys() if isinstance(entry, dict) else ():
                entry[name] = _today(entry[name], spellings.get(several, {}))


def _of(fields: Fields, name: str) -> Iterable[Any]:
    """The entries under a key, if it has any."""
    found = fields.get(name)
    return found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()


def _today(value: Any, known: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_today(each, known) for each in value]
    if isinstance(value, Scalar) and value.text in known:
        return replace(value, text=known[value.text])
    return value


def both(axis: str, names: Collection[str], spellings: Spellings) -> frozenset[str]:
    """`names` in each spelling that a plan or a record may have them in."""
    known = spellings.get(LISTED.get(axis, ""), {})
    meant = {known.get(name, name) for name in names}
    return frozenset((*names, *meant, *(before for before, id in known.items() if id in meant)))


def spelt(cell: Cell, spellings: Spellings) -> Cell:
    """A cell with each id in its other spelling: a recorded one as today with `Campaign.spellings`, the other way
    round with `Source.respelt`.
    """
    product, preset = (spellings.get(several, {}).get(getattr(cell, axis)) for axis, several in LISTED.items())
    return replace(cell, product=product or cell.product, preset=preset or cell.preset)  # none was made of no letter
