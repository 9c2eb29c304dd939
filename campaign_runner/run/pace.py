"""When to look again at a job: where jobs like it tend to finish, rarely elsewhere.

Of all moments ahead, the next look comes at the one that costs least for each job it finds: a look costs `POLL_PRICE`
seconds for each job that is still running, and a job that finished costs the seconds until it is noticed. For jobs that
finish at a steady rate h, that is the usual interval of sqrt(2 price / h) seconds.

Which share of jobs finishes at which age is learned. A look that finds a job finished only says that it finished since
the look before, so each job counts as a part in every cell of that stretch: mostly where others like it finished, a
little everywhere (Turnbull's self-consistent estimate for such intervals, one step a job). Cells are 5 % longer one by
one, the estimate is smoothed over some 15 %, and what is older counts ever less.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable
from itertools import accumulate
from math import inf
from typing import TypeAlias

POLL_PRICE = 0.075
"""Seconds of delay that one poll is worth."""
SHORTEST, LONGEST = 0.5, 60.0
_FIRST_GUESS = (4.0, 5.0, 6.0, 7.0, 9.0, 12.0, 18.0, 30.0, 60.0)
_GUESSED = 0.3
"""Of a job: what each of these counts."""
_REMEMBERED = 200
_ANYWHERE = 0.1
"""How much of a job counts evenly in the whole stretch in which it finished."""
_LOOKED_BEFORE, _LOOKED_BEFORE_GUESS = 0.9, 0.6
"""When it was looked before, as a part of a duration of which only the end is known."""
_SMOOTHED = 7
"""Cells over which the mean is taken, twice."""
_KNOWN, _STRAGGLING = 0.5, 1 / 3
"""Where fewer jobs than this took longer, the next look is after this part of the age."""

_ENOUGH = 0.99
"""Of the jobs still running: who finds so many need not look further ahead."""
_EDGES = (0.0, *accumulate([1.05] * 190, lambda edge, step: edge * step, initial=0.3))
"""The ages between which the cells are, in seconds, up to an hour."""

Kind: TypeAlias = tuple[str, int]
"""Jobs that take about the same time: the image model, and the whole megapixels of an image."""


class Pace:
    """The durations, in seconds, of the last jobs of one kind, and what follows from them.

    `known` are those of earlier runs.
    """

    def __init__(self, known: Iterable[float] = ()) -> None:
        self._recent: deque[float] = deque(maxlen=_REMEMBERED)
        self._finished = [0.0] * (len(_EDGES) - 1)
        self._smooth: list[float] = []
        for seconds in _FIRST_GUESS:
            self._count(_LOOKED_BEFORE_GUESS * seconds, seconds, _GUESSED)
        for seconds in known:
            self.learn(seconds, after=_LOOKED_BEFORE * seconds)

    @property
    def durations(self) -> tuple[float, ...]:
        """What it has learned, in that order."""
        return tuple(self._recent)

    def learn(self, seconds: float, *, after: float) -> None:
        """A job was found finished `seconds` after its acceptance; `after` seconds it was still running."""
        self._recent.append(seconds)
        kept = 1 - 1 / _REMEMBERED
        self._finished = [jobs * kept for jobs in self._finished]
        self._count(max(0.0, after), max(0.0, seconds), 1.0)  # a clock may have been set back

    def next_look(self, age: float, jitter: float = 0.5) -> float:
        """Seconds until the next poll of a job that is `age` seconds old; `jitter` in 0…1 spreads them by ±10 %."""
        return min(max(self._cheapest(max(0.0, age)), SHORTEST), LONGEST) * (0.9 + 0.2 * jitter)

    def _count(self, start: float, end: float, jobs: float) -> None:
        """So many jobs finished between two ages, each cell's part by what it holds already."""
        first = bisect_right(_EDGES, start) - 1
        last = min(max(bisect_left(_EDGES, end), first + 1), len(self._finished))
        cells = range(first, last)
        here = _ANYWHERE * (sum(self._finished[first:last]) + 1) / (end - start or 1.0)
        parts = [
            max(min(_EDGES[cell + 1], end) - max(_EDGES[cell], start), 1e-9)
            * (self._finished[cell] / (_EDGES[cell + 1] - _EDGES[cell]) + here)
            for cell in cells
        ]
        all_parts = sum(parts)
        for cell, part in zip(cells, parts, strict=True):
            self._finished[cell] += jobs * part / all_parts
        self._smooth = []

    def _cheapest(self, age: float) -> float:
        """Seconds until the look that costs least for each job that it finds."""
        self._smooth = self._smooth or _mean(_mean(self._finished))
        cell, start = bisect_right(_EDGES, age) - 1, age
        if (running := self._running(cell, age)) < _KNOWN:
            return age * _STRAGGLING
        found = finished_at = 0.0
        best, cheapest = age + LONGEST, inf
        for jobs, end in zip(self._smooth[cell:], _EDGES[cell + 1 :], strict=True):
            jobs *= (end - start) / (end - _EDGES[cell]) if start == age else 1.0
            found += jobs
            finished_at += jobs * (start + end) / 2
            cost = (POLL_PRICE * running - finished_at) / found + end if found > 0 else inf
            if end - age >= SHORTEST and cost < cheapest:
                best, cheapest = end, cost
            if end - age > LONGEST or found > _ENOUGH * running:
                break
            start = end
        return best - age

    def _running(self, cell: int, age: float) -> float:
        """How many of the jobs that are remembered took longer than `age`, which is in `cell`."""
        if cell >= len(self._smooth):
            return 0.0
        start, end = _EDGES[cell : cell + 2]
        return sum(self._smooth[cell + 1 :]) + self._smooth[cell] * (end - age) / (end - start)


def _mean(values: list[float]) -> list[float]:
    """Each value as the mean of those around it."""
    side = [0.0] * (_SMOOTHED // 2)
    sums = [*accumulate([*side, *values, *side], initial=0.0)]
    return [max(0.0, upper - lower) / _SMOOTHED for lower, upper in zip(sums, sums[_SMOOTHED:], strict=False)]
