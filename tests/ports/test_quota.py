"""What every Quota promises, on a clock turned by hand. A new quota adds itself to QUOTAS."""

from __future__ import annotations

import asyncio
import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from campaign_runner.ports import Allowance, Permit, Quota, Wait
from campaign_runner.quota.shared_quota import QuotaLimits, SharedQuota, account_of
from tests.fleet.turned_quota import opener

LIMITS = QuotaLimits(per_minute=3, per_day=5, minute=60.0, day=600.0)
ACCOUNT = account_of("https://firefly-api.adobe.io", "client")


@dataclass
class HandClock:
    """Wall seconds that pass only when a test says so."""

    seconds: float = 1_790_000_000.0

    def __call__(self) -> float:
        return self.seconds


OpenQuota = Callable[[], Quota]


@dataclass(frozen=True)
class Adapter:
    """Opens quotas of one account. A request without an answer arrives within `lasts` seconds of its permit."""

    make: Callable[[Path, HandClock], OpenQuota]
    lasts: float = math.inf
    fractions: int = 0  # of a second, in which its clock tells the time; 0: as finely as a float

    def seconds(self, wanted: float) -> float:
        return round(wanted * self.fractions) / self.fractions if self.fractions else wanted


def shared_quota(place: Path, clock: HandClock) -> OpenQuota:
    return lambda: SharedQuota(place / "state", ACCOUNT, limits=LIMITS, clock=clock)


def fleet_quota(place: Path, clock: HandClock) -> OpenQuota:
    return opener(LIMITS, clock)


SHARED = Adapter(shared_quota)
QUOTAS = [
    pytest.param(SHARED, id="shared"),
    pytest.param(Adapter(fleet_quota, lasts=6.0, fractions=8), id="fleet", marks=pytest.mark.proof),
]
of_this_machine = pytest.mark.parametrize("open_quota", [SHARED], indirect=True, ids=["shared"])
"""For what a quota promises that knows which processes run, and whose clock is the machine's."""


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(params=QUOTAS)
def open_quota(request: pytest.FixtureRequest, tmp_path: Path, clock: HandClock) -> OpenQuota:
    """Opens a quota, always of the same account: opening again is what another run does."""
    opened: OpenQuota = request.param.make(tmp_path, clock)
    return opened


@pytest.fixture
def quota(open_quota: OpenQuota) -> Quota:
    return open_quota()


async def granted(quota: Quota) -> Permit:
    permit = await quota.acquire()
    assert isinstance(permit, Permit)
    return permit


async def send(quota: Quota, times: int = 1) -> None:
    for _ in range(times):
        await quota.settle(await granted(quota))


async def test_the_whole_allowance_is_used_and_then_one_waits_until_it_leaves_the_minute(
    quota: Quota, clock: HandClock
) -> None:
    await send(quota)
    clock.seconds += 20
    await send(quota, 2)
    assert await quota.acquire() == Wait(40.0, "minute")
    clock.seconds += 40
    await send(quota)
    assert await quota.acquire() == Wait(20.0, "minute")


async def test_it_is_not_granted_a_moment_too_early(quota: Quota, clock: HandClock) -> None:
    await send(quota, 3)
    clock.seconds += 59.9999
    assert isinstance(await quota.acquire(), Wait)


async def test_the_day_is_an_allowance_of_its_own(quota: Quota, clock: HandClock) -> None:
    await send(quota, 3)
    clock.seconds += 60
    await send(quota, 2)
    assert await quota.acquire() == Wait(540.0, "day")
    clock.seconds += 540
    await send(quota, 3)
    assert await quota.acquire() == Wait(60.0, "minute")


async def test_what_another_run_sent_counts(open_quota: OpenQuota) -> None:
    await send(open_quota(), 2)
    await send(open_quota(), 1)
    assert await open_quota().acquire() == Wait(60.0, "minute")


async def test_a_request_counts_from_its_answer(quota: Quota, clock: HandClock) -> None:
    permits = [await granted(quota) for _ in range(3)]
    clock.seconds += 45
    for permit in permits:
        await quota.settle(permit)
    assert await quota.acquire() == Wait(60.0, "minute")


@of_this_machine
async def test_an_unanswered_request_counts_as_sent_now_however_long_ago(quota: Quota, clock: HandClock) -> None:
    for _ in range(3):
        await granted(quota)
    clock.seconds += 100_000
    assert await quota.acquire() == Wait(10.0, "minute")  # it may be given back at any moment
    assert await quota.allowance() == Allowance(3, 5, 3, 3)


async def test_a_request_given_back_was_never_sent(quota: Quota) -> None:
    await send(quota, 2)
    for _ in range(20):
        await quota.give_back(await granted(quota))
    assert await quota.allowance() == Allowance(3, 5, 2, 2)


async def test_a_permit_given_back_twice_takes_nobody_elses(quota: Quota) -> None:
    permit = await granted(quota)
    await quota.give_back(permit)
    await granted(quota)
    await quota.give_back(permit)
    assert (await quota.allowance()).used_minute == 1


async def test_when_the_service_says_wait_everybody_waits(open_quota: OpenQuota, clock: HandClock) -> None:
    await open_quota().block(90.0)
    assert await open_quota().acquire() == Wait(90.0, "retry-after")
    clock.seconds += 89.5
    assert await open_quota().acquire() == Wait(0.5, "retry-after")
    clock.seconds += 0.5
    await granted(open_quota())


async def test_a_shorter_wait_does_not_end_a_longer_one(quota: Quota) -> None:
    await quota.block(90.0)
    await quota.block(5.0)
    assert await quota.acquire() == Wait(90.0, "retry-after")


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        (86_400.0, 3600.0),  # asked again within an hour
        (float("inf"), 3600.0),
        (3600.0, 3600.0),
    ],
)
async def test_nobody_waits_longer_than_an_hour_for_the_service(asked: float, waited: float, quota: Quota) -> None:
    await quota.block(asked)
    assert await quota.acquire() == Wait(waited, "retry-after")


@pytest.mark.parametrize("asked", [0.0, -5.0, float("nan")])
async def test_a_wait_that_is_none_holds_nobody(asked: float, quota: Quota) -> None:
    await quota.block(asked)
    await granted(quota)


async def test_the_longest_of_the_waits_is_told(quota: Quota, clock: HandClock) -> None:
    await send(quota, 3)
    await quota.block(30.0)
    assert await quota.acquire() == Wait(60.0, "minute")
    await quota.block(70.0)
    assert await quota.acquire() == Wait(70.0, "retry-after")


@of_this_machine
@pytest.mark.parametrize("back", [1.0, 60.0, 3600.0, 86_400.0, 1_790_000_000.0])
async def test_a_clock_set_back_costs_one_window_at_most(back: float, quota: Quota, clock: HandClock) -> None:
    await send(quota, 3)
    await quota.block(30.0)
    clock.seconds -= back
    assert await quota.acquire() == Wait(60.0, "minute")
    clock.seconds += 60
    await send(quota, 2)
    assert await quota.acquire() == Wait(540.0, "day")


@of_this_machine
async def test_a_clock_set_forward_and_back_again_forgets_no_request(quota: Quota, clock: HandClock) -> None:
    await send(quota, 1)
    clock.seconds += 500
    await send(quota, 2)
    clock.seconds -= 500
    assert await quota.acquire() == Wait(60.0, "minute")


@of_this_machine
async def test_the_allowance_tells_what_is_used_in_both_windows(quota: Quota, clock: HandClock) -> None:
    await send(quota, 3)
    clock.seconds += 60
    await send(quota, 1)
    await granted(quota)
    assert await quota.allowance() == Allowance(per_minute=3, per_day=5, used_minute=2, used_day=5)
    clock.seconds += 540
    assert await quota.allowance() == Allowance(per_minute=3, per_day=5, used_minute=1, used_day=2)


async def test_of_many_who_ask_at_once_the_allowance_is_granted(open_quota: OpenQuota) -> None:
    answers = await asyncio.gather(*(open_quota().acquire() for _ in range(12)))
    assert sum(isinstance(answer, Permit) for answer in answers) == 3


@pytest.mark.parametrize("turns", range(4))
async def test_who_is_cancelled_while_asking_holds_no_permit(turns: int, quota: Quota) -> None:
    asking = asyncio.create_task(quota.acquire())
    for _ in range(turns):
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (await quota.allowance()).used_day == 0


@dataclass
class Sent:
    """A request under way: `at` its permit, `share` of the way to its answer the service counts it."""

    quota: Quota
    permit: Permit
    at: float
    share: float


@dataclass
class Service:
    """What the service counted and when, and what a quota that wastes nothing would grant."""

    counted: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    under_way: list[Sent] = field(default_factory=list)
    lasts: float = math.inf
    asked: float = -math.inf  # when a quota was last asked

    def is_free(self, now: float, under_way: list[Sent]) -> bool:
        windows = ((LIMITS.per_minute, LIMITS.minute), (LIMITS.per_day, LIMITS.day))
        moments = [*self.answered, *(sent.at + self.lasts for sent in under_way)]
        return all(sum(at + window > now for at in moments) < most for most, window in windows)

    def count(self, sent: Sent, now: float) -> None:
        self.counted.append(min(now, sent.at + sent.share * min(now - sent.at, self.lasts)))

    def answer(self, sent: Sent, now: float) -> None:
        """Counts as sent now, unless it was no more in the longest window and a second more when one last asked."""
        if self.asked - sent.at <= self.lasts + LIMITS.day + 1:
            self.answered.append(now)

    def is_kept_within(self, most: int, window: float) -> bool:
        return all(sum(first <= at < first + window for at in self.counted) <= most for first in self.counted)


STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),  # which of three processes
        st.sampled_from(["send", "send", "send", "answer", "answer", "give back"]),
        st.sampled_from([0.0, 0.0, 0.1, 1.0, 7.3, 14.9, 59.9, 60.0, 300.0]),  # seconds before it
        st.floats(0, 1),
    ),
    max_size=40,
)


@pytest.mark.parametrize("adapter", QUOTAS)
@example(
    steps=[(0, "send", 0.0, 0.0), *[(0, "send", 300.0, 0.0)] * 2, (0, "answer", 7.3, 0.0), *[(0, "send", 0.0, 0.0)] * 2]
)
@example(
    steps=[
        (0, "send", 0.0, 0.0),
        (0, "send", 7.3, 0.0),
        *[(0, "send", 300.0, 0.0)] * 2,
        (0, "answer", 0.0, 0.0),
        *[(0, "send", 0.0, 0.0)] * 2,
    ]
)
@settings(max_examples=80, deadline=None)
@given(steps=STEPS)
async def test_never_too_many_at_the_service_and_never_one_less_than_allowed(
    adapter: Adapter, steps: list[tuple[int, str, float, float]]
) -> None:
    clock, service = HandClock(), Service(lasts=adapter.lasts)
    with tempfile.TemporaryDirectory() as place:
        open_quota = adapter.make(Path(place), clock)
        quotas = [open_quota() for _ in range(3)]
        for which, what, seconds, share in steps:
            clock.seconds += adapter.seconds(seconds)
            await step(quotas[which], what, share, service, clock.seconds)
    for sent in service.under_way:
        service.count(sent, clock.seconds)
    assert service.is_kept_within(LIMITS.per_minute, LIMITS.minute)
    assert service.is_kept_within(LIMITS.per_day, LIMITS.day)


@pytest.mark.parametrize("adapter", QUOTAS)
@settings(max_examples=40, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from([0, 1, 20, 60]), st.sampled_from([0, 0, 5, 90, 5000])), max_size=30))
async def test_a_clock_set_back_again_and_again_never_lets_too_many_through(
    adapter: Adapter, steps: list[tuple[int, int]]
) -> None:
    clock, service, passed = HandClock(), Service(), 0
    with tempfile.TemporaryDirectory() as place:
        quota = adapter.make(Path(place), clock)()
        for seconds, back in steps:
            passed += seconds
            clock.seconds += seconds - back
            answer = await quota.acquire()
            if isinstance(answer, Permit):
                await quota.settle(answer)
                service.counted.append(passed)
    assert service.is_kept_within(LIMITS.per_minute, LIMITS.minute)
    assert service.is_kept_within(LIMITS.per_day, LIMITS.day)


async def step(quota: Quota, what: str, share: float, service: Service, now: float) -> None:
    if what == "send":
        await ask(quota, share, service, now)
    elif service.under_way:
        sent = service.under_way.pop(int(share * (len(service.under_way) - 1)))
        if what == "answer":
            await sent.quota.settle(sent.permit)
            service.count(sent, now)
            service.answer(sent, now)
        else:
            await sent.quota.give_back(sent.permit)


async def ask(quota: Quota, share: float, service: Service, now: float) -> None:
    answer, under_way = await quota.acquire(), list(service.under_way)
    service.asked = now
    assert isinstance(answer, Permit) == service.is_free(now, under_way)
    if isinstance(answer, Permit):
        service.under_way.append(Sent(quota, answer, now, share))
    elif not under_way:
        assert service.is_free(now + answer.seconds, [])
        assert not service.is_free(now + answer.seconds - 0.001, [])
    else:
        # Not asked back before anything can have changed, nor so late that much could be missed.
        gone = [sent for sent in under_way if sent.at + service.lasts + 60 <= now]  # as good as answered
        assert answer.seconds <= 10 or not service.is_free(now + answer.seconds - 0.001, gone)
