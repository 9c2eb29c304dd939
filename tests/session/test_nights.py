"""A night is what happened from noon to noon: a second start hides nothing of what the first one bought."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.events import Ended
from campaign_runner.find.campaigns import KnownCampaign, campaigns, lines
from campaign_runner.journal.last_run import LastRun, last_run
from campaign_runner.model import Bought
from campaign_runner.notify.concerns import CampaignEnd
from campaign_runner.notify.judgement import News
from campaign_runner.notify.message import message_of
from campaign_runner.report.runs import told
from campaign_runner.report.sentences import frame_of
from campaign_runner.report.standing import last_night
from campaign_runner.run.limits import Limits
from campaign_runner.session.several import CampaignRun
from tests.fixtures import Begin
from tests.night import BEGAN, Night


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC0")
        time.tzset()
        yield
    time.tzset()


async def started(night: Night, campaign: Campaign, hours: float, **choices: Any) -> CampaignRun:
    """A run that begins so many hours after ten in the evening."""
    await asyncio.sleep((BEGAN + timedelta(hours=hours) - night.now()).total_seconds())
    (part,) = (await night.run_together(campaign, **choices)).parts
    return part


def listed(night: Night) -> KnownCampaign:
    (known,) = campaigns([night.folder], [])
    return known


async def test_a_second_start_in_the_morning_says_what_the_night_bought(begin: Begin) -> None:
    night = await begin()
    await started(night, campaign := night.campaign(), 0)
    part = await started(night, campaign, 8.5)
    whole = "bought nothing; since 12:00 yesterday, all runs bought 8 images in 2 requests"
    line = list(lines([listed(night)], night.now()))[-1]
    assert line == f"  night   8 of 8 images stored; ran at 06:30, exit status 0; {whole}"
    with night.folder.ledger() as ledger:
        assert told(last_run(ledger), last_night(ledger), night.now(), is_running=False).endswith(whole)
    machine = listed(night).as_json()
    assert machine["bought"] == {"images": 0, "requests": 0}
    assert machine["night"] == {"since": "2026-09-01T12:00:00+00:00", "images": 8, "requests": 2}
    end = CampaignEnd("night", Path("night.yaml"), part.code, standing=part.standing)
    this = "this run bought nothing; since noon, all runs bought 8 images in 2 requests"
    assert message_of([News(end)]).body.endswith(f"8 of 8 images stored; {this}")
    ended = Ended(part.code, part.report[-1], bought=part.bought, night=part.night)
    assert frame_of(ended) == [f"ended: {part.report[-1]}; {this}"]
    assert ended.facts()["night_images"] == 8


async def test_the_next_night_begins_at_noon(begin: Begin) -> None:
    night = await begin()
    await started(night, campaign := night.campaign(), 0)
    part = await started(night, campaign, 14)
    assert (part.bought, part.night) == (Bought(0, 0), Bought(0, 0))
    assert list(lines([listed(night)], night.now()))[-1].endswith("exit status 0; bought nothing")


async def test_one_run_a_night_says_what_it_bought_and_nothing_twice(begin: Begin) -> None:
    night = await begin()
    await started(night, night.campaign(), 0)
    assert list(lines([listed(night)], night.now()))[-1].endswith("exit status 0; bought 8 images in 2 requests")


async def test_two_runs_that_bought_say_both(begin: Begin) -> None:
    night = await begin()
    await started(night, campaign := night.campaign(requests=3), 0, limits=Limits(concurrency=8, max_requests=2))
    part = await started(night, campaign, 8.5)
    assert (part.bought, part.night) == (Bought(4, 1), Bought(12, 3))
    assert (
        "bought 4 images in 1 request; since 12:00 yesterday, all runs bought 12 images in 3 requests"
        in (list(lines([listed(night)], night.now()))[-1])
    )


async def test_a_run_that_was_cut_off_hides_nothing_of_its_night(begin: Begin) -> None:
    night = await begin()
    await started(night, night.campaign(), 0)
    with night.folder.ledger() as ledger:
        cut_off, whole = LastRun(BEGAN), last_night(ledger)
    now = BEGAN + timedelta(hours=9)
    assert told(cut_off, whole, now, is_running=False) == (
        "began at 22:00 yesterday and was cut off; since 12:00 yesterday, all runs bought 8 images in 2 requests"
    )
