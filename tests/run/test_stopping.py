"""Stopping by a signal, by a bug, by a disk that refuses: drained in seconds, and the next run finishes."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.errors import IntegrityError
from campaign_runner.events import Accepted, Event, Stopping, Stored, Submitting, Waiting
from campaign_runner.plan.cost import RateLimit
from campaign_runner.run.control import Control
from campaign_runner.run.limits import Limits
from campaign_runner.run.runner import GRACE
from campaign_runner.sandbox.faults import Fault
from tests.fixtures import Begin
from tests.night import FAST, Watch


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
    ("waiting for the allowance", signalled(Waiting, later=2), [], RateLimit(1, 9000)),
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
    begin: Begin, moment: str, watch: Watch, faults: list[Fault], rate: RateLimit
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


async def test_a_signal_during_a_long_drain_shortens_it(begin: Begin) -> None:
    night = await begin(Fault("slow_after", where="submit", nth=1, seconds=55), Fault("403", nth=2))
    watch = signalled(Submitting, later=20)
    ended = await night.run(night.campaign(requests=3, seeds=1), watch=watch, limits=Limits(concurrency=2))
    assert ended.seconds < 32
    assert ended.states["in_doubt"] == 1


async def test_a_submit_cut_off_at_the_end_does_not_keep_its_place_in_the_allowance(begin: Begin) -> None:
    night = await begin(Fault("slow_after", where="submit", nth=1, seconds=55))
    one = RateLimit(per_minute=1, per_day=9000)
    watch = signalled(Submitting, later=1)
    await night.run(night.campaign(requests=1, seeds=1), watch=watch, rate=one)
    again = await night.run(night.campaign(requests=2, seeds=1, name="second"), rate=one)  # in the same process
    assert again.states == {"stored": 2}


async def test_a_bug_in_one_job_leaves_the_others_alone_and_is_raised_at_the_end(begin: Begin) -> None:
    night = await begin()
    campaign = night.campaign(requests=4, seeds=1)
    seen = Counter[type]()

    def watch(event: Event, control: Control) -> None:
        seen[type(event)] += 1
        if isinstance(event, Accepted) and seen[Accepted] == 4:  # the last: nobody is kept from asking by it
            raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        await night.run(campaign, watch=watch)
    assert (len(night.ledger.accepted), seen[Stored]) == (4, 3)
    again = await night.run()
    assert (again.code, again.states) == (0, {"stored": 4})


async def test_a_bug_before_a_request_leaves_is_kept_as_a_doubt(begin: Begin) -> None:
    night = await begin()

    def watch(event: Event, control: Control) -> None:
        if isinstance(event, Submitting) and event.attempt.job.variations[0].cell.product == "p01":
            raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError):
        await night.run(night.campaign(requests=2, seeds=1), watch=watch)
    again = await night.run()
    assert (again.code, again.states) == (4, {"stored": 1, "in_doubt": 1})


async def test_a_file_in_the_way_stops_but_the_rest_of_its_job_is_stored(begin: Begin) -> None:
    night = await begin()
    campaign = night.campaign(requests=1)
    in_the_way: Any = None

    def watch(event: Event, control: Control) -> None:
        nonlocal in_the_way
        if isinstance(event, Accepted):
            in_the_way = night.output / f"{event.attempt.job.variations[0].stem}.jpg"
            in_the_way.parent.mkdir(parents=True)
            in_the_way.write_bytes(b"mine")

    ended = await night.run(campaign, watch=watch)
    assert ended.code == 5
    assert ended.states == {"stored": 3, "accepted": 1}
    assert in_the_way.read_bytes() == b"mine"
    in_the_way.unlink()
    assert (await night.run()).code == 0


async def test_a_disk_that_cannot_sync_stops_the_run_and_nothing_is_tried_twice(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = await begin()
    sync, refused = os.fsync, list[Path]()

    def fsync(handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        if path.parent.name == ".staging" and not path.name.startswith("."):
            refused.append(path)
            raise OSError(errno.EIO, "Input/output error")
        sync(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    ended = await night.run(night.campaign(requests=5, seeds=1), limits=Limits(concurrency=1))
    assert ended.code == 6
    assert ended.states["accepted"] == len(refused) == len(set(refused)) == night.ledger.images_charged <= 2
    monkeypatch.undo()
    again = await night.run()
    assert (again.code, again.states) == (0, {"stored": 5})


async def test_a_stored_image_that_is_gone_is_not_bought_again(begin: Begin) -> None:
    night = await begin()
    ended = await night.run(night.campaign(requests=1, seeds=2))
    image = night.output / ended.images[0]["file"]
    content = image.read_bytes()
    image.unlink()
    again = await night.run()
    assert (again.code, again.states, night.ledger.images_charged) == (0, {"stored": 2}, 2)
    image.write_bytes(content)


async def test_a_file_under_a_due_name_is_never_bought_again(begin: Begin) -> None:
    night = await begin()
    ended = await night.run(night.campaign(requests=2, seeds=1), limits=Limits(concurrency=1, max_requests=1))
    due = ended.images[1]
    name = f"{due['prompt_id']}_{due['preset']}_1024x1024_s{due['seed']}_{due['key'][:8]}.png"
    somebodys = night.output / "images" / due["product"] / name
    somebodys.parent.mkdir()
    somebodys.write_bytes(b"mine")
    ended = await night.run()
    assert (ended.code, ended.states) == (5, {"stored": 1, "pending": 1})
    assert night.ledger.images_charged == 1
    somebodys.unlink()
    assert (await night.run()).code == 0


async def test_a_signal_while_old_jobs_are_asked_for_again_leaves_them_for_the_next_run(begin: Begin) -> None:
    night = await begin(job_seconds=1500)
    await night.run(night.campaign(requests=3, seeds=1))
    night.add_fault(Fault("slow", where="poll", seconds=25))

    def watch(event: Event, control: Control) -> None:
        asyncio.get_running_loop().call_later(2, control.signalled, signal.SIGTERM)

    ended = await night.run(limits=Limits(concurrency=1), watch=watch)
    assert (ended.code, ended.states) == (143, {"accepted": 3})
    night.forgive()
    await asyncio.sleep(1000)
    assert (await night.run()).code == 0


async def test_a_drain_waits_ninety_seconds_for_what_is_under_way_and_no_longer(begin: Begin) -> None:
    night = await begin(Fault("slow", where="download", nth=1, seconds=290))

    def watch(event: Event, control: Control) -> None:
        if isinstance(event, Accepted) and event.attempt.job.variations[0].cell.product == "p01":
            night.add_fault(Fault("noise", where="poll", word="silence"))

    ended = await night.run(night.campaign(requests=2, seeds=1), watch=watch, limits=Limits(concurrency=1))
    assert (ended.code, ended.states) == (8, {"accepted": 2})
    assert ended.after_stop == pytest.approx(GRACE, abs=1)
    night.forgive()
    again = await night.run()
    assert (again.code, again.states) == (0, {"stored": 2})


async def test_an_image_on_the_disk_that_no_journal_knows_is_never_bought_again(begin: Begin) -> None:
    night = await begin()
    await night.run(night.campaign(requests=1, seeds=1))
    for name in ("journal.sqlite", "manifest.json"):
        (night.output / name).rename(night.home / name)
    with pytest.raises(IntegrityError, match="journal is gone"):
        await night.run()
    assert night.ledger.images_charged == 1
    (night.home / "journal.sqlite").rename(night.output / "journal.sqlite")
    assert (await night.run()).code == 0
