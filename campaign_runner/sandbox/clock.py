"""Seconds for counting, dates for answering: one clock, so that they never disagree.

The sandbox measures time by a counter of seconds that a test can script. Where the
service speaks in dates, the date is the one at which the sandbox began plus the
seconds counted since.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Clock:
    """`seconds()` is now; `start` is what it said at the date `began` (aware, whole seconds)."""

    seconds: Callable[[], float]
    start: float
    began: datetime

    @classmethod
    def starting(cls, seconds: Callable[[], float], began: datetime) -> Clock:
        """A clock whose count is at `began` now."""
        return cls(seconds, seconds(), began.replace(microsecond=0))

    def date(self, at: float) -> datetime:
        """The date at the count `at`, down to the second."""
        return self.began + timedelta(seconds=math.floor(at - self.start))

    def count(self, date: datetime) -> float:
        """What `seconds()` says at `date`."""
        return self.start + (date - self.began).total_seconds()
