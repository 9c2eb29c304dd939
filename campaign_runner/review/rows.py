"""The rows of a campaign as the record has them now: one for each cell, however many entries of `include` add to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.model import Cell
from campaign_runner.plan.plan import Plan, Planned
from campaign_runner.portions import batched
from campaign_runner.review.rules import ReviewRow, Shot

_CHUNK = 500


def rows_of(plan: Plan, ledger: Ledger) -> tuple[ReviewRow, ...]:
    """Every row, in plan order; an image that is in several cells is in several rows."""
    rows: dict[Cell, list[Shot]] = {}
    for planned, entry in recorded(plan, ledger):
        shot = _shot(planned, entry)
        for cell in (planned.variation.cell, *planned.other_cells):
            row = rows.setdefault(row_cell(cell), [])
            if shot not in row:
                row.append(shot)
    return tuple(ReviewRow(cell, tuple(shots)) for cell, shots in rows.items())


def row_cell(cell: Cell) -> Cell:
    """The row that a cell belongs to: an entry of `include` adds to the row of its axes."""
    return replace(cell, include=None)


def recorded(plan: Plan, ledger: Ledger) -> Iterator[tuple[Planned, Entry | None]]:
    """Every image of a campaign in plan order, with what the record says of it; None where it says nothing."""
    for some in batched(plan, _CHUNK):
        entries = ledger.entries([planned.variation.key for planned in some])
        yield from ((planned, entries.get(planned.variation.key)) for planned in some)


def _shot(planned: Planned, entry: Entry | None) -> Shot:
    key, seed = planned.variation.key, planned.variation.seed
    if entry is None or entry.state != "stored":
        return Shot(key, seed, entry.state if entry is not None else "pending")
    return Shot(key, seed, entry.state, entry.sha256, entry.stored_at, entry.file)
