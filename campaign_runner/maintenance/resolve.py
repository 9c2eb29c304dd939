"""A person's word over what the service left open: ask again, or settle it. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from enum import Enum

from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.model import Cause, State
from campaign_runner.output_folder.opened import OpenFolder
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.plan.selection import Selection
from campaign_runner.ports import CampaignJournal


class Decision(Enum):
    """What may be decided: its word in the journal, the states it applies to, where they go, and what to say.

    They go nowhere in particular where each becomes again what it was.
    """

    RESUBMIT = ("resubmit", (State.IN_DOUBT,), State.PENDING, "will be requested again on the next run")
    RETRY = ("retry", (State.FAILED,), State.PENDING, "will be requested again on the next run")
    ABANDON = ("abandon", (State.IN_DOUBT, State.FAILED), State.ABANDONED, "marked as given up; not reported again")
    RESTORE = ("restore", (State.ABANDONED,), None, "no longer given up: each is failed or in doubt, as before")

    def __init__(self, word: str, states: tuple[State, ...], into: State | None, past: str) -> None:
        self.reason = Cause(word, f"decided with `resolve`: {past}")
        self.states = states
        self.into = into
        self.past = past

    async def record(self, journal: CampaignJournal, keys: Sequence[str]) -> int:
        """Record it over `keys`, as far as they are in its states; the answer is how many it moved."""
        if self.into is None:
            return await journal.take_back(self.reason, keys)
        return await journal.decide(self.reason, keys, states=self.states, into=self.into)


async def apply(decision: Decision, opening: AbstractAsyncContextManager[OpenFolder], only: Selection) -> int:
    """Record the decision over what `only` selects; the answer is how many variations it moved.

    Raises what opening the folder raises, and StoreError.
    """
    async with opening as opened:
        keys = [entry.variation.key for entry in meant(opened.ledger, opened.plan, decision.states, only)]
        return await decision.record(opened.journal, keys)


def meant(ledger: Ledger, plan: Plan, states: Sequence[State], only: Selection) -> Iterator[Entry]:
    """What is in one of `states` and selected, by the names it has in the campaign now or had when it was sent."""
    status = PlanStatus(plan, ledger.states)
    cells = {
        planned.variation.key: (planned.variation.cell, *planned.other_cells)
        for state in states
        for planned in status.in_state(state)
    }
    for entry in ledger.in_states(*states):
        variation = entry.variation
        if only.matches([variation.cell, *cells.get(variation.key, ())], variation.seed, variation.key):
            yield entry
