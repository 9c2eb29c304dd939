"""What the sandbox was asked for and what it would have charged.

Every request for generation is an entry, in the order of deciding; an image is
charged when its request is accepted, and only then. Images are counted by what was
asked for, so that one bought twice shows as a count of 2.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from campaign_runner.sandbox.orders import Order


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

    def record(self, entry: Entry) -> None:
        """Add an entry; an accepted one charges its images."""
        self.entries.append(entry)
        self.charged.update(entry.keys)

    def as_json(self) -> dict[str, Any]:
        """All of it, for a person or a test in another process."""
        return {
            "images_charged": self.images_charged,
            "charged": dict(self.charged),
            "charged_twice": {key: count for key, count in self.charged.items() if count > 1},
            "accepted": len(self.accepted),
            "refused": len(self.refused),
            "accepted_at": [entry.at for entry in self.accepted],
            "calls": dict(self.calls),
            "requests": [entry.as_json() for entry in self.entries],
        }


def keys(order: Order, seeds: Sequence[int], digest_of: Callable[[str], str]) -> list[str]:
    """What names each image: SHA-256 of everything that was asked for but the seeds, then of that and the seed.

    `digest_of` gives the SHA-256 of an upload, since its id is another each time.
    """
    body = {name: value for name, value in order.body.items() if name not in ("seeds", "numVariations")}
    asked: dict[str, Any] = {"v": 1, "version": order.version, "body": _settled(body, digest_of)}
    if order.accept:
        asked["accept"] = order.accept
    text = json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    recipe = hashlib.sha256(text.encode()).hexdigest()
    return [hashlib.sha256(f"{recipe}:{seed}".encode()).hexdigest() for seed in seeds]


def _settled(value: Any, digest_of: Callable[[str], str]) -> Any:
    """`value` with presets in order and uploads by content: two spellings of one request are one."""
    if not isinstance(value, dict):
        return value
    if "uploadId" in value:
        return {"sha256": digest_of(value["uploadId"])}
    settled = {name: _settled(inside, digest_of) for name, inside in value.items()}
    return settled | ({"presets": sorted(settled["presets"])} if "presets" in settled else {})
