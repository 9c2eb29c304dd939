"""`cancel` in the seconds it takes: how often it asks, and how long it waits in between."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from campaign_runner.errors import Unavailable
from campaign_runner.events import Accepted, Event
from campaign_runner.firefly.client import FireflyClient
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.maintenance.cancel import CONFIRMED_WITHIN, Cancelled, cancel_accepted
from campaign_runner.plan.selection import EVERYTHING
from campaign_runner.run.control import Control
from campaign_runner.run.stop import Level
from campaign_runner.sandbox.faults import Fault
from tests.fixtures import Begin
from tests.night import Night


@dataclass
class Naps:
    """Every wait that was taken, in seconds; they pass."""

    taken: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        await asyncio.sleep(seconds)


async def waiting_job(night: Night) -> None:
    """One job that was accepted and is not finished."""

    def leave(event: Event, control: Control) -> None:
        if isinstance(event, Accepted):
            control.stop_later("enough", Level.DRAINING)

    assert (await night.run(night.campaign(requests=1), watch=leave)).states == {"accepted": 4}
    night.exits.clear()


async def cancelled(night: Night, naps: Naps) -> list[Cancelled]:
    async with SqliteJournal(night.output) as journal, FireflyClient(night.settings(), jobs=journal) as firefly:
        return [job async for job in cancel_accepted(firefly, journal, EVERYTHING, pick=lambda: 0.0, sleep=naps)]


@pytest.mark.parametrize(("seconds", "images"), [(3.0, 4), (100.0, 0)])
async def test_a_job_that_is_being_cancelled_is_asked_for_each_second_and_not_for_ever(
    begin: Begin, seconds: float, images: int
) -> None:
    night, naps = await begin(job_seconds=600, cancel_seconds=seconds), Naps()
    await waiting_job(night)
    (job,) = await cancelled(night, naps)
    assert job.images == images
    assert naps.taken == [1] * (3 if images else CONFIRMED_WITHIN)
    await night.run()


async def test_a_service_that_is_busy_is_asked_again_later_each_time_and_then_given_up(begin: Begin) -> None:
    night, naps = await begin(Fault("503", where="cancel"), job_seconds=600), Naps()
    await waiting_job(night)
    with pytest.raises(Unavailable):
        await cancelled(night, naps)
    assert naps.taken == sorted(naps.taken) and len(naps.taken) == 3
    night.forgive()
    await night.run()
