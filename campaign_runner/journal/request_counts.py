"""How many requests a journal knows, and what a part of them bought."""

from __future__ import annotations

from dataclasses import dataclass

from campaign_runner.model import Bought

ALL_REQUESTS = """
SELECT count(*), coalesce(sum(outcome = 'accepted'), 0), coalesce(sum(images) FILTER (WHERE outcome != 'refused'), 0),
       (SELECT count(*) FROM variations WHERE state = ?1)
           - (SELECT count(*) FROM variations WHERE attempt IS NULL AND +state = ?1)
FROM attempts
"""
"""The stored images are counted in an index, and those of them that no request made in another: no row is read."""
BOUGHT_SINCE = """
SELECT coalesce(sum(images) FILTER (WHERE outcome != 'refused'), 0), count(*) FROM attempts WHERE submitted_at >= ?
"""


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
