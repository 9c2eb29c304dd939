"""The allowance: never a request too many, and none left unused."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from itertools import pairwise, product
from typing import Any

import pytest

from campaign_runner.events import Failed, Refused, Waiting, Warned
from campaign_runner.plan.cost import RateLimit
from campaign_runner.run.limits import Limits
from campaign_runner.sandbox.faults import Fault
from tests.fixtures import Begin
from tests.night import BEGAN, Night

ACCOUNT = RateLimit(per_minute=4, per_day=9000)
DISTANCE = Fault("slow_after", where="submit", seconds=0.2)
"""The way of an answer: without any, client and service would have to agree to the microsecond."""


def most_in(seconds: float, times: list[float]) -> int:
    """The most of `times` that lie within any such stretch."""
    return max(bisect_left(times, start + seconds) - number for number, start in enumerate(times))


def submitted_at(night: Night) -> list[float]:
    return [entry.at for entry in night.ledger.entries]


async def test_the_allowance_is_used_to_its_last_request(begin: Begin) -> None:
    night = await begin(DISTANCE, per_minute=4, job_seconds=2)
    ended = await night.run(night.campaign(requests=40, seeds=1), rate=ACCOUNT)
    floor = 39 // 4 * 60
    times = submitted_at(night)
    assert len(night.ledger.accepted) == 40 and not night.ledger.refused
    assert most_in(60, times) == 4
    assert (times[-1] - times[0]) / floor < 1.005
    assert ended.seconds < floor + 10  # one job's time after the last


@pytest.mark.parametrize("window", ["fixed", "bucket"])
async def test_however_the_service_counts_a_minute_it_refuses_nothing(begin: Begin, window: str) -> None:
    night = await begin(DISTANCE, per_minute=4, quota_window=window, job_seconds=2)
    ended = await night.run(night.campaign(requests=9, seeds=1), rate=ACCOUNT)
    assert ended.code == 0 and not night.ledger.refused


async def test_two_runs_back_to_back_share_one_allowance(begin: Begin) -> None:
    night = await begin(DISTANCE, per_minute=4)
    await night.run(night.campaign(requests=9, seeds=1), rate=ACCOUNT, limits=Limits(concurrency=8, max_requests=3))
    await night.run(rate=ACCOUNT)
    assert len(night.ledger.accepted) == 9 and not night.ledger.refused
    assert most_in(60, submitted_at(night)) == 4


async def test_two_runners_at_once_share_one_allowance(begin: Begin) -> None:
    night = await begin(DISTANCE, per_minute=4)
    one, two = night.campaign(requests=10, seeds=1), night.campaign(requests=10, seeds=2, name="second")
    first, second = await asyncio.gather(night.run(one, rate=ACCOUNT), night.run(two, rate=ACCOUNT))
    assert (first.code, second.code) == (0, 0)
    assert len(night.ledger.accepted) == 20 and not night.ledger.refused
    assert most_in(60, submitted_at(night)) == 4
    assert submitted_at(night)[-1] - submitted_at(night)[0] < 19 // 4 * 60 * 1.005


@pytest.mark.parametrize("retry_after", ["seconds", "date", "none"])
async def test_a_429_is_no_failure_and_everyone_waits(begin: Begin, retry_after: str) -> None:
    night = await begin(per_minute=2, retry_after=retry_after)  # less than we believe: others use it, too
    ended = await night.run(night.campaign(requests=8, seeds=1), rate=ACCOUNT)
    assert ended.code == 0
    assert ended.states == {"stored": 8}
    assert not ended.seen(Failed)
    refusals = [entry.at for entry in night.ledger.refused]
    assert refusals
    if retry_after != "none":
        for refused in (at for at in refusals if at == refusals[0]):  # later ones only try whether there is more
            assert not [at for at in submitted_at(night) if refused < at < refused + 30 and at not in refusals]
        assert len(refusals) <= 4 * len({round(at) for at in refusals})


@pytest.mark.parametrize(
    "window", ["sliding", *(pytest.param(other, marks=pytest.mark.proof) for other in ("fixed", "bucket", "even"))]
)
async def test_where_the_service_allows_half_of_what_we_believe_that_is_learnt(begin: Begin, window: str) -> None:
    night = await begin(DISTANCE, per_minute=10, quota_window=window)
    rate, limits = RateLimit(per_minute=20, per_day=9000), Limits(concurrency=4)
    ended = await night.run(night.campaign(requests=99, seeds=1), rate=rate, limits=limits)
    assert (ended.code, ended.states) == (0, {"stored": 99})
    assert len(night.ledger.refused) < 99 / 4
    accepted = [entry.at for entry in night.ledger.accepted]
    late = [at for at in accepted if at >= accepted[0] + 300]
    assert (len(late) - 1) / (late[-1] - late[0]) > 0.85 * 10 / 60
    told = [warned.message for warned in ended.seen(Warned) if "fewer requests a minute" in warned.message]
    assert len(told) == 1
    began, asked = night.seconds(), len(night.ledger.entries)
    await night.run(night.campaign(requests=40, seeds=1, name="second"), rate=rate, limits=limits)
    assert len([entry for entry in night.ledger.refused if entry.at > began]) <= 4  # it is remembered
    assert len(night.ledger.entries) > asked


AN_HOUR = 3600.0
CLOCKS = {"slow by an hour": -AN_HOUR, "fast by an hour": AN_HOUR, "slow by a day": -24 * AN_HOUR, "right": 0.0}


@pytest.mark.parametrize("off", CLOCKS.values(), ids=CLOCKS)
async def test_however_wrong_our_clock_is_a_date_to_wait_for_is_waited_for(begin: Begin, off: float) -> None:
    night = await begin(per_minute=15, quota_window="even", retry_after="date")  # one in four seconds
    night.clock_error = off
    rate = RateLimit(per_minute=30, per_day=9000)
    ended = await night.run(night.campaign(requests=8, seeds=1), rate=rate, limits=Limits(concurrency=1))
    assert (ended.code, ended.states) == (0, {"stored": 8})
    assert night.ledger.refused
    assert max(waiting.seconds for waiting in ended.seen(Waiting)) < 10
    assert most_in(60, submitted_at(night)) <= rate.per_minute
    assert (await night.run()).code == 0  # and nothing of it is remembered


def useless_waits() -> Iterator[Any]:
    """What a 429 and its Date say, by each clock; the default command tries each with one of the clocks, in turn."""
    for number, (says, header) in enumerate(product(["past", "zero", "none"], ["right", "none", "nonsense"])):
        for index, (clock, off) in enumerate(CLOCKS.items()):
            marks = () if index == number % len(CLOCKS) else pytest.mark.proof
            yield pytest.param(says, header, off, id=f"{says}-{header}-{clock}", marks=marks)


@pytest.mark.parametrize(("says", "header", "off"), list(useless_waits()))
async def test_a_429_without_a_usable_wait_uses_up_its_permit(begin: Begin, says: str, header: str, off: float) -> None:
    night = await begin(per_minute=1, retry_after=says, date_header=header)
    night.clock_error = off
    ended = await night.run(night.campaign(requests=6, seeds=1), rate=ACCOUNT)
    is_told = says == "past" and header != "right" and off < -AN_HOUR  # by our clock, all there is, it is to come
    assert ended.code == (8 if is_told else 0)
    assert most_in(60, submitted_at(night)) <= ACCOUNT.per_minute


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("says", ["0", "Tue, 01 Sep 2026 00:00:00 GMT"])
async def test_a_service_that_never_says_a_usable_wait_is_asked_no_more_often_than_allowed(
    begin: Begin, says: str, concurrency: int
) -> None:
    night = await begin(Fault("429", word=says))
    limits = Limits(concurrency=concurrency, max_seconds=AN_HOUR)
    ended = await night.run(night.campaign(requests=20, seeds=1), rate=ACCOUNT, limits=limits)
    assert (ended.code, ended.states) == (8, {"pending": 20})
    assert most_in(60, submitted_at(night)) <= ACCOUNT.per_minute
    if concurrency == 1:
        waits = [later - earlier for earlier, later in pairwise(submitted_at(night))]
        assert waits[0] < waits[1] < waits[2] < waits[-1]


async def test_waits_that_we_are_told_do_not_use_up_the_patience_for_those_we_are_not(begin: Begin) -> None:
    night = await begin(Fault("429", first=9, seconds=5), Fault("429", nth=10, word="0"))
    ended = await night.run(night.campaign(requests=2, seeds=1), limits=Limits(concurrency=1))
    assert (ended.code, ended.states) == (0, {"stored": 2})


@pytest.mark.parametrize("place", ["submit", "poll", "token", "models", "download"])
async def test_a_503_until_a_date_is_waited_for_by_the_clock_of_the_service(begin: Begin, place: str) -> None:
    night = await begin()
    night.clock_error = -AN_HOUR
    word = format_datetime(BEGAN + timedelta(seconds=night.seconds() + 20), usegmt=True)
    night.add_fault(Fault("503", place, nth=1, word=word))
    ended = await night.run(night.custom("Warm Custom Model"), rate=ACCOUNT)
    assert ended.code == 0
    assert 10 < ended.seconds < 40


async def test_after_a_429_nobody_else_asks_before_its_time(begin: Begin) -> None:
    night = await begin(Fault("429", nth=1, seconds=50))
    ended = await night.run(night.campaign(requests=3, seeds=1), limits=Limits(concurrency=1))
    first, second, *_ = submitted_at(night)
    assert 50 <= second - first < 52
    assert ended.code == 0


async def test_without_a_retry_after_the_waits_grow_and_the_run_ends_for_now(begin: Begin) -> None:
    night = await begin(per_day=1, retry_after="none")
    ended = await night.run(night.campaign(requests=4, seeds=1), limits=Limits(concurrency=4))
    assert ended.states == {"stored": 1, "pending": 3}
    assert ended.code == 8
    times = [entry.at for entry in night.ledger.refused]
    rounds = sorted({round(at) for at in times})
    assert 8 <= len(rounds) <= 9  # the answer to the first may come before or after the others
    assert rounds[-1] - rounds[-2] >= 90 > 3 > rounds[1] - rounds[0]


async def test_a_wait_of_over_ten_minutes_ends_the_run_and_the_next_goes_on(begin: Begin) -> None:
    night = await begin(Fault("429", nth=3, seconds=1800))
    ended = await night.run(night.campaign(requests=6, seeds=1), limits=Limits(concurrency=1))
    assert ended.code == 8
    assert ended.states["stored"] == 2
    assert ended.seconds < 60
    await asyncio.sleep(1800)
    again = await night.run()
    assert again.code == 0
    assert again.states == {"stored": 6}


async def test_the_quota_of_the_day_drains_the_run_and_the_next_day_goes_on(begin: Begin) -> None:
    night = await begin(per_day=5, job_seconds=30)
    rate = RateLimit(per_minute=600, per_day=5)
    ended = await night.run(night.campaign(requests=8, seeds=1), rate=rate, limits=Limits(concurrency=3))
    assert ended.code == 8
    assert ended.states == {"stored": 5, "pending": 3}  # what was accepted is still fetched
    await asyncio.sleep(24 * 3600)
    again = await night.run(rate=rate)
    assert again.code == 0
    assert len(night.ledger.accepted) == 8


@pytest.mark.parametrize("kind", ["503", "408"])
async def test_what_certainly_cost_nothing_is_sent_again(begin: Begin, kind: str) -> None:
    night = await begin(Fault(kind, first=3))
    ended = await night.run(night.campaign(requests=4, seeds=2))
    assert ended.code == 0
    assert len(ended.seen(Refused)) == 3
    assert ended.states == {"stored": 8}
    assert len(night.ledger.entries) == 7


async def test_while_it_waits_a_run_says_why(begin: Begin) -> None:
    night = await begin(per_minute=1)
    ended = await night.run(night.campaign(requests=2, seeds=1), rate=RateLimit(1, 9000))
    waits = ended.seen(Waiting)
    assert {waiting.why for waiting in waits} == {"minute"}
    assert 59 < sum(waiting.seconds for waiting in waits) < 61


async def test_a_request_that_waits_for_its_token_uses_up_nothing(begin: Begin) -> None:
    night = await begin(token_seconds=60, job_seconds=2)
    rate = RateLimit(per_minute=1, per_day=4)

    async def outage() -> None:
        await asyncio.sleep(30)  # after the first request: the second finds its token ended
        night.add_fault(Fault("503", where="token"))
        await asyncio.sleep(60)
        night.forgive()

    mending = asyncio.create_task(outage())
    ended = await night.run(night.campaign(requests=4, seeds=1), rate=rate)
    await mending
    assert (ended.code, len(night.ledger.entries)) == (0, 4)
    assert ended.manifest["requests"] == {"submitted": 4, "accepted": 4}  # none was written down that never left
