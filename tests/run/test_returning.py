"""A run that lasts asks again for what it had let go of: its folder is locked, and the service forgets after a day."""

from __future__ import annotations

import signal

from campaign_runner.events import Event, StillAccepted, Stopping, Stored, Submitting
from campaign_runner.plan.cost import RateLimit
from campaign_runner.run.control import Control
from campaign_runner.run.limits import Limits
from campaign_runner.sandbox.faults import Fault
from tests.fixtures import Begin
from tests.night import Ended

SLOWLY = RateLimit(per_minute=1, per_day=1_000_000)
AN_HOUR = 60
"""Requests that take an hour."""


async def test_what_could_not_be_fetched_is_fetched_half_an_hour_later(begin: Begin) -> None:
    night = await begin(Fault("503", where="download", first=12), per_minute=1)
    told: list[tuple[float, Event]] = []
    campaign = night.campaign(requests=AN_HOUR, seeds=1)
    ended = await night.run(campaign, rate=SLOWLY, watch=lambda event, _: told.append((night.seconds(), event)))
    left = {event.attempt.id: at for at, event in told if isinstance(event, StillAccepted)}
    stored = {event.attempt.id: at for at, event in told if isinstance(event, Stored)}
    assert (ended.code, ended.states, len(left)) == (0, {"stored": AN_HOUR}, 2)
    assert all(stored[attempt] - at < 1900 for attempt, at in left.items())
    assert len(ended.seen(Stored)) == night.ledger.calls["download"] - 12 == AN_HOUR  # nothing is fetched twice
    assert ended.seconds < 3600


async def test_before_a_long_run_ends_it_asks_once_more(begin: Begin) -> None:
    night = await begin(*(Fault("503", where="download", nth=nth) for nth in range(35, 41)), per_minute=1)
    ended = await night.run(night.campaign(requests=40, seeds=1), rate=SLOWLY)
    assert (ended.code, ended.states, len(ended.seen(StillAccepted))) == (0, {"stored": 40}, 1)
    assert ended.seconds < 40 * 60


async def test_a_job_that_was_still_being_made_is_looked_at_again(begin: Begin) -> None:
    night = await begin(job_seconds=1500)
    ended = await night.run(night.campaign(requests=3, seeds=1), limits=Limits(concurrency=1))  # each takes 15 min
    assert ended.states == {"stored": 2, "accepted": 1}
    assert ended.seconds < 46 * 60


async def test_a_run_that_was_long_and_is_interrupted_drains_at_once(begin: Begin) -> None:
    night = await begin(Fault("503", where="download"), per_minute=1)
    sent: list[Event] = []

    def watch(event: Event, control: Control) -> None:
        sent.extend([event] * isinstance(event, Submitting))
        if len(sent) == 45 and isinstance(event, StillAccepted):
            control.signalled(signal.SIGINT)

    ended = await night.run(night.campaign(requests=AN_HOUR, seeds=1), rate=SLOWLY, watch=watch)
    assert ended.code == 130
    assert ended.after_stop is not None
    assert ended.after_stop <= 10.1


async def test_where_it_was_asked_to_stop_it_still_asks_once_more(begin: Begin) -> None:
    night = await begin(Fault("503", where="download"), per_minute=1)
    limits = Limits(max_requests=40)
    ended = await night.run(night.campaign(requests=AN_HOUR, seeds=1), rate=SLOWLY, limits=limits)
    assert _left_after_it_began_to_stop(ended) >= 40


async def test_an_account_that_is_refused_is_not_asked_for_everything_again(begin: Begin) -> None:
    night = await begin(Fault("503", where="download"), Fault("402", where="submit", nth=40), per_minute=1)
    ended = await night.run(night.campaign(requests=AN_HOUR, seeds=1), rate=SLOWLY)
    assert (ended.code, ended.states) == (7, {"accepted": 39, "pending": AN_HOUR - 39})
    assert _left_after_it_began_to_stop(ended) <= 1


def _left_after_it_began_to_stop(ended: Ended) -> int:
    began = next(number for number, event in enumerate(ended.events) if isinstance(event, Stopping))
    return sum(isinstance(event, StillAccepted) for event in ended.events[began:])


async def test_a_short_run_does_not_ask_again(begin: Begin) -> None:
    night = await begin(Fault("stuck", nth=1))
    ended = await night.run(night.campaign(requests=2, seeds=1))
    assert len(ended.seen(StillAccepted)) == 1
