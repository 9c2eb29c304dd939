"""What is paid for is lost where the service itself says so of this very job, and by no trouble of ours."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from campaign_runner.events import Event, Started, StillAccepted
from campaign_runner.run.control import Control
from campaign_runner.sandbox.faults import Fault
from tests.fixtures import Begin
from tests.night import Night

TWO_DAYS = 48 * 3600.0
KEPT = ("file", "sha256", "bytes", "media_type", "stored_at")
"""What the journal says of an image that is stored."""


async def left_two_days_ago(begin: Begin, *faults: Fault, **switches: Any) -> Night:
    """A night whose only job was not ready when its run ended: two days later it is, and the service has it still."""
    night = await begin(*faults, **{"job_seconds": 1500, "job_known_seconds": 10 * 86400} | switches)
    assert (await night.run(night.campaign(requests=1, seeds=2))).states == {"accepted": 2}
    await asyncio.sleep(TWO_DAYS)
    return night


TROUBLE = {
    "a secret that was changed": Fault("401", where="poll"),
    "an account without credits": Fault("403", where="poll", word="quota_exhausted"),
    "too many polls": Fault("429", where="poll"),
    "an outage": Fault("503", where="poll"),
    "an error": Fault("500", where="poll"),
    "a page of a gateway": Fault("html", where="poll"),
    "a page instead of the job": Fault("html", where="poll", word="200"),
    "a page that says not found": Fault("html", where="poll", word="404"),
    "half an answer": Fault("garbled", where="poll"),
    "another job": Fault("other_job_id", where="poll"),
    "a store that is away": Fault("503", where="download"),
    "downloads that are cut": Fault("cut", where="download"),
    "pages instead of pictures": Fault("not_an_image", where="download"),
    "a proxy that forbids the store": Fault("html", where="download", word="403"),
}


@pytest.mark.parametrize("fault", TROUBLE.values(), ids=TROUBLE)
async def test_trouble_of_ours_loses_nothing_however_old_the_job_is(begin: Begin, fault: Fault) -> None:
    night = await left_two_days_ago(begin)
    night.add_fault(fault)
    assert (await night.run()).states == {"accepted": 2}
    night.forgive()
    assert (await night.run()).states == {"stored": 2}


async def test_a_signal_during_a_failing_download_loses_nothing(begin: Begin) -> None:
    night = await left_two_days_ago(begin)
    night.add_fault(Fault("cut", where="download"))

    def watch(event: Event, control: Control) -> None:
        if isinstance(event, Started):
            asyncio.get_running_loop().call_later(0.3, control.signalled, signal.SIGINT)

    ended = await night.run(watch=watch)
    assert (ended.code, ended.states) == (130, {"accepted": 2})
    assert night.ledger.calls["download"] > 0
    night.forgive()
    assert (await night.run()).states == {"stored": 2}


async def test_a_job_that_is_still_being_made_is_not_lost(begin: Begin) -> None:
    night = await left_two_days_ago(begin, Fault("stuck", nth=1))
    ended = await night.run()
    assert (ended.code, ended.states) == (8, {"accepted": 2})
    assert [left.reason.code for left in ended.seen(StillAccepted)] == ["still_running"]


async def test_a_wall_clock_set_two_days_ahead_loses_nothing(begin: Begin) -> None:
    night = await begin(job_seconds=1500)
    await night.run(night.campaign(requests=1, seeds=2))
    night.set_clock(TWO_DAYS)
    assert (await night.run()).states == {"accepted": 2}
    night.set_clock(-TWO_DAYS)
    await asyncio.sleep(900)
    assert (await night.run()).states == {"stored": 2}


async def test_one_answer_that_the_job_is_unknown_proves_nothing(begin: Begin) -> None:
    night = await left_two_days_ago(begin, Fault("stuck", nth=1))
    polls = night.ledger.calls["poll"]
    for number in range(1, 30):
        night.add_fault(Fault("404" if number % 2 else "503", where="poll", nth=polls + number))
    assert (await night.run()).states == {"accepted": 2}


async def test_a_link_that_expires_after_other_failures_proves_nothing(begin: Begin) -> None:
    night = await left_two_days_ago(begin, expire_seconds=20)
    night.strike(Fault("503", where="download", first=3))
    night.add_fault(Fault("slow", where="download", nth=4, seconds=30))  # beyond the life of its link
    assert (await night.run()).states == {"accepted": 1, "stored": 1}
    assert (await night.run()).states == {"stored": 2}


GONE = {
    "the job is unknown": Fault("forgotten", nth=1),
    "no images are named": Fault("no_result", nth=1),
    "no link is given": Fault("no_link", first=2),
    "no link works": Fault("dead_link", first=2),
}


@pytest.mark.parametrize("fault", GONE.values(), ids=GONE)
async def test_what_the_service_says_is_gone_is_lost_after_a_day_and_not_before(begin: Begin, fault: Fault) -> None:
    night = await begin(fault, job_known_seconds=10 * 86400)
    ended = await night.run(night.campaign(requests=1, seeds=2))
    assert ended.states == {"accepted": 2}
    await asyncio.sleep(23 * 3600.0)
    assert (await night.run()).states == {"accepted": 2}
    await asyncio.sleep(TWO_DAYS)
    ended = await night.run()
    assert (ended.code, ended.reasons) == (3, {"lost": 2})


async def test_what_lies_on_the_disk_without_a_record_is_not_lost_with_its_job(begin: Begin) -> None:
    night = await begin(job_known_seconds=3600)
    assert (await night.run(night.campaign(requests=1, seeds=2))).states == {"stored": 2}
    with (
        closing(sqlite3.connect(night.output / "journal.sqlite")) as journal,
        journal,
    ):  # as if killed before it said so
        journal.execute(f"UPDATE variations SET state = 'accepted', {', '.join(f'{name} = NULL' for name in KEPT)}")
        journal.execute("DELETE FROM events WHERE kind = 'stored'")
    await asyncio.sleep(TWO_DAYS)
    ended = await night.run()
    assert (ended.code, ended.states) == (0, {"stored": 2})


async def test_an_image_that_is_gone_does_not_take_along_one_that_is_only_cut(begin: Begin) -> None:
    night = await begin(Fault("dead_link", nth=1), Fault("cut", where="output", nth=2), job_known_seconds=10 * 86400)
    await night.run(night.campaign(requests=1, seeds=2))
    await asyncio.sleep(TWO_DAYS)
    assert (await night.run()).states == {"accepted": 2}
