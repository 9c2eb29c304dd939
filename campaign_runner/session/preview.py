"""The state of a campaign before a run: what is there, what another campaign has, what changed, what is due."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from campaign_runner.authoring.compare import Changes
from campaign_runner.authoring.since_last_run import sentences, since_last_run
from campaign_runner.journal.ledger import Ledger
from campaign_runner.plan.cost import RateLimit
from campaign_runner.plan.due import PlanStatus
from campaign_runner.reuse.offers import NOTHING, ReuseOffers, ReuseQuery, left_to, search


@dataclass(frozen=True, slots=True)
class Preview:
    """`status` counts as due what would really be bought; `changes` are those since the last run, if any."""

    status: PlanStatus
    found: ReuseOffers
    changes: Changes | None

    @property
    def takes_much(self) -> bool:
        """Whether something is due after an edit that leaves much behind: the edit may be a slip, and cost money."""
        is_due = self.status.due + self.status.reused > 0
        return is_due and self.changes is not None and self.changes.takes_much

    def notes(self, rate: RateLimit) -> Iterator[tuple[str, str]]:
        """What a person should know, each with its label."""
        for sentence in sentences(self.changes, rate) if self.changes else ():
            yield "changed", sentence
        if self.changes is not None and any(edit.due and edit.left for edit in self.changes.edits):
            yield "tip", "`keep` uses existing images for the new wording (free); `prune` moves unused ones to removed/"
        for offer in self.found.offers:
            yield "reuse", str(offer)
        for warning in (*self.found.warnings, *map(left_to, self.found.waiting)):
            yield "warning", warning


def preview(status: PlanStatus, ledger: Ledger | None, query: ReuseQuery | None) -> Preview:
    """What a run would find. Nothing is written, no one is asked; what need not be bought is marked in `status`.

    `ledger` is None where nothing ran yet, `query` where nothing is to be reused.
    """
    found = NOTHING if query is None else search(status, query)
    status.reuse(found.positions())
    for offer in found.waiting:
        status.reuse(offer.positions)
    if ledger is None:
        return Preview(status, found, None)
    is_whole = status.selected == len(status.plan)
    return Preview(
        status, found, since_last_run(ledger, status if is_whole else PlanStatus(status.plan, ledger.states))
    )
