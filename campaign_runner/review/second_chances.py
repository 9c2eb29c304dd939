"""Which rows are rerolled, which want other words first, and which are left as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from campaign_runner.authoring.reroll import MoreOf
from campaign_runner.model import Cell
from campaign_runner.plan.plan import Plan
from campaign_runner.review.decisions import Decisions
from campaign_runner.review.marks import Mark, Vote
from campaign_runner.review.rows import row_cell
from campaign_runner.review.rules import DecidedImage, DecidedRow, RowState

CHANCE = frozenset({"anatomy", "quality", "composition", "text", "duplicate", None})
"""Reasons that another seed may mend; for any other the words have to change."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """An image that needs other words: why, and what was noted."""

    image: DecidedImage
    cell: Cell
    reason: str
    note: str


@dataclass(slots=True)
class SecondChances:
    """What `reroll` makes of each row. `left` counts the rows that are left out, by their state."""

    again: list[MoreOf] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)
    left: dict[RowState, int] = field(default_factory=dict)


def second_chances(decisions: Decisions, plan: Plan, *, takes_open: bool) -> SecondChances:
    """Rejected rows, and open ones if `takes_open`, by what was said against them."""
    found = SecondChances()
    states = {RowState.REJECTED, RowState.OPEN} if takes_open else {RowState.REJECTED}
    wanted = [row for row in decisions.rows if row.state in states]
    cells = _cells(plan, {row.cell for row in wanted})
    for row in decisions.rows:
        if row.state not in states:
            found.left[row.state] = found.left.get(row.state, 0) + 1
        elif complaint := next(_complaints(row), None):
            found.complaints.append(complaint)
        else:
            found.again.append(MoreOf(cells[row.cell], frozenset(image.shot.seed for image in row.images)))
    return found


def _complaints(row: DecidedRow) -> Iterator[Complaint]:
    """What was said against images of a row that no other seed mends."""
    for image in row.images:
        for mark in image.verdicts:
            value = mark.value
            if mark.word == "reject" and isinstance(value, Vote) and value.reason not in CHANCE:
                yield Complaint(image, row.cell, str(value.reason), " ".join(_notes(image, mark)))


def _notes(image: DecidedImage, verdict: Mark) -> Iterator[str]:
    """The note of a verdict, and the reviewer's own notes on the image."""
    for mark in (verdict, *(each for each in image.marks if each.kind == "note")):
        text = getattr(mark.value, "text", None)
        if text and mark.reviewer.id == verdict.reviewer.id:
            yield text


def _cells(plan: Plan, wanted: set[Cell]) -> dict[Cell, Cell]:
    """Of each row, the latest of the campaign's cells that make it: an entry of `include` may have its own words."""
    found: dict[Cell, Cell] = {}
    for planned in plan if wanted else ():
        for cell in (planned.variation.cell, *planned.other_cells):
            if row_cell(cell) in wanted:
                found[row_cell(cell)] = cell
    return found
