"""Jobs whose status URL lies on a host that is dead: what is paid for comes home, and what is due is asked for."""

from __future__ import annotations

import asyncio

import pytest

from campaign_runner.events import StillAccepted, Stopping, Warned
from campaign_runner.run.limits import Limits
from campaign_runner.sandbox.faults import Fault
from tests.fixtures import Begin

DEAD = {"refuses": "", "is silent": "silent"}
TWO_DAYS = 48 * 3600.0


@pytest.mark.parametrize("word", DEAD.values(), ids=DEAD)
@pytest.mark.parametrize("requests", [1, 8])
async def test_jobs_on_a_dead_host_are_asked_for_at_the_api_origin(begin: Begin, word: str, requests: int) -> None:
    night = await begin(Fault("dead_status_host", word=word))
    ended = await night.run(night.campaign(requests=requests))
    assert (ended.code, ended.states) == (0, {"stored": 4 * requests})
    (warned,) = ended.seen(Warned)
    assert warned.message.startswith("127.0.0.1 gave no usable answer about jobs 3 times in a row")


@pytest.mark.parametrize("word", DEAD.values(), ids=DEAD)
async def test_jobs_that_an_earlier_run_left_on_a_dead_host_are_fetched(begin: Begin, word: str) -> None:
    night = await begin(Fault("dead_status_host", word=word), Fault("403", "poll"))
    assert (await night.run(night.campaign(requests=2))).states == {"accepted": 8}
    night.forgive()
    ended = await night.run()
    assert (ended.code, ended.states) == (0, {"stored": 8})


@pytest.mark.parametrize("word", DEAD.values(), ids=DEAD)
async def test_an_old_job_on_a_dead_host_is_fetched_too(begin: Begin, word: str) -> None:
    night = await begin(Fault("dead_status_host", word=word), job_seconds=1500)
    assert (await night.run(night.campaign(requests=1, seeds=2))).states == {"accepted": 2}
    await asyncio.sleep(20 * 3600)
    ended = await night.run()
    assert (ended.code, ended.states) == (0, {"stored": 2})


@pytest.mark.parametrize("word", DEAD.values(), ids=DEAD)
async def test_half_of_the_jobs_on_a_dead_host_keep_nothing_from_the_others(begin: Begin, word: str) -> None:
    night = await begin(Fault("dead_status_host", every=2, word=word), other_status_port=True)
    ended = await night.run(night.campaign(requests=16, seeds=2), limits=Limits(concurrency=4))
    assert (ended.code, ended.states) == (0, {"stored": 32})


@pytest.mark.parametrize("word", DEAD.values(), ids=DEAD)
async def test_a_job_that_no_one_tells_of_gives_up_its_slot_and_is_followed_on(begin: Begin, word: str) -> None:
    night = await begin(
        Fault("dead_status_host", first=3, word=word),
        Fault("forgotten", first=3),
        other_status_port=True,
    )
    ended = await night.run(night.campaign(requests=12, seeds=1), limits=Limits(concurrency=4))
    assert (ended.code, ended.states) == (8, {"stored": 9, "accepted": 3})
    assert ended.seconds < 1000  # and not 15 minutes for each of them, one after the other


async def test_a_lonely_slot_is_given_up_after_a_minute_for_a_job_that_comes_home_later(begin: Begin) -> None:
    night = await begin(Fault("503", "poll", first=14), job_seconds=1)  # for two minutes
    ended = await night.run(night.campaign(requests=2, seeds=1), limits=Limits(concurrency=1))
    first, second = (entry.at for entry in night.ledger.accepted)
    assert (ended.code, ended.states) == (0, {"stored": 2})
    assert second - first > 60


@pytest.mark.parametrize("word", DEAD.values(), ids=DEAD)
async def test_nothing_more_is_bought_while_no_one_tells_of_as_many_jobs_as_may_be_under_way(
    begin: Begin, word: str
) -> None:
    night = await begin(Fault("dead_status_host", word=word), Fault("forgotten"))
    ended = await night.run(night.campaign(requests=12, seeds=1), limits=Limits(concurrency=2))
    assert ended.code == 8
    assert 2 <= ended.states["accepted"] <= 4  # the slot of the first one may have gone to another one
    assert ended.states["accepted"] + ended.states["pending"] == 12
    assert ended.seconds < 20 * 60
    assert any("how the jobs in progress are doing" in warned.message for warned in ended.seen(Warned))
    assert len(ended.seen(Stopping)) == 1
    assert {left.reason.code for left in ended.seen(StillAccepted)} <= {"unknown_here", "not_reached", "no_answer"}


async def test_what_the_api_origin_never_knew_is_not_lost_by_its_word(begin: Begin) -> None:
    night = await begin(Fault("dead_status_host"), Fault("forgotten"))
    await night.run(night.campaign(requests=1, seeds=2))
    await asyncio.sleep(TWO_DAYS)
    ended = await night.run()
    assert (ended.code, ended.states) == (8, {"accepted": 2})
    assert night.ledger.calls["poll"] > 6


@pytest.mark.parametrize("word", DEAD.values(), ids=DEAD)
async def test_what_the_api_origin_once_knew_is_lost_by_its_word_a_day_later(begin: Begin, word: str) -> None:
    night = await begin(Fault("dead_status_host", word=word), Fault("stuck"))
    assert (await night.run(night.campaign(requests=1, seeds=2))).states == {"accepted": 2}
    await asyncio.sleep(TWO_DAYS)
    ended = await night.run()
    assert (ended.code, ended.reasons) == (3, {"lost": 2})


async def test_a_dead_network_is_still_told_from_a_dead_host(begin: Begin) -> None:
    night = await begin(Fault("dead_status_host"), job_seconds=600)
    campaign = night.campaign(requests=2, seeds=1)

    async def unplug() -> None:
        await asyncio.sleep(30)
        await night.close()

    unplugging = asyncio.create_task(unplug())
    ended = await night.run(campaign)
    await unplugging
    assert (ended.code, ended.states) == (8, {"accepted": 2})
    assert "Adobe has not answered for 60 s" in ended.seen(Stopping)[0].why
    assert ended.seconds < 240


async def test_a_job_named_by_the_last_part_of_its_id_is_that_job(begin: Begin) -> None:
    night = await begin(Fault("bare_job_id", "poll"))
    ended = await night.run(night.campaign(requests=3, seeds=2))
    assert (ended.code, ended.states) == (0, {"stored": 6})
    assert not ended.seen(Warned)
    assert {image["job_id"] for image in ended.images} == {entry.job_id for entry in night.ledger.accepted}


async def test_answers_about_another_job_are_told_once(begin: Begin) -> None:
    night = await begin(Fault("other_job_id", "poll", first=6))
    ended = await night.run(night.campaign(requests=3, seeds=2))
    assert (ended.code, ended.states) == (0, {"stored": 6})
    (warned,) = ended.seen(Warned)
    assert "about another job" in warned.message
