"""Stopping by a signal, by a bug, by a disk that refuses: drained in seconds, and the next run finishes."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import pytest
from night import FAST, Watch

from campaign_runner.errors import IntegrityError
from campaign_runner.events import Accepted, Event, Stopping, Stored, Submitting, Waiting
from campaign_runner.plan.cost import Rate
from campaign_runner.run.control import Control
from campaign_runner.run.parts import Limits
from campaign_runner.sandbox.faults import Fault


def signalled(kind: type, *, nth: int = 1, later: float = 0.0) -> Watch:
    """A signal so many seconds after the nth event of this kind."""
    seen = 0

    def watch(event: Event, control: Control) -> None:
        nonlocal seen
        seen += isinstance(event, kind)
        if isinstance(event, kind) and seen == nth:
            asyncio.get_running_loop().call_later(later, control.signalled, signal.SIGTERM)

    return watch


MOMENTS = [
    # what happens when the signal comes, the event it follows and by how many seconds, faults, the allowance
    ("waiting for the allowance", signalled(Waiting, later=2), [], Rate(1, 9000)),
    ("a submit under way", signalled(Submitting, nth=2), [], FAST),
    ("a submit answered in 5 s", signalled(Submitting, later=1), [Fault("slow_after", seconds=5)], FAST),
    ("a submit answered too late", signalled(Submitting, later=1), [Fault("slow_after", seconds=50)], FAST),
    ("polling", signalled(Accepted, nth=3, later=4), [], FAST),
    ("a poll without answer", signalled(Accepted, later=6), [Fault("slow", where="poll", seconds=25)], FAST),
    ("downloading", signalled(Stored), [], FAST),
    ("a slow download", signalled(Accepted, later=12), [Fault("slow", where="download", seconds=25)], FAST),
    ("trying a download again", signalled(Accepted, later=12), [Fault("truncated", first=20)], FAST),
    ("repeating a submit", signalled(Submitting, later=1), [Fault("503", first=9)], FAST),
]


@pytest.mark.parametrize(("moment", "watch", "faults", "rate"), MOMENTS, ids=[row[0] for row in MOMENTS])
async def test_a_signal_drains_within_ten_seconds_and_the_next_run_finishes(
    begin: Any, moment: str, watch: Watch, faults: list[Fault], rate: Rate
) -> None:
    night = await begin(*faults, job_seconds=8)
    ended = await night.run(night.campaign(requests=4, seeds=2), watch=watch, rate=rate)
    assert ended.code in (143, 4)
    assert ended.seen(Stopping)
    assert ended.after_stop is not None and ended.after_stop <= 10.5
    night.forgive()
    again = await night.run()
    doubts = ended.states["in_doubt"]
    assert again.code == (4 if doubts else 0)
    assert again.states["stored"] == 8 - doubts
    assert bool(doubts) == (moment == "a submit answered too late")


async def test_a_signal_during_a_long_drain_shortens_it(begin: Any) -> None:
    night = await begin(Fault("slow_after", where="submit", nth=1, seconds=55), Fault("403", nth=2))
    watch = signalled(Submitting, later=20)
    ended = await night.run(night.campaign(requests=3, seeds=1), watch=watch, limits=Limits(concurrency=2))
    assert ended.seconds < 32
    assert ended.states["in_doubt"] == 1


async def test_a_submit_cut_off_at_the_end_does_not_keep_its_place_in_the_allowance(begin: Any) -> None:
    night = await begin(Fault("slow_after", where="submit", nth=1, seconds=55))
    one = Rate(per_minute=1, per_day=9000)
    watch = signalled(Submitting, later=1)
    await night.run(night.campaign(requests=1, seeds=1), watch=watch, rate=one)
    again = await night.run(night.campaign(requests=2, seeds=1, name="second"), rate=one)  # in the same process
    assert again.states == {"stored": 2}


async def test_a_bug_in_one_job_leaves_the_others_alone_and_is_raised_at_the_end(begin: Any) -> None:
    night = await begin()
    campaign = night.campaign(requests=4, seeds=1)
    stored = 0

    def watch(event: Event, control: Control) -> None:
        nonlocal stored
        stored += isinstance(event, Stored)
        if isinstance(event, Accepted) and event.attempt.job.variations[0].cell.product == "p01":
            raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        await night.run(campaign, watch=watch)
    assert stored == len(night.ledger.accepted) - 1 >= 2
    again = await night.run()
    assert (again.code, again.states) == (0, {"stored": 4})


async def test_a_bug_before_a_request_leaves_is_kept_as_a_doubt(begin: Any) -> None:
    night = await begin()

    def watch(event: Event, control: Control) -> None:
        if isinstance(event, Submitting) and event.attempt.job.variations[0].cell.product == "p01":
            raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError):
        await night.run(night.campaign(requests=2, seeds=1), watch=watch)
    again = await night.run()
    assert (again.code, again.states) == (4, {"stored": 1, "in_doubt": 1})


async def test_a_file_in_the_way_stops_but_the_rest_of_its_job_is_stored(begin: Any) -> None:
    night = await begin()
    campaign = night.campaign(requests=1)
    in_the_way = None

    def watch(event: Event, control: Control) -> None:
        nonlocal in_the_way
        if isinstance(event, Accepted):
            in_the_way = night.output / "images" / f"{event.attempt.job.variations[0].stem}.jpg"
            in_the_way.parent.mkdir(parents=True)
            in_the_way.write_bytes(b"mine")

    ended = await night.run(campaign, watch=watch)
    assert ended.code == 5
    assert ended.states == {"stored": 3, "accepted": 1}
    assert in_the_way.read_bytes() == b"mine"
    in_the_way.unlink()
    assert (await night.run()).code == 0


async def test_an_image_on_the_disk_that_no_journal_knows_is_never_bought_again(begin: Any) -> None:
    night = await begin()
    await night.run(night.campaign(requests=1, seeds=1))
    for name in ("journal.sqlite", "manifest.json"):
        (night.output / name).rename(night.home / name)
    with pytest.raises(IntegrityError, match="journal is gone"):
        await night.run()
    assert night.ledger.images_charged == 1
    (night.home / "journal.sqlite").rename(night.output / "journal.sqlite")
    assert (await night.run()).code == 0
