"""What is on the contact sheets: every image that exists, in plan order, a row for each cell."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import groupby
from typing import overload

from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.model import Cell, Size, State
from campaign_runner.plan.plan import Plan, Planned
from campaign_runner.portions import batched
from campaign_runner.text import plural

MOST_PICTURES = 200
"""Of one sheet."""
_AT_ONCE = 5_000
_WORDS = {
    State.ACCEPTED: "paid for, not downloaded yet",
    State.IN_DOUBT: "in doubt",
    State.FAILED: "failed",
    State.ABANDONED: "given up",
    State.PENDING: "not requested yet",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """One variation: its stored file (relative to the output folder), or in words why there is none."""

    seed: int
    file: str | None
    sha256: str | None
    missing: str
    key8: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One cell of the campaign; `looks` are the ids of prompt, preset and market."""

    product: str
    looks: tuple[str, ...]
    size: Size
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything that is shown. `digest` changes exactly when something of it does."""

    title: str
    subtitle: str
    rows: tuple[Row, ...]

    @property
    def pictures(self) -> int:
        return sum(len(row.pictures) for row in self.rows)

    @property
    def has_any(self) -> bool:
        """Whether there is a picture to look at."""
        return any(picture.file for row in self.rows for picture in row.pictures)

    @property
    def digest(self) -> str:
        """SHA-256 of all that is shown, hex."""
        return sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Sheets(Sequence[Contents]):
    """The sheets of a campaign, each read when it is asked for: `shown` are the positions of their images."""

    plan: Plan
    ledger: Ledger
    counts: Mapping[State, int]
    shown: array[int]

    def __len__(self) -> int:
        return -(-len(self.shown) // MOST_PICTURES)

    @overload
    def __getitem__(self, at: int) -> Contents: ...

    @overload
    def __getitem__(self, at: slice) -> list[Contents]: ...

    def __getitem__(self, at: int | slice) -> Contents | list[Contents]:
        if isinstance(at, slice):
            return [self[number] for number in range(len(self))[at]]
        number = range(len(self))[at]
        return self._read(number + 1, self.shown[number * MOST_PICTURES : (number + 1) * MOST_PICTURES])

    def _read(self, number: int, positions: array[int]) -> Contents:
        plan, found = self.plan, [self.plan.at(position) for position in positions]
        entries = self.ledger.entries([each.variation.key for each in found])
        has_presets, of = len(plan.campaign.presets) > 1, len(self)

        def row(cell: Cell, images: Iterable[Planned]) -> Row:
            pictures = [_picture(each, entries.get(each.variation.key)) for each in images]
            return _row(cell, pictures, has_presets=has_presets)

        return Contents(
            plan.campaign.campaign,
            _subtitle(plan, len(self.shown), self.counts, f"sheet {number} of {of}" if of > 1 else ""),
            tuple(row(*of_cell) for of_cell in groupby(found, key=lambda each: each.variation.cell)),
        )


def sheets(plan: Plan, ledger: Ledger, counts: Mapping[State, int]) -> Sequence[Contents]:
    """What a campaign's sheets show now: every image that exists, then as many others as the last one has room for.

    `counts` are those of the whole campaign, by state. None where no image exists.
    """
    return Sheets(plan, ledger, counts, _shown(plan, ledger, counts[State.STORED]))


def _shown(plan: Plan, ledger: Ledger, stored: int) -> array[int]:
    """Where the images are that exist (there are `stored` of them), then the first others; both in plan order."""
    existing, others = array("q"), array("q")
    room = -stored % MOST_PICTURES
    for some in batched(enumerate(plan.keys() if stored else ()), _AT_ONCE):
        states = ledger.states([key for _, key in some])
        for position, key in some:
            (existing if states.get(key) == State.STORED else others).append(position)
        del others[room:]
        if len(existing) >= stored and len(others) >= room:
            break
    return existing + others


def _subtitle(plan: Plan, shown: int, counts: Mapping[State, int], which: str) -> str:
    planned = len(plan)
    parts = [plural(planned, "image")]
    if counts[State.STORED] < planned:
        parts += [f"{number:,} {_WORDS.get(state, state)}" for state in State if (number := counts[state])]
    if shown < planned:
        parts.append(f"{shown:,} are shown")
    return "   ".join([plan.campaign.model, *parts, *([which] if which else [])])


def _row(cell: Cell, pictures: list[Picture], *, has_presets: bool) -> Row:
    looks = tuple(part for part in (cell.prompt, cell.preset if has_presets else None, cell.market) if part)
    return Row(cell.product, looks, cell.size, tuple(pictures))


def _picture(planned: Planned, entry: Entry | None) -> Picture:
    seed, key8 = planned.variation.seed, planned.variation.key[:8]
    if entry is None or entry.state != State.STORED:
        return Picture(seed, None, None, _WORDS[entry.state if entry else State.PENDING], key8)
    return Picture(seed, entry.file, entry.sha256, "cannot be read", key8)
