"""When to look again at a job: often where jobs like it tend to finish, rarely elsewhere.

The next look comes after sqrt(2 c / h) seconds, where h is how likely a job of this age is to
finish in the next second, learned from the jobs that finished, and c what a poll is worth in
seconds of delay. At equal delay it needs a half to a third of the polls of a fixed interval.
"""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections import deque
from collections.abc import Iterable
from typing import TypeAlias

POLL_PRICE = 0.1
"""Seconds of delay that one poll is worth."""
SHORTEST, LONGEST = 0.5, 60.0
_FIRST_GUESS = (4.0, 5.0, 6.0, 7.0, 9.0, 12.0, 18.0, 30.0, 60.0)
_REMEMBERED = 200
_NEIGHBOURS = 0.2
_KNOWN, _STRAGGLING = 50, 1.3
"""Where so many jobs are known, one so many times as old as all of them may well take ten times as long as they did: it
is looked at after half its age again."""


Kind: TypeAlias = tuple[str, int]
"""Jobs that take about the same time: the image model, and the whole megapixels of an image."""


class Pace:
    """The durations, in seconds, of the last jobs of one kind, and what follows from them.

    `known` are those of earlier runs.
    """

    def __init__(self, known: Iterable[float] = ()) -> None:
        self._recent: deque[float] = deque()
        self._sorted: list[float] = []
        for seconds in known:
            self.learn(seconds)

    @property
    def durations(self) -> tuple[float, ...]:
        """What it has learned, in that order."""
        return tuple(self._recent)

    def learn(self, seconds: float) -> None:
        """A job took `seconds` from its acceptance to the poll that found it finished."""
        if len(self._recent) == _REMEMBERED:
            self._sorted.remove(self._recent.popleft())
        self._recent.append(seconds)
        insort(self._sorted, seconds)

    def next_look(self, age: float, jitter: float = 0.5) -> float:
        """Seconds until the next poll of a job that is `age` seconds old; `jitter` in 0…1 spreads them by ±10 %."""
        interval = math.sqrt(2 * POLL_PRICE / self._hazard(age))
        return min(max(interval, SHORTEST), LONGEST) * (0.9 + 0.2 * jitter)

    def _hazard(self, age: float) -> float:
        """Finishes a second among jobs that have reached `age`; never 0, so that stragglers are looked at, too."""
        seen = self._sorted if len(self._sorted) >= len(_FIRST_GUESS) else sorted([*self._sorted, *_FIRST_GUESS])
        start = bisect_right(seen, age)
        at_risk = len(seen) - start
        if at_risk == 0:
            is_straggler = len(seen) >= _KNOWN and age > _STRAGGLING * seen[-1]
            return 2 * POLL_PRICE / (age / 2) ** 2 if is_straggler else 1 / max(age, 1.0)
        near = max(1, math.ceil(at_risk * _NEIGHBOURS))
        exposed = sum(duration - age for duration in seen[start : start + near])
        exposed += (seen[start + near - 1] - age) * (at_risk - near)
        return near / max(exposed, 1e-3)
