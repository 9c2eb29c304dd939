"""What stands on a contact sheet: the first variations in plan order, a row for each cell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import groupby, islice

from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.model import Cell, Size, State
from campaign_runner.plan.plan import Plan, Planned
from campaign_runner.text import plural

MOST_PICTURES = 200
_WORDS = {
    State.ACCEPTED: "at the service",
    State.IN_DOUBT: "in doubt",
    State.FAILED: "failed",
    State.ABANDONED: "abandoned",
    State.PENDING: "not asked for yet",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """One variation: its stored file (relative to the output folder), or in words why there is none."""

    seed: int
    file: str | None
    sha256: str | None
    missing: str


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


def contents(plan: Plan, ledger: Ledger, counts: Mapping[State, int]) -> Contents:
    """What a campaign's sheet shows now; `counts` are those of the whole campaign, by state."""
    planned = list(islice(plan, MOST_PICTURES))
    entries = ledger.entries([each.variation.key for each in planned])
    has_presets = len(plan.campaign.presets) > 1
    rows = tuple(
        _row(cell, [_picture(each, entries.get(each.variation.key)) for each in of_cell], has_presets=has_presets)
        for cell, of_cell in groupby(planned, key=lambda each: each.variation.cell)
    )
    campaign = plan.campaign
    return Contents(campaign.campaign, _subtitle(campaign.model, len(plan), len(planned), counts), rows)


def _subtitle(model: str, planned: int, shown: int, counts: Mapping[State, int]) -> str:
    parts = [plural(planned, "image")]
    if counts[State.STORED] < planned:
        parts += [f"{number:,} {_WORDS.get(state, state)}" for state in State if (number := counts[state])]
    if shown < planned:
        parts.append(f"the first {shown} are shown")
    return "   ".join([model, *parts])


def _row(cell: Cell, pictures: list[Picture], *, has_presets: bool) -> Row:
    looks = tuple(part for part in (cell.prompt, cell.preset if has_presets else None, cell.market) if part)
    return Row(cell.product, looks, cell.size, tuple(pictures))


def _picture(planned: Planned, entry: Entry | None) -> Picture:
    seed = planned.variation.seed
    if entry is None or entry.state != State.STORED:
        return Picture(seed, None, None, _WORDS[entry.state if entry else State.PENDING])
    return Picture(seed, entry.file, entry.sha256, "cannot be read")
