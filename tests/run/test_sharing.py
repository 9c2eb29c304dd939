"""Jobs that come at once share what their promises cost: a transaction of the allowance, a claim, a commit."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from campaign_runner.disk.locks import KernelLock
from campaign_runner.disk.shared_file import SharedFile
from campaign_runner.disk.sqlite import Committer
from campaign_runner.events import Accepted, Event, Submitting
from campaign_runner.reuse.claims import FILE as BUYING
from campaign_runner.run.control import Control
from campaign_runner.run.limits import Limits
from campaign_runner.sandbox.faults import Fault
from tests.fixtures import Begin

JOBS = 24


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each file was committed to, and the lock of all runs taken."""
    counted: Counter[str] = Counter()

    def count(owner: type, method: str) -> None:
        inner = getattr(owner, method)

        def counting(self: Any, *arguments: Any) -> Any:
            counted[self._path.name] += 1
            return inner(self, *arguments)

        monkeypatch.setattr(owner, method, counting)

    count(SharedFile, "_commit")
    count(Committer, "_commit")
    count(KernelLock, "take")
    return counted


async def test_jobs_that_come_at_once_share_transactions(begin: Begin, shared: Counter[str]) -> None:
    night = await begin(per_minute=600, job_seconds=30)
    ended = await night.run(night.campaign(requests=JOBS, seeds=1), limits=Limits(concurrency=JOBS))
    assert (ended.code, ended.states) == (0, {"stored": JOBS})
    assert shared[BUYING] <= 3 and shared["campaigns.sqlite"] <= 3
    assert shared["quota.sqlite"] <= JOBS // 3
    assert shared["journal.sqlite"] <= 2 * JOBS


async def test_what_waits_for_the_allowance_leaves_in_the_order_it_came(begin: Begin) -> None:
    night = await begin(per_minute=600)
    campaign = night.campaign(requests=JOBS, seeds=1)
    ended = await night.run(campaign, limits=Limits(concurrency=JOBS))
    left = [event.attempt.job.variations[0].cell.product for event in ended.seen(Submitting)]
    assert left == sorted(left)


async def test_an_acceptance_is_on_the_disk_at_once_whatever_was_just_recorded(begin: Begin) -> None:
    recorded: list[float] = []

    def watch(event: Event, control: Control) -> None:
        recorded.extend([night.seconds()] if isinstance(event, Accepted) else [])

    night = await begin(Fault("slow_after", seconds=0.005, nth=2), per_minute=600, job_seconds=30)
    await night.run(night.campaign(requests=2), watch=watch)
    first, second = recorded
    assert second - first == pytest.approx(0.005)
