"""The journal, added up a second time: what its events come to must be what its tables say.

Imports nothing of the package. The words of the events and what each may follow are those of the
contract, so a state that goes backwards, or a fact out of nowhere, is found here.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

SAYS_AGAIN = ("resubmit", "retry")
"""Decisions of a person after which a variation may be paid for once more."""
LEADS = {
    # event: (what a variation may be before, what it is afterwards)
    "submitting": (("new", "pending"), "submitting"),
    "accepted": (("submitting", "in_doubt", "pending"), "accepted"),
    "in_doubt": (("submitting",), "in_doubt"),
    "stored": (("accepted",), "stored"),
    "failed": (("accepted",), "failed"),
    "resubmit": (("in_doubt",), "pending"),
    "retry": (("failed",), "pending"),
    "abandon": (("in_doubt", "failed"), "abandoned"),
    "restore": (("abandoned",), "in_doubt"),  # or failed: it says itself which of them it was
    "adopted": (("new", "pending", "failed", "abandoned"), "stored"),
}
BESIDE = ("set_aside", "uploaded", "model_resolved", "placed", "held")
"""Events that change no variation's state."""


@dataclass(frozen=True)
class Attempt:
    """One request, as its row says."""

    id: str
    recipe: str
    seeds: tuple[int, ...]
    outcome: str
    job_id: str | None

    @cached_property
    def keys(self) -> tuple[str, ...]:
        return tuple(hashlib.sha256(f"{self.recipe}:{seed}".encode()).hexdigest() for seed in self.seeds)


@dataclass(frozen=True)
class Event:
    epoch: int
    kind: str
    attempt: str | None
    key: str | None
    detail: dict[str, Any]


@dataclass(frozen=True)
class Journal:
    """What lies in one journal.sqlite."""

    attempts: dict[str, Attempt]
    variations: dict[str, dict[str, Any]]
    events: list[Event]

    @cached_property
    def job_ids(self) -> dict[str, Attempt]:
        return {attempt.job_id: attempt for attempt in self.attempts.values() if attempt.job_id is not None}

    @cached_property
    def orders(self) -> Counter[str]:
        """How often a person said that a variation may be asked for again, by key."""
        return Counter(event.key for event in self.events if event.kind in SAYS_AGAIN and event.key is not None)

    def of_kind(self, kind: str) -> Iterator[Event]:
        return (event for event in self.events if event.kind == kind)


def read(path: Path) -> Journal:
    """The journal at `path`, whole and sound; it is not changed."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",), f"{path} is damaged"
        db.row_factory = sqlite3.Row
        if not db.execute("SELECT 1 FROM sqlite_schema").fetchone():
            return Journal({}, {}, [])  # killed before its tables were made
        attempts = [
            Attempt(row["id"], row["recipe"], tuple(json.loads(row["seeds"])), row["outcome"], row["job_id"])
            for row in db.execute("SELECT * FROM attempts")
        ]
        events = [
            Event(row["epoch"], row["kind"], row["attempt"], row["key"], json.loads(row["detail"]))
            for row in db.execute("SELECT * FROM events ORDER BY seq")
        ]
        variations = {row["key"]: dict(row) for row in db.execute("SELECT * FROM variations")}
    return Journal({attempt.id: attempt for attempt in attempts}, variations, events)


@dataclass
class Sum:
    """What the events so far come to."""

    journal: Journal
    states: dict[str, str]
    owners: dict[str, str | None]
    """The attempt that speaks for a variation, by key; None where it was adopted."""
    outcomes: dict[str, str]
    epoch: int = 0

    def add(self, event: Event) -> None:
        assert event.epoch >= self.epoch, "an event of an earlier run came after one of a later"
        self.epoch = event.epoch
        if event.kind in BESIDE:
            return
        if event.kind == "forgotten":
            self._move(event, self._held(event.detail["attempt"], ("accepted", "in_doubt")), into="pending")
        elif event.key is not None:
            before, into = LEADS[event.kind]
            self._move(event, [event.key], before=before, into=event.detail.get("state", into))
            if event.kind == "adopted":
                self.owners[event.key] = None
        else:
            self._attempt(event, event.attempt or "")

    def _attempt(self, event: Event, attempt: str) -> None:
        """A fact about a whole request moves those of its variations that wait for it."""
        if event.kind == "submitting":
            assert attempt not in self.outcomes, "a request was begun twice"
            self.outcomes[attempt] = "open"
            self._move(event, self.journal.attempts[attempt].keys, before=LEADS["submitting"][0], into="submitting")
            self.owners.update(dict.fromkeys(self.journal.attempts[attempt].keys, attempt))
            return
        before = ("open",) if event.kind == "in_doubt" else ("open", "in_doubt")
        assert self.outcomes[attempt] in before, f"{event.kind} after {self.outcomes[attempt]}"
        self.outcomes[attempt] = event.kind
        if event.kind == "refused":
            into = "failed" if event.detail["for_good"] else "pending"
            self._move(event, self._held(attempt, ("submitting", "in_doubt")), into=into)
        else:
            from_states, into = LEADS[event.kind]
            self._move(event, self._held(attempt, from_states), into=into)

    def _held(self, attempt: str, states: tuple[str, ...]) -> list[str]:
        keys = self.journal.attempts[attempt].keys
        return [key for key in keys if self.owners.get(key) == attempt and self.states[key] in states]

    def _move(
        self, event: Event, keys: tuple[str, ...] | list[str], *, into: str, before: tuple[str, ...] = ()
    ) -> None:
        for key in keys:
            state = self.states.get(key, "new")
            assert not before or state in before, f"{event.kind} of a variation that is {state}"
            self.states[key] = into


def check_replay(journal: Journal) -> None:
    """The tables are what the events add up to, each event following from those before it."""
    total = Sum(journal, {}, {}, {})
    for event in journal.events:
        total.add(event)
    assert total.states == {key: row["state"] for key, row in journal.variations.items()}, "states differ from events"
    assert total.owners == {key: row["attempt"] for key, row in journal.variations.items()}, "owners differ from events"
    assert total.outcomes == {attempt.id: attempt.outcome for attempt in journal.attempts.values()}, "outcomes differ"
    for event in journal.of_kind("accepted"):
        assert journal.attempts[event.attempt or ""].job_id == event.detail["job_id"], "a job id differs from its event"
    held = {event.key: event.detail["code"] for event in journal.of_kind("held")}
    for key, row in journal.variations.items():
        assert row["state"] != "accepted" or row["code"] == held.get(key), "held for another reason than its event says"
    told = {event.key: event.detail for event in journal.events if event.kind in ("stored", "adopted", "placed")}
    assert set(told) == {key for key, state in total.states.items() if state == "stored"}, "stored without an event"
    for image, kept in told.items():
        row = journal.variations[image or ""]
        for name in ("file", "sha256", "bytes"):
            assert row[name] == kept[name], f"the {name} of a stored image differs from its event"
