"""How soon it is learnt that the service takes half of what we believe, by whatever rule it counts: time is scripted.

The rows of the allowance are the real ones, and so are the sandbox's rules; between them is nothing but a list of what
happens when.
"""

from __future__ import annotations

import heapq
import math
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from campaign_runner import retry
from campaign_runner.errors import Throttled
from campaign_runner.quota.request_log import RequestLog, prepare
from campaign_runner.quota.senders import Sender
from campaign_runner.sandbox.quota import MINUTE, Bucket, Fixed, Sliding, Window

BELIEVED, TRUE = 60, 30
BEGAN, DAY = 1_790_000_000.0, 86_400.0
WAY, JOB_SECONDS, AT_ONCE = 0.2, 8.0, 8
RULES: dict[str, Callable[[], Window]] = {
    "sliding": lambda: Sliding(TRUE, MINUTE),
    "fixed": lambda: Fixed(TRUE, MINUTE),
    "bucket": lambda: Bucket(TRUE, MINUTE, burst=TRUE),
    "small bucket": lambda: Bucket(TRUE, MINUTE, burst=5),
    "even": lambda: Bucket(TRUE, MINUTE, burst=1),
}


@dataclass
class Night:
    """Requests that leave one after the other as the log allows, so many jobs at once."""

    service: Window
    due: int = 600
    taken: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    _now: float = BEGAN
    _waiting: int = 0
    _is_asking: bool = False
    _steps: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _count: int = 0
    _rows: sqlite3.Connection = field(init=False)

    def run(self) -> None:
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as self._rows:
            prepare(self._rows, Path("rows"))
            for _ in range(AT_ONCE):
                self._want()
            while self._steps:
                self._now, _, step = heapq.heappop(self._steps)
                step()

    def _log(self) -> RequestLog:
        log = RequestLog(self._rows, "an account", Sender.this(), self._now)
        log.tidy(DAY)
        return log

    def _after(self, seconds: float, step: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._steps, (self._now + seconds, self._count, step))

    def _want(self) -> None:
        """One more job may run; if any are left, its request joins those that wait for leave."""
        if self.due:
            self.due -= 1
            self._join()

    def _join(self) -> None:
        self._waiting += 1
        if not self._is_asking:
            self._is_asking = True
            self._after(0.0, self._ask)

    def _ask(self) -> None:
        log = self._log()
        wait = max(log.wait(BELIEVED, MINUTE), log.blocked(), log.wait_as_believed(BELIEVED))
        if not wait:
            self._waiting -= 1
            self._after(WAY / 2, partial(self._arrive, log.insert()))
        self._is_asking = self._waiting > 0
        if self._is_asking:
            self._after(wait, self._ask)

    def _arrive(self, id: int) -> None:
        wait = self.service.wait(self._now)
        if not wait:
            self.service.take(self._now)
        (self.refused if wait else self.taken).append(self._now)
        self._after(WAY / 2, partial(self._answer, id, float(math.ceil(wait))))

    def _answer(self, id: int, told: float) -> None:
        log = self._log()
        if told:
            log.refused(told, BELIEVED)
            log.block(retry.submit_again(Throttled("", retry_after=told), 1, jitter=0.5) or 0.0)
            log.give_back(id)
            self._join()
        else:
            log.settle(id)
            log.taken(BELIEVED)
            self._after(JOB_SECONDS, self._want)


@pytest.mark.parametrize("rule", RULES)
def test_a_service_that_takes_half_of_what_is_believed_refuses_little_and_is_used_well(rule: str) -> None:
    night = Night(RULES[rule]())
    night.run()
    assert len(night.taken) == 600
    assert len(night.refused) <= 0.03 * len(night.taken)
    late = [at for at in night.taken if at >= night.taken[0] + 5 * MINUTE]
    assert (len(late) - 1) / (late[-1] - late[0]) >= 0.85 * TRUE / MINUTE
