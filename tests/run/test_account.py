"""Refusals that are true for the whole account, silence, and the limits a caller set."""

from __future__ import annotations

import asyncio
import re
import signal
from contextlib import AsyncExitStack
from typing import Any

import pytest

from campaign_runner.errors import Unavailable
from campaign_runner.events import Event, Stopping, Submitting, Warned
from campaign_runner.plan.cost import RateLimit
from campaign_runner.run.control import Clock, Control
from campaign_runner.run.limits import Limits
from campaign_runner.run.stop import Stop
from campaign_runner.sandbox.faults import Fault
from campaign_runner.sandbox.serve import serving
from tests.fixtures import Begin

ONE_BY_ONE = Limits(concurrency=1)


@pytest.mark.parametrize(
    ("faults", "concurrency", "refused"),
    [
        ([], 1, 1),  # nobody else is on the way: the second alone meets the refusal
        ([Fault("slow", where="submit", first=3)], 3, 3),  # all are on their way with the token when it is revoked
    ],
    ids=["one by one", "all at once"],
)
async def test_a_revoked_token_is_renewed_once_and_the_run_goes_on(
    begin: Begin, faults: list[Fault], concurrency: int, refused: int
) -> None:
    night = await begin(Fault("401", nth=2), *faults)
    ended = await night.run(night.campaign(requests=3), limits=Limits(concurrency=concurrency))
    assert ended.code == 0
    assert night.ledger.calls["token"] == 2
    assert len(night.ledger.refused) == refused
    assert len(ended.seen(Submitting)) == len(night.ledger.entries) == 3 + refused  # an attempt is one request


@pytest.mark.parametrize("place", ["submit", "poll"])
async def test_a_refused_token_that_is_granted_again_for_a_while_is_said_once_and_waited_for(
    begin: Begin, place: str
) -> None:
    night = await begin(Fault("401", place, nth=2), token_cached_seconds=50.0)
    ended = await night.run(night.campaign(requests=5), limits=ONE_BY_ONE)
    assert (ended.code, ended.states) == (0, {"stored": 20})
    (warned,) = ended.seen(Warned)
    assert "returned the same one" in warned.message
    assert len(night.ledger.refused) == (place == "submit")  # no request was spent on a token known to be refused
    assert 40 < ended.seconds < 90
    assert night.ledger.calls["token"] < 9


async def test_a_token_that_is_refused_where_jobs_are_asked_for_is_waited_for_too(begin: Begin) -> None:
    night = await begin(Fault("401", "poll", nth=2), token_cached_seconds=50.0, other_status_port=True)
    ended = await night.run(night.campaign(requests=5), limits=ONE_BY_ONE)
    assert (ended.code, ended.states) == (0, {"stored": 20})
    assert len([warned for warned in ended.seen(Warned) if "returned the same one" in warned.message]) == 1
    assert 40 < ended.seconds < 100


async def test_many_jobs_at_once_wait_for_one_new_token(begin: Begin) -> None:
    night = await begin(Fault("401", nth=6), token_cached_seconds=50.0, job_seconds=30)
    ended = await night.run(night.campaign(requests=20, seeds=1), limits=Limits(concurrency=8))
    assert (ended.code, ended.states) == (0, {"stored": 20})
    assert len(ended.seen(Warned)) == 1
    assert night.ledger.calls["token"] < 9


async def test_a_token_that_stays_the_same_for_a_minute_is_a_matter_of_the_credentials(begin: Begin) -> None:
    night = await begin(Fault("401", nth=2), token_cached_seconds=3600.0)
    ended = await night.run(night.campaign(requests=5, seeds=1), limits=ONE_BY_ONE)
    assert ended.code == 7
    assert ended.states == {"stored": 1, "pending": 4}
    assert len(ended.seen(Warned)) == 1
    assert 60 <= ended.seconds < 120
    assert len(night.ledger.entries) == 2
    again = await night.run()  # it begins with the token that it is given
    assert again.code == 7
    await asyncio.sleep(3600)
    assert (await night.run()).states == {"stored": 5}


async def test_the_look_up_of_a_model_waits_for_another_token_too(begin: Begin) -> None:
    night = await begin(Fault("401", "models", nth=1), token_cached_seconds=30.0)
    ended = await night.run(night.custom("Warm Custom Model"))
    assert ended.code == 0
    assert len(ended.seen(Warned)) == 1


async def test_a_signal_ends_the_wait_for_another_token(begin: Begin) -> None:
    night = await begin(Fault("401", nth=1), token_cached_seconds=3600.0)

    def watch(event: Any, control: Any) -> None:
        if isinstance(event, Warned):
            control.signalled(signal.SIGTERM)

    ended = await night.run(night.campaign(requests=2), watch=watch)
    assert (ended.code, ended.states) == (143, {"pending": 8})
    assert ended.after_stop is not None and ended.after_stop < 10


async def test_a_tokens_life_in_text_is_a_number(begin: Begin) -> None:
    night = await begin(token_lifetime="text", token_seconds=60, job_seconds=50)
    ended = await night.run(night.campaign(requests=3), limits=ONE_BY_ONE)
    assert ended.code == 0
    assert night.ledger.calls["token"] >= 3  # and it is renewed in time


async def test_a_wrong_secret_is_refused_before_anything_is_sent(begin: Begin) -> None:
    night = await begin()
    ended = await night.run(night.campaign(requests=3), secret="wrong")
    assert ended.code == 7
    assert ended.states == {"pending": 12}
    assert not night.ledger.entries


@pytest.mark.parametrize("kind", ["402", "403", "404", "redirect"])
async def test_a_refusal_of_the_account_stops_submitting_and_leaves_the_rest_pending(begin: Begin, kind: str) -> None:
    night = await begin(Fault(kind, nth=2))
    ended = await night.run(night.campaign(requests=5, seeds=1), limits=ONE_BY_ONE)
    assert ended.code == 7
    assert ended.states == {"stored": 1, "pending": 4}
    again = await night.run()
    assert (again.code, again.states) == (0, {"stored": 5})


async def test_what_is_accepted_is_fetched_though_the_account_is_refused(begin: Begin) -> None:
    night = await begin(Fault("403", nth=3), job_seconds=60)
    ended = await night.run(night.campaign(requests=5, seeds=1), limits=Limits(concurrency=5))
    assert ended.code == 7
    assert ended.states["stored"] == len(night.ledger.accepted) >= 2


async def test_a_refused_prompt_fails_and_the_others_go_on(begin: Begin) -> None:
    night = await begin(Fault("451", where="submit", nth=2))
    ended = await night.run(night.campaign(requests=3, seeds=1))
    assert ended.code == 3
    assert ended.reasons == {"prompt_unsafe": 1}
    assert ended.states == {"stored": 2, "failed": 1}


async def test_a_minute_of_silence_ends_the_run_and_the_next_one_goes_on(begin: Begin) -> None:
    night = await begin()
    port = int(night.origin.rpartition(":")[2])
    await night.close()
    ended = await night.run(night.campaign(requests=3))
    assert ended.code == 8
    assert ended.states == {"pending": 12}
    assert 60 <= ended.seconds < 130
    (told,) = [each.message for each in ended.seen(Warned)]
    assert re.match("Adobe cannot be reached; trying again until [0-9]{2}:[0-9]{2}.*: no program listens at ", told)
    async with serving(night.sandbox, port):
        again = await night.run()
    assert (again.code, again.states) == (0, {"stored": 12})


async def test_a_blip_after_a_long_wait_is_no_minute_of_silence(begin: Begin) -> None:
    night = await begin(per_minute=1)
    port = int(night.origin.rpartition(":")[2])
    async with AsyncExitStack() as stack:

        async def blip() -> None:
            await asyncio.sleep(100)  # after the second request, long before the third
            await night.close()
            await asyncio.sleep(45)  # over the third
            await stack.enter_async_context(serving(night.sandbox, port))

        blinking = asyncio.create_task(blip())
        ended = await night.run(night.campaign(requests=4, seeds=1), rate=RateLimit(1, 9000))
        await blinking
    assert ended.code == 0


async def test_a_moment_without_a_network_is_not_told_and_a_longer_one_once() -> None:
    events: list[Event] = []
    control, lost = Control(Clock(), Stop(), events.append), Unavailable("no route")
    for _ in range(3):
        control.note_answer(lost)
        control.note_answer(None)
        await asyncio.sleep(50)
    assert events == []
    for _ in range(2):
        for _ in range(4):
            control.note_answer(lost)
            await asyncio.sleep(4)
        control.note_answer(None)
    assert len(events) == 1


@pytest.mark.parametrize(
    ("limits", "bought", "why"),
    [
        (Limits(concurrency=4, max_requests=3), 12, "stopped after 3 requests, as requested"),
        (Limits(concurrency=4, max_images=8), 8, "stopped after 8 images, as requested"),
        (
            Limits(concurrency=4, max_images=6),
            6,
            "stopped after 6 images, as requested",
        ),  # not a whole number of requests
        (Limits(concurrency=1, max_seconds=15), 8, "stopped after --max-runtime, as requested"),
    ],
    ids=["requests", "images", "images that cut a request", "seconds"],
)
async def test_a_run_stops_where_it_was_asked_to(begin: Begin, limits: Limits, bought: int, why: str) -> None:
    night = await begin(job_seconds=10)
    ended = await night.run(night.campaign(requests=4), limits=limits)
    assert ended.code == 9
    assert ended.states == {"stored": bought, "pending": 16 - bought}
    assert [stopping.why for stopping in ended.seen(Stopping)] == [why]
    again = await night.run()
    assert (again.code, again.states) == (0, {"stored": 16})


async def test_a_limit_within_the_last_request_cuts_it(begin: Begin) -> None:
    night = await begin()
    ended = await night.run(night.campaign(requests=1), limits=Limits(concurrency=4, max_images=3))
    assert (ended.code, ended.states) == (9, {"stored": 3, "pending": 1})


async def test_a_request_that_was_refused_does_not_count_towards_a_limit(begin: Begin) -> None:
    night = await begin(Fault("503", first=2))
    ended = await night.run(night.campaign(requests=3, seeds=1), limits=Limits(concurrency=1, max_requests=2))
    assert (ended.code, ended.states) == (9, {"stored": 2, "pending": 1})


async def test_a_limit_that_is_not_reached_changes_nothing(begin: Begin) -> None:
    night = await begin()
    ended = await night.run(night.campaign(requests=3), limits=Limits(concurrency=2, max_requests=3, max_images=12))
    assert ended.code == 0
