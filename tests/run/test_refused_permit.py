"""What becomes of the permit of a request that was refused for now: by the ledger, and as another process sees it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from campaign_runner.plan.cost import RateLimit
from campaign_runner.ports import Permit
from campaign_runner.quota.shared_quota import QuotaLimits as Allowed
from campaign_runner.quota.shared_quota import SharedQuota
from campaign_runner.run.limits import Limits, Ports
from campaign_runner.sandbox.faults import Fault
from tests.fixtures import Begin
from tests.night import Night
from tests.run.test_quota_used import most_in, submitted_at
from tests.run.test_runner import Wrapped, parts, run

ONE_BY_ONE = Limits(concurrency=1)


def quota_of(night: Night, per_minute: int) -> SharedQuota:
    """The allowance as another process of the machine finds it."""
    access = night.access()
    return SharedQuota(
        access.state, access.account(), limits=Allowed(per_minute=per_minute), clock=lambda: night.now().timestamp()
    )


async def test_a_429_that_tells_no_time_counts_as_sent(begin: Begin) -> None:
    night = await begin(per_minute=1, retry_after="none")  # less than we believe: others use it, too
    ended = await night.run(night.campaign(requests=3, seeds=1), rate=RateLimit(4, 9000), limits=ONE_BY_ONE)
    assert ended.code == 0
    assert night.ledger.refused
    assert most_in(59, submitted_at(night)) == 4  # not 60: some answers take no time at all
    assert (await quota_of(night, 4).allowance()).used_day == len(night.ledger.entries)


async def test_each_wait_for_a_429_that_tells_no_time_is_longer_than_the_one_before(begin: Begin) -> None:
    night = await begin(per_day=1, retry_after="none")
    await night.run(night.campaign(requests=2, seeds=1), limits=ONE_BY_ONE)
    refused = [entry.at for entry in night.ledger.refused]
    waits = [later - before for before, later in pairwise(refused)]
    assert len(waits) >= 5
    assert all(later > before for before, later in pairwise(waits))


class Overlooked(Wrapped):
    """A quota at which another process asks for leave, and sends, as soon as anything was said to it."""

    def __init__(self, inner: Any, other: SharedQuota) -> None:
        super().__init__(inner)
        self.other = other
        self.got_out: list[str] = []

    def __getattr__(self, name: str) -> Any:
        call = super().__getattr__(name)

        async def overlooked(*words: Any, **more: Any) -> Any:
            answer = await call(*words, **more)
            if isinstance(permit := await self.other.acquire(), Permit):
                self.got_out.append(name)
                await self.other.settle(permit)
            return answer

        return overlooked


@pytest.mark.parametrize("times", [1, 3])
async def test_a_permit_that_a_429_frees_is_nobodys_before_its_time(begin: Begin, times: int) -> None:
    night = await begin(Fault("429", first=times, seconds=50))
    async with parts(night) as ports:
        quota = Overlooked(quota_of(night, 1), quota_of(night, 1))
        ending = await run(night, Ports(ports.provider, ports.store, ports.journal, quota), requests=2)
    assert not ending.errors
    assert len(night.ledger.refused) == times
    assert quota.got_out == []
    assert (await night.run()).code == 0
