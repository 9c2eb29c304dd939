"""Stored images that may stand for changed words: a person's word, recorded with the old words and the new ones.

An image may stand for a due one of the same cell (product, prompt, preset, market, size) and seed. It keeps
its own place; the new one gets a copy of its bytes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any

from campaign_runner.campaign_file.schema.spellings import spelt
from campaign_runner.events import Adopted
from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.maintenance.prune import no_longer_planned
from campaign_runner.model import Recipe, Variation
from campaign_runner.output_folder.opened import OpenFolder
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Planned
from campaign_runner.plan.selection import EVERYTHING, Selection
from campaign_runner.portions import batched
from campaign_runner.reuse.adoption import take_over
from campaign_runner.reuse.candidate import Candidate

_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Replacement:
    """A due variation, and the stored image that may stand for it."""

    planned: Planned
    entry: Entry

    @property
    def difference(self) -> str:
        """What the service would receive differently: the old words and the new ones."""
        return "; ".join(_difference(self.entry.recipe, self.planned.recipe))


def stand_ins(ledger: Ledger, status: PlanStatus) -> Iterator[Replacement]:
    """For each due variation of `status` the latest stored image of its cell and seed that left the campaign."""
    last: dict[str, tuple[str, str]] = {}  # of each place when it was stored, and its key: there may be 100,000
    spellings = status.plan.campaign.spellings
    for entry in no_longer_planned(ledger, status.plan, EVERYTHING):
        cell = spelt(entry.variation.cell, spellings)
        place, stored_at = _place(replace(entry.variation, cell=cell)), str(entry.stored_at)
        if place not in last or last[place][0] <= stored_at:
            last[place] = stored_at, entry.variation.key
    for some in batched(status.to_make() if last else (), _AT_ONCE):
        keys = [last[place][1] if (place := _place(each.variation)) in last else None for each in some]
        entries = ledger.entries([key for key in keys if key is not None])
        yield from (
            Replacement(planned, entries[key]) for planned, key in zip(some, keys, strict=True) if key is not None
        )


async def keep(opened: OpenFolder, only: Selection, *, links: bool = False) -> AsyncIterator[Adopted | Candidate]:
    """Let what is stored stand for what `only` selects; a Candidate could not be used: its file is gone or differs.

    `links` as in `take_over`. Raises UsageError where `only` selects nothing, IntegrityError, StoreError.
    """
    store = opened.folder.store
    await store.ready()
    campaign = opened.plan.campaign.campaign
    found = stand_ins(opened.ledger, PlanStatus(opened.plan, opened.ledger.states, only))
    images = (Candidate(each.planned, each.entry, store, campaign, "kept") for each in found)
    async for told in take_over(images, store, opened.journal, links=links):
        yield told


def _place(variation: Variation) -> str:
    """A cell and seed by their names alone: which `include` entry the cell came from is not recorded."""
    cell = variation.cell
    return "\0".join((cell.product, cell.prompt, cell.preset, cell.market or "", str(cell.size), str(variation.seed)))


def _difference(before: Recipe, after: Recipe) -> Iterator[str]:
    ours, theirs = _flat(before.body), _flat(after.body)
    for name in sorted({*ours, *theirs}, key=lambda name: (name != "prompt", name)):
        if ours.get(name) != theirs.get(name):
            old, new = ours.get(name, "nothing"), theirs.get(name, "nothing")
            yield f'"{old}" → "{new}"' if name == "prompt" else f"{name} {old} → {new}"
    if before.version != after.version:
        yield f"model {before.version} → {after.version}"
    if before.accept != after.accept:
        yield f"format {before.accept or 'any'} → {after.accept or 'any'}"


def _flat(body: dict[str, Any], before: str = "") -> dict[str, str]:
    """A request as one level of names, such as `style.strength`."""
    flat: dict[str, str] = {}
    for name, value in body.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{before}{name}.")
        else:
            flat[f"{before}{name}"] = " ".join(value) if isinstance(value, list) else str(value)
    return flat
