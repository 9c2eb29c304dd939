"""What the allowance of a fleet promises beside `tests/ports/test_quota.py`."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from campaign_runner.fleet.database import Database
from campaign_runner.fleet.quota import FleetQuota
from campaign_runner.ports import Allowance, Permit, Quota, Wait
from campaign_runner.quota.shared_quota import QuotaLimits
from tests.fleet import postgres
from tests.fleet.turned_quota import opener
from tests.ports.test_quota import HandClock

pytestmark = pytest.mark.proof
LIMITS = QuotaLimits(per_minute=3, per_day=5, minute=60.0, day=600.0)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def quota(clock: HandClock) -> Quota:
    return opener(LIMITS, clock)()


@pytest.fixture
async def database(fleet: postgres.Fleet) -> AsyncIterator[Database]:
    async with Database(fleet.server.settings(fleet.shared)) as opened:
        yield opened


async def send(quota: Quota, times: int) -> None:
    for _ in range(times):
        permit = await quota.acquire()
        assert isinstance(permit, Permit)
        await quota.settle(permit)


async def test_a_permit_without_an_answer_counts_from_its_last_moment_for_the_whole_window(
    quota: Quota, clock: HandClock
) -> None:
    for _ in range(3):
        await quota.acquire()
    clock.seconds += 65.875  # used within 5 s, arrived within 1 more: it may have been counted 59.875 s ago
    assert await quota.acquire() == Wait(0.125, "minute")
    clock.seconds += 0.125
    assert isinstance(await quota.acquire(), Permit)


async def test_an_answer_that_comes_late_sets_the_time(quota: Quota, clock: HandClock) -> None:
    permits = [await quota.acquire() for _ in range(3)]
    clock.seconds += 300
    for permit in permits:
        assert isinstance(permit, Permit)
        await quota.settle(permit)
    assert await quota.acquire() == Wait(60.0, "minute")


async def test_a_clock_that_is_set_back_stands_until_it_is_right_again(quota: Quota, clock: HandClock) -> None:
    await send(quota, 3)
    clock.seconds -= 3600
    assert await quota.acquire() == Wait(60.0, "minute")
    clock.seconds += 3600
    assert await quota.acquire() == Wait(60.0, "minute")
    clock.seconds += 60
    assert isinstance(await quota.acquire(), Permit)


async def test_the_same_question_asked_again_gets_the_same_permit(database: Database) -> None:
    """As where the connection broke after the commit: no permit is lost, and none counts that no one has."""
    account, nonce = uuid.uuid4().hex, uuid.uuid4()
    settings = {"minute": 60, "day": 86_400, "arrives": 6}
    first, again = [await database.call("acquire", account, nonce, settings) for _ in range(2)]
    assert first == again
    assert (await FleetQuota(database, account).allowance()).used_minute == 1


async def test_of_many_machines_that_ask_at_once_none_gets_more_than_is_left(fleet: postgres.Fleet) -> None:
    account, settings = uuid.uuid4().hex, fleet.server.settings(fleet.shared)

    async def ask() -> list[Permit | Wait]:
        async with Database(settings) as database:
            quota = FleetQuota(database, account, limits=QuotaLimits(per_minute=20))
            await database.call("set_allowance", account, 20, None)
            return list(await asyncio.gather(*(quota.acquire() for _ in range(15))))

    answers = [answer for some in await asyncio.gather(*(ask() for _ in range(4))) for answer in some]
    assert sum(isinstance(answer, Permit) for answer in answers) == 20


async def test_settings_lower_the_numbers_of_the_account_and_never_raise_them(database: Database) -> None:
    account = uuid.uuid4().hex
    await database.call("set_allowance", account, 10, 100)
    for settings, told in [(QuotaLimits(7, 2000), (7, 100)), (QuotaLimits(99, 50), (10, 50)), (None, (10, 100))]:
        assert await FleetQuota(database, account, limits=settings).allowance() == Allowance(*told, 0, 0)


async def test_what_refusals_taught_one_machine_another_keeps_to(clock: HandClock) -> None:
    open_quota = opener(QuotaLimits(per_minute=5, per_day=9000), clock)
    await send(open_quota(), 2)
    refused = await open_quota().acquire()
    assert isinstance(refused, Permit)
    await open_quota().block(10.0, told=45.0)  # two were taken in the minute: so many are kept to
    await open_quota().give_back(refused)
    clock.seconds += 10
    assert isinstance(await open_quota().acquire(), Permit)  # one more is tried
    assert await open_quota().acquire() == Wait(1.0, "minute")  # and only one at a time
