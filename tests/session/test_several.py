"""Several campaigns in one run: one allowance, one stop, one set of limits; each its own lock, journal and report."""

from __future__ import annotations

import asyncio
import errno
import signal
from itertools import accumulate
from typing import Any

import pytest

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.errors import Busy, IntegrityError
from campaign_runner.events import Accepted, Event, Started, Submitting
from campaign_runner.output_folder.folder import Folder
from campaign_runner.plan.cost import Estimate, RateLimit
from campaign_runner.run.control import Control
from campaign_runner.run.ending import worst
from campaign_runner.run.limits import Limits
from campaign_runner.sandbox.faults import Fault
from tests.fixtures import Begin
from tests.night import Night, Several

SLOW = RateLimit(4, 9000)


def two(night: Night, requests: int = 4, **more: Any) -> list[Campaign]:
    return [night.campaign(requests, name=name, of=name, **more) for name in ("autumn", "spring")]


async def test_each_is_made_with_its_own_report_and_the_worst_status_is_the_answer(begin: Begin) -> None:
    night = await begin(Fault("reset_after", nth=1))
    several = await night.run_together(*two(night, requests=2))
    assert (sorted(several.codes.values()), several.code) == ([0, 4], 4)
    assert sorted(part.report[-1].split()[0] for part in several.parts) == ["attention", "ok"]


async def test_they_take_turns_at_the_allowance(begin: Begin) -> None:
    night = await begin(per_minute=4)
    several = await night.run_together(*two(night, requests=9), rate=SLOW)
    sent = several.of(Submitting)
    assert several.code == 0 and len(sent) == 18
    both_wait = sent[4 : min(last(sent, "autumn"), last(sent, "spring")) + 1]  # from when both stand in line
    # permits alternate; those of one moment are recorded in two journals and may be seen in another order
    leads = accumulate(1 if campaign == "autumn" else -1 for campaign in both_wait)
    assert len(both_wait) >= 8 and all(abs(lead) <= 2 for lead in leads)


def last(sent: list[str], campaign: str) -> int:
    return len(sent) - 1 - sent[::-1].index(campaign)


async def test_one_that_finishes_early_leaves_the_allowance_to_the_other(begin: Begin) -> None:
    night = await begin(per_minute=4)
    short, long = night.campaign(1, name="autumn"), night.campaign(11, name="spring")
    several = await night.run_together(short, long, rate=SLOW)
    times = [job.at for job in night.ledger.accepted]
    assert several.code == 0 and len(times) == 12
    assert times[-1] - times[0] == pytest.approx(120, abs=2)  # 4, 4 and 4: not one request lost


async def test_one_that_asks_for_less_does_not_hold_up_the_other(begin: Begin) -> None:
    night = await begin(per_minute=4)
    rates = {"autumn": RateLimit(1, 9000), "spring": SLOW}
    several = await night.run_together(*two(night, requests=8), rates=rates)
    assert several.code == 0
    last = len(several.of(Submitting)) - several.of(Submitting)[::-1].index("spring")
    assert several.of(Submitting)[:last].count("autumn") <= 3  # one a minute, and spring needs three of them


async def test_nothing_is_sent_for_any_before_all_were_asked(begin: Begin) -> None:
    night = await begin()
    asked: list[tuple[str, int]] = []

    def agree(figures: Estimate) -> bool:
        asked.append((figures.campaign, len(night.ledger.entries)))
        return figures.campaign == "spring"

    several = await night.run_together(*two(night), agree=agree)
    assert asked == [("autumn", 0), ("spring", 0)]
    assert several.codes == {"autumn": 9, "spring": 0}
    assert set(several.of(Submitting)) == {"spring"}


async def test_what_one_is_refused_for_does_not_keep_the_others(begin: Begin) -> None:
    night = await begin()
    lost, held, sound = (night.campaign(name=name) for name in ("autumn", "summer", "spring"))
    stray = night.home / "output" / "autumn" / "images" / "stray.jpg"  # bought by a record that is gone
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"")
    with Folder(night.home / "output" / "summer").locked():
        several = await night.run_together(lost, held, sound)
    assert several.codes == {"autumn": 5, "summer": 11, "spring": 0}
    assert [type(error) for error in several.refused] == [IntegrityError, Busy]
    assert several.code == 5


@pytest.mark.parametrize("kind", [Started, Submitting, Accepted])
async def test_a_signal_stops_all_of_them_also_where_one_is_in_doubt(begin: Begin, kind: type) -> None:
    night = await begin(Fault("reset_after", nth=1), per_minute=4)
    several = Several()
    stopping: list[asyncio.TimerHandle] = []

    def watch(event: Event, control: Control) -> None:
        if isinstance(event, kind) and not stopping:
            stopping.append(asyncio.get_running_loop().call_later(5, stop))

    def stop() -> None:
        for control in several.controls:
            control.signalled(signal.SIGTERM)

    await night.run_together(*two(night, requests=9), rate=SLOW, watch=watch, several=several)
    assert (sorted(several.codes.values()), several.code) == ([4, 143], 4)
    assert len(night.ledger.accepted) < 9


@pytest.mark.parametrize(("limits", "images"), [(Limits(max_requests=5), 20), (Limits(max_images=18), 18)])
async def test_limits_bound_all_of_them_together(begin: Begin, limits: Limits, images: int) -> None:
    night = await begin()
    several = await night.run_together(*two(night, requests=6), limits=limits)  # neither can end within the limit
    assert night.ledger.images_charged == images
    assert several.codes == {"autumn": 9, "spring": 9}


async def test_all_of_them_fetch_no_more_images_at_once_than_one_would(begin: Begin) -> None:
    night = await begin(Fault("slow", where="download", seconds=10))
    began = asyncio.get_running_loop().time()
    several = await night.run_together(*two(night, requests=4, seeds=1), rates={"autumn": RateLimit(500, 9000)})
    assert several.code == 0
    assert asyncio.get_running_loop().time() - began >= 2 + 2 * 10  # eight, four at a time


async def test_a_campaign_with_nothing_due_waits_for_nobody(begin: Begin) -> None:
    night = await begin()
    done, due = two(night)
    await night.run(done)
    several = await night.run_together(done, due)
    assert several.codes == {"autumn": 0, "spring": 0}
    assert {name: event.due for name, event in several.events if isinstance(event, Started)} == {
        "autumn": 0,
        "spring": 16,
    }


async def test_what_ends_before_it_could_send_keeps_nobody_waiting(begin: Begin) -> None:
    night = await begin()
    night.cut_off(errno.ECONNREFUSED)
    several = await night.run_together(*two(night))
    assert several.codes == {"autumn": 8, "spring": 8}
    assert all(part.report for part in several.parts)


ORDER = [1, 5, 6, 7, 2, 4, 129, 130, 143, 8, 9, 3, 11, 0]


@pytest.mark.parametrize("number", range(len(ORDER) - 1))
def test_the_worst_of_several_is_what_needs_a_person_first(number: int) -> None:
    assert worst([*ORDER[:number:-1], ORDER[number]]) == ORDER[number]
