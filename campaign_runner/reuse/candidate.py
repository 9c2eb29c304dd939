"""A stored image that could stand for one that is due."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from campaign_runner.journal.ledger import Entry
from campaign_runner.plan.plan import Planned
from campaign_runner.ports import Store


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored image, and the variation it is to stand for. `kept_in` is where it is."""

    planned: Planned
    entry: Entry
    kept_in: Store
    campaign: str
    how: Literal["reused", "kept"]

    def __str__(self) -> str:
        """What to say where it cannot be used."""
        return f"{self.file} of campaign {self.campaign} is missing or was changed: it is not used"

    @property
    def file(self) -> str:
        """Where its file should be, for a person."""
        return self.kept_in.where(str(self.entry.file))
