"""Accepted jobs that take long, are lost, or outlive their run."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest

from campaign_runner.events import StillAccepted
from campaign_runner.run.limits import Limits
from campaign_runner.sandbox.faults import Fault
from tests.fixtures import Begin


async def test_a_stuck_job_stays_accepted_after_a_quarter_of_an_hour(begin: Begin) -> None:
    night = await begin(Fault("stuck", nth=1))
    ended = await night.run(night.campaign(requests=3, seeds=2))
    assert ended.code == 8
    assert ended.states == {"stored": 4, "accepted": 2}
    assert 900 <= ended.seconds < 940
    assert any("the next run downloads" in line for line in ended.lines)


async def test_the_next_run_fetches_what_was_not_ready(begin: Begin) -> None:
    night = await begin(job_seconds=1500)
    ended = await night.run(night.campaign(requests=1))
    assert (ended.code, ended.states) == (8, {"accepted": 4})
    await asyncio.sleep(700)
    again = await night.run()
    assert (again.code, again.states) == (0, {"stored": 4})
    assert again.seconds < 30
    assert night.ledger.images_charged == 4


async def test_what_left_the_campaign_is_still_fetched_under_its_old_name(begin: Begin) -> None:
    night = await begin(job_seconds=1500)
    await night.run(night.campaign(requests=2, seeds=1))
    await asyncio.sleep(700)
    again = await night.run(night.campaign(requests=1, seeds=1))
    assert again.code == 0
    assert {image["in_campaign"]: image["state"] for image in again.images} == {True: "stored", False: "stored"}


async def test_a_job_the_service_no_longer_knows_is_lost_after_a_day_and_not_before(begin: Begin) -> None:
    night = await begin(Fault("stuck", nth=1), job_known_seconds=3600)
    await night.run(night.campaign(requests=1, seeds=1))
    await asyncio.sleep(2 * 3600)
    ended = await night.run()
    assert (ended.code, ended.states) == (8, {"accepted": 1})
    assert [left.reason.code for left in ended.seen(StillAccepted)] == ["unknown_job_id"]
    await asyncio.sleep(24 * 3600)
    assert (await night.run()).reasons == {"lost": 1}


async def test_an_image_that_was_put_there_but_not_recorded_is_not_lost_with_its_job(begin: Begin) -> None:
    night = await begin(job_known_seconds=3600)
    campaign = night.campaign(requests=1, seeds=2)
    await night.run(campaign)
    journal = night.output / "journal.sqlite"
    whole = sorted((night.output / "images").rglob("*.jpg"))
    with closing(sqlite3.connect(journal)) as db, db:  # as if the last run had been killed before it recorded them
        db.execute("UPDATE variations SET state = 'accepted', file = NULL, sha256 = NULL, bytes = NULL")
        db.execute("UPDATE variations SET media_type = NULL, stored_at = NULL")
        db.execute("DELETE FROM events WHERE kind = 'stored'")
    whole[1].write_bytes(b"cut")
    await asyncio.sleep(25 * 3600)
    ended = await night.run()
    assert (ended.states, ended.reasons) == ({"stored": 1, "failed": 1}, {"lost": 1})
    whole[1].unlink()


@pytest.mark.parametrize("kind", ["500", "503", "429", "html", "garbled", "other_job_id", "reset", "404"])
async def test_a_poll_that_fails_is_repeated(begin: Begin, kind: str) -> None:
    night = await begin(Fault(kind, where="poll", first=3))
    ended = await night.run(night.campaign(requests=2, seeds=1))
    assert ended.code == 0
    assert night.ledger.images_charged == 2


@pytest.mark.parametrize("kind", ["503", "garbled", "reset"])
async def test_one_failing_poll_does_not_leave_an_old_job_for_another_day(begin: Begin, kind: str) -> None:
    night = await begin(Fault("stuck", nth=2), job_seconds=1500)
    await night.run(night.campaign(requests=1, seeds=1))
    polls = night.ledger.calls["poll"]
    await asyncio.sleep(1000)
    night.add_fault(Fault(kind, where="poll", nth=polls + 1))
    assert (await night.run()).code == 0


async def test_many_old_jobs_are_asked_for_again_before_anything_new_is_bought(begin: Begin) -> None:
    night = await begin(job_seconds=1000)
    few = Limits(concurrency=2)
    await night.run(night.campaign(requests=3, seeds=1), limits=few)
    await asyncio.sleep(3600)
    ended = await night.run(night.campaign(requests=4, seeds=1), limits=few)
    assert night.ledger.images_charged == 4
    assert ended.states["stored"] == 3


async def test_words_nobody_has_documented_are_waited_out(begin: Begin) -> None:
    night = await begin(Fault("unknown_word", word="simmering"))
    ended = await night.run(night.campaign(requests=1, seeds=1))
    assert ended.code == 0
