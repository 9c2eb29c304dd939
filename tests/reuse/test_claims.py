"""Campaigns of one folder of outputs that hold the same images, each in a run of its own: nothing is bought twice.

Every run here has its own adapters and its own hand on the lock, as a process has; only the loop is shared.
"""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.disk.locks import KernelLock
from campaign_runner.events import Accepted, Adopted, Event, Submitting, Warned
from campaign_runner.model import Job
from campaign_runner.plan.cost import RateLimit
from campaign_runner.plan.plan import Plan
from campaign_runner.plan.selection import read_only
from campaign_runner.quota.request_log import LOOK_AGAIN
from campaign_runner.reuse.claims import FILE as BUYING
from campaign_runner.reuse.claims import LONGEST_WAIT as PATIENCE
from campaign_runner.reuse.claims import Claiming
from campaign_runner.run.control import Control
from campaign_runner.run.limits import Limits
from campaign_runner.sandbox.faults import Fault
from tests.fixtures import Begin
from tests.night import Ended, Night
from tests.session.edits import copied, edited

SLOWLY = RateLimit(per_minute=1, per_day=1_000_000)


async def after(seconds: float, run: Any) -> Ended:
    await asyncio.sleep(seconds)
    ended: Ended = await run
    return ended


@pytest.mark.parametrize("seconds", [0.0, 3.0])
async def test_two_runs_that_begin_together_or_after_each_other_buy_each_image_once(
    begin: Begin, seconds: float
) -> None:
    night = await begin()
    campaign = night.campaign(requests=6)
    clone = copied(campaign, "clone")
    ended = await asyncio.gather(night.run(campaign), after(seconds, night.run(clone)))
    assert [each.code for each in ended] == [0, 0]
    assert [each.states for each in ended] == [{"stored": 24}, {"stored": 24}]
    assert (night.ledger.images_charged, max(night.ledger.charged.values())) == (24, 1)
    assert sum(len(each.seen(Adopted)) for each in ended) == 24


async def test_a_request_goes_out_for_what_the_other_leaves_of_it(begin: Begin) -> None:
    night = await begin()
    campaign = night.campaign(requests=1, seeds=2)
    more = edited(copied(campaign, "clone"), "[1, 2]", "[1, 2, 3, 4]")
    ended = await asyncio.gather(night.run(campaign), night.run(more))
    assert [each.code for each in ended] == [0, 0]
    assert night.ledger.images_charged == 4


async def test_what_is_left_to_another_uses_up_nothing_of_our_limits(begin: Begin) -> None:
    night = await begin(job_seconds=60)
    campaign = night.campaign(requests=2)
    longer = edited(copied(campaign, "clone"), "p01: night mug 1\n", "p01: night mug 1\n  p02: a third one\n")
    ended = await asyncio.gather(
        night.run(campaign), after(5, night.run(longer, limits=Limits(max_requests=1, concurrency=1)))
    )
    assert night.ledger.images_charged == 12
    assert ended[1].states["stored"] >= 4


async def test_what_another_begins_while_we_have_leave_uses_up_nothing_of_our_limits(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_wanted(self: Claiming, job: Job) -> bool:
        return True  # as it was a moment before the other began

    monkeypatch.setattr(Claiming, "is_wanted", is_wanted)
    night = await begin(Fault("slow", where="token", first=2, seconds=5), job_seconds=60)
    campaign = night.campaign(requests=2)
    longer = edited(copied(campaign, "clone"), "p01: night mug 1\n", "p01: night mug 1\n  p02: a third one\n")
    limits = Limits(max_requests=1, concurrency=1)
    # it has planned before the other begins, and has its token after that
    await asyncio.gather(night.run(campaign), after(1, night.run(longer, limits=limits)))
    assert night.ledger.images_charged == 12


async def test_the_allowance_is_not_used_up_by_what_is_left_to_another(begin: Begin) -> None:
    night = await begin(per_minute=4)
    rate = RateLimit(4, 9000)
    campaign = night.campaign(requests=8)
    await asyncio.gather(night.run(campaign, rate=rate), night.run(copied(campaign, "clone"), rate=rate))
    times = [job.at for job in night.ledger.accepted]
    assert len(times) == 8
    # 4 and 4: no permit was wasted, or the last had left a minute later. Who finds one taken that is given back looks
    # again only after a while.
    assert 60 <= times[-1] - times[0] < 60 + LOOK_AGAIN + 5


async def test_what_a_killed_run_left_unanswered_is_left_to_its_campaign(begin: Begin) -> None:
    night = await begin()
    campaign = night.campaign(requests=1)

    def die(event: Event, control: Control) -> None:
        if isinstance(event, Submitting):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await night.run(campaign, watch=die)
    ended = await night.run(copied(campaign, "clone"))
    assert (ended.code, ended.states, night.ledger.images_charged) == (8, {"pending": 4}, 0)
    assert any("in campaign night" in line for line in ended.lines)
    assert ended.seconds < 1  # nobody lives who could store it


async def test_what_a_living_run_does_not_store_in_a_quarter_of_an_hour_stays_due(begin: Begin) -> None:
    night = await begin(job_seconds=2000)
    campaign = night.campaign(requests=1)
    other = asyncio.create_task(night.run(campaign))
    clone = copied(campaign, "clone")
    ended = await after(60, night.run(clone))
    assert (ended.code, ended.states, night.ledger.images_charged) == (8, {"pending": 4}, 4)
    assert sum("in campaign night" in event.message for event in ended.seen(Warned)) == 1
    assert 840 <= ended.seconds <= 920
    assert (await other).code == 8
    await asyncio.sleep(1200)
    assert [(await night.run(each)).code for each in (campaign, clone)] == [0, 0]
    assert night.ledger.images_charged == 4


async def test_two_runs_that_hold_doubts_the_other_wants_do_not_wait_for_each_other(begin: Begin) -> None:
    night = await begin(Fault("reset_after", first=2))
    campaign = night.campaign(requests=2)
    clone = copied(campaign, "clone")
    for each, product in ((campaign, "p00"), (clone, "p01")):
        assert (await night.run(each, only=read_only([f"product={product}"]))).code == 4
    ended = await asyncio.gather(night.run(campaign), night.run(clone))
    assert [(each.code, each.states) for each in ended] == [(4, {"in_doubt": 4, "pending": 4})] * 2
    assert max(each.seconds for each in ended) < 60  # nobody but a person ends a doubt


@pytest.mark.parametrize("is_signalled", [False, True])
async def test_a_signal_and_the_callers_time_end_the_wait_for_another(begin: Begin, is_signalled: bool) -> None:
    night = await begin(Fault("stuck", nth=1))
    campaign = night.campaign(requests=1)
    other = asyncio.create_task(night.run(campaign))
    more = edited(copied(campaign, "clone"), "p00: night mug 0\n", "p00: night mug 0\n  p01: another\n")
    controls: list[Control] = []
    limits = Limits() if is_signalled else Limits(max_seconds=100.0)
    run = asyncio.create_task(
        after(5, night.run(more, limits=limits, watch=lambda _, control: controls.append(control)))
    )
    await asyncio.sleep(105)
    if is_signalled:
        controls[0].signalled(signal.SIGTERM)
    ended = await run
    assert (ended.code, ended.states) == (143 if is_signalled else 8, {"stored": 4, "pending": 4})
    assert 99 <= ended.seconds <= 115
    assert (await other).code == 8


async def test_nobody_waits_for_the_end_of_another_run(begin: Begin) -> None:
    night = await begin(job_seconds=60)
    long, short = sharing(night, "long", 30), sharing(night, "short", 2)
    ended: list[str] = []

    async def run(campaign: Campaign) -> Ended:
        result: Ended = await night.run(campaign, limits=Limits(concurrency=1))
        ended.append(campaign.campaign)
        return result

    results = await asyncio.gather(run(long), run(short))
    assert [each.code for each in results] == [0, 0]
    assert ended == ["short", "long"] and results[1].seconds < 200 < 1500 < results[0].seconds
    assert night.ledger.images_charged == 31


def sharing(night: Night, name: str, products: int) -> Campaign:
    """A campaign whose first picture is the same as that of every other of its kind."""
    file = night.home / "campaigns" / f"{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    own = "".join(f", p{number}: {name} {number}" for number in range(1, products))
    file.write_text(
        f"campaign: {name}\nmodel: image3\nproducts: {{p0: a mug{own}}}\n"
        'prompts: {hero: "{product.name} on a table"}\nsizes: [1024x1024]\nseeds: [1]\n',
        encoding="utf-8",
    )
    return load(file)


async def test_what_the_other_could_not_make_is_due_in_the_next_run(begin: Begin) -> None:
    night = await begin(Fault("failed", first=1))
    campaign = night.campaign(requests=1)
    clone = copied(campaign, "clone")
    ended = await asyncio.gather(night.run(campaign), night.run(clone))
    assert sorted(each.code for each in ended) == [3, 8]
    waited = next(each for each in ended if each.code == 8)
    assert any("left to another campaign, which did not generate them: run again" in line for line in waited.lines)
    again = await asyncio.gather(night.run(campaign), night.run(clone))
    assert sorted(each.code for each in again) == [0, 3]
    assert night.ledger.images_charged == 8


async def test_who_does_not_reuse_neither_looks_nor_waits(begin: Begin) -> None:
    night = await begin()
    campaign = night.campaign(requests=2)
    ended = await asyncio.gather(night.run(campaign), night.run(copied(campaign, "clone"), reuse=False))
    night.resolved |= set(night.ledger.charged)
    assert [each.code for each in ended] == [0, 0]
    assert not ended[1].seen(Adopted)


async def test_a_lock_that_is_never_let_go_stops_buying_and_says_so(begin: Begin) -> None:
    night = await begin()
    campaign = night.campaign(requests=1)
    (night.home / "output").mkdir(parents=True)
    lock = KernelLock(night.home / "output" / BUYING)
    assert lock.take()
    ended = await night.run(campaign)
    lock.release()
    assert (ended.code, ended.states, night.ledger.calls["submit"]) == (8, {"pending": 4}, 0)
    assert any(f"has locked {night.home / 'output' / BUYING} for {PATIENCE:.0f} s" in line for line in ended.lines)
    assert (await night.run(campaign)).code == 0


async def test_a_file_that_no_record_knows_is_told_without_the_lock(begin: Begin) -> None:
    night = await begin()
    assert (await night.run(night.campaign(requests=1))).code == 0
    campaign = night.campaign(requests=2)
    (*_, image) = Plan(campaign)
    file = night.output / f"{image.variation.stem}.jpg"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"of a record that is gone")
    lock = KernelLock(night.home / "output" / BUYING)
    assert lock.take()
    ended = await night.run(campaign)
    lock.release()
    file.unlink()
    assert (ended.code, ended.states, night.ledger.calls["submit"]) == (5, {"stored": 4, "pending": 4}, 1)
    assert any(f"{file.name} is on the disk, but the journal does not know it" in line for line in ended.lines)


async def test_a_link_in_the_place_of_the_lock_is_refused(begin: Begin, tmp_path: Path) -> None:
    night = await begin()
    precious = tmp_path / "precious"
    precious.write_bytes(b"of somebody else")
    (night.home / "output").mkdir(parents=True)
    (night.home / "output" / BUYING).symlink_to(precious)
    ended = await night.run(night.campaign(requests=1))
    (night.home / "output" / BUYING).unlink()
    assert (ended.code, night.ledger.calls["submit"], precious.read_bytes()) == (5, 0, b"of somebody else")


async def test_a_record_that_breaks_beside_a_run_is_a_warning(begin: Begin) -> None:
    night = await begin(per_minute=60)
    beside = night.home / "output" / "broken"
    beside.mkdir(parents=True)

    def break_it(event: Event, control: Control) -> None:
        if isinstance(event, Accepted):
            (beside / "journal.sqlite").write_bytes(b"not a database at all" * 100)

    ended = await night.run(night.campaign(requests=3), rate=SLOWLY, watch=break_it)
    assert (ended.code, ended.states) == (0, {"stored": 12})
    assert sum("broken cannot be read now" in event.message for event in ended.seen(Warned)) == 1
    (beside / "journal.sqlite").unlink()
    beside.rmdir()


async def test_a_refused_claim_that_left_nothing_is_no_doubt(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    night = await begin()
    campaign = night.campaign(requests=1)
    state = night.home / "state"

    def lose_the_state(event: Event, control: Control) -> None:
        (state / "campaigns.sqlite").write_bytes(b"no database" * 500)

    ended = await night.run(campaign, watch=lose_the_state)
    assert (ended.code, ended.states, night.ledger.calls["submit"]) == (5, {"pending": 4}, 0)
    (state / "campaigns.sqlite").unlink()
    assert (await night.run(campaign)).code == 0
