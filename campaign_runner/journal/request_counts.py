"""How many requests a journal knows, and what a part of them bought."""

from __future__ import annotations

from dataclasses import dataclass

from campaign_runner.model import Bought


@dataclass(frozen=True, slots=True)
class RequestCounts:
    """How many requests were ever sent, how many were accepted, and how many images were bought by them.

    `bought` counts images submitted and not refused, doubts and later failures included; `kept` those that are stored.
    """

    submitted: int
    accepted: int
    bought: int
    kept: int = 0

    @property
    def all_bought(self) -> Bought:
        """What all runs together bought."""
        return Bought(self.bought, self.submitted)

    def since(self, earlier: RequestCounts) -> Bought:
        """What was bought since `earlier`; what turned out later not to be charged was never bought."""
        return Bought(max(self.bought - earlier.bought, 0), max(self.submitted - earlier.submitted, 0))
