"""What the sandbox was asked for and what it would have charged.

Every request for generation is an entry, in the order of deciding; an image is
charged when its request is accepted, and only then. Images are counted by what was
asked for, so that one bought twice shows as a count of 2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from campaign_runner.sandbox.faults import CALLS
from campaign_runner.sandbox.jobs import Job


@dataclass(frozen=True, slots=True)
class Entry:
    """One request for generation. `at` is the sandbox's seconds; `why` is empty if it was accepted."""

    at: float
    client: str
    version: str
    seeds: Sequence[int]
    body: Mapping[str, Any] | None
    outcome: str
    why: str = ""
    job_id: str = ""
    keys: Sequence[str] = ()
    doubts: Sequence[str] = ()
    """What a strict sandbox would have refused."""

    def as_json(self) -> dict[str, Any]:
        """The entry as `GET /sandbox/ledger` shows it."""
        return {
            "at": self.at,
            "client_id": self.client,
            "version": self.version,
            "seeds": list(self.seeds),
            "body": self.body,
            "outcome": self.outcome,
            "why": self.why,
            "job_id": self.job_id,
            "keys": list(self.keys),
            "doubts": list(self.doubts),
        }


@dataclass(slots=True)
class Ledger:
    """Entries and counts since the sandbox began."""

    entries: list[Entry] = field(default_factory=list)
    charged: Counter[str] = field(default_factory=Counter)
    """Images charged, by key: more than 1 is an image bought twice."""
    calls: Counter[str] = field(default_factory=Counter)
    """Requests that arrived, by what they asked for: token, models, upload, submit, poll, cancel, download."""

    @property
    def images_charged(self) -> int:
        """Images paid for, over all accepted requests."""
        return self.charged.total()

    @property
    def accepted(self) -> list[Entry]:
        """The requests that were accepted, in order."""
        return [entry for entry in self.entries if entry.outcome == "accepted"]

    @property
    def refused(self) -> list[Entry]:
        """The requests that were not."""
        return [entry for entry in self.entries if entry.outcome == "refused"]

    def accept(self, job: Job) -> None:
        """A request was accepted: its images are charged, whether or not the answer arrives."""
        order = job.order
        entry = Entry(job.accepted_at, job.client, order.version, job.seeds, order.body, "accepted")
        self.entries.append(replace(entry, job_id=job.id, keys=job.keys, doubts=order.doubts))
        self.charged.update(job.keys)

    def refuse(self, entry: Entry) -> None:
        """A request was refused, or the connection was cut before it was looked at: nothing is charged."""
        self.entries.append(entry)

    def as_json(self) -> dict[str, Any]:
        """All of it, for a person or a test in another process."""
        return {
            "images_charged": self.images_charged,
            "charged": dict(self.charged),
            "charged_twice": {key: count for key, count in self.charged.items() if count > 1},
            "accepted": len(self.accepted),
            "refused": len(self.refused),
            "accepted_at": [entry.at for entry in self.accepted],
            "calls": {place: self.calls[place] for place in CALLS},
            "requests": [entry.as_json() for entry in self.entries],
        }
