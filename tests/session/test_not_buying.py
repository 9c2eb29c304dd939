"""A run that may not buy fetches what is paid for: whatever forbids buying, it is the same run in all else."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from PIL import Image

from campaign_runner.errors import CampaignFileError, IntegrityError, StoreError, UsageError
from campaign_runner.events import Edited, Event, Started, Stored
from campaign_runner.plan.selection import Selection
from campaign_runner.problem import Problem
from campaign_runner.run.control import Control
from campaign_runner.run.limits import Limits
from campaign_runner.sandbox.faults import Fault
from campaign_runner.session.last_text import NO_TEXT
from tests import disks
from tests.fixtures import Begin
from tests.night import Night

IMAGE = 8 << 20
"""Bytes that buying asks for each image that can be under way."""


def wrong(night: Night) -> CampaignFileError:
    return CampaignFileError(
        [Problem(night.home / "campaigns" / "night.yaml", 3, number, "a typo") for number in (1, 2, 3)]
    )


async def one_waits(begin: Begin, *faults: Fault, **switches: Any) -> Night:
    """Four images in one request, accepted and ready by now."""
    night = await begin(*faults, **{"job_seconds": 1000, **switches})
    await night.run(night.campaign(requests=1))
    await asyncio.sleep(100)
    return night


async def test_what_forbids_buying_is_the_exit_status_and_what_waits_is_stored(begin: Begin) -> None:
    night = await one_waits(begin)
    ended = await night.run(night.campaign(requests=2), forbidden=wrong(night))
    assert (ended.code, ended.states) == (2, {"stored": 4, "pending": 4})
    assert [(started.may_buy, started.waiting) for started in ended.seen(Started)] == [(0, 4)]
    assert any(line.endswith("night.yaml:3:1: a typo (and 2 more)") for line in ended.lines)
    assert night.ledger.images_charged == 4


async def test_where_nothing_waits_nobody_is_asked(begin: Begin) -> None:
    night = await begin()
    with pytest.raises(CampaignFileError):
        await night.run(night.campaign(), forbidden=wrong(night))
    assert not night.ledger.calls


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_stops_it_as_any_run_and_the_last_line_is_there(begin: Begin, number: signal.Signals) -> None:
    night = await one_waits(begin, Fault("slow", where="download", nth=2, seconds=300.0))

    def watch(event: Event, control: Control) -> None:
        if isinstance(event, Stored):
            control.signalled(number)

    ended = await night.run(forbidden=wrong(night), watch=watch)
    assert ended.code == 2 and ended.after_stop is not None and ended.after_stop <= 11
    assert ended.states["accepted"] > 0 and ended.lines[-1].startswith("attention planned=4")
    night.forgive()
    assert (await night.run()).code == 0


async def test_too_little_room_to_buy_is_enough_to_fetch(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    night = await one_waits(begin)
    disks.having(monkeypatch, free=4 * IMAGE - 1)
    ended = await night.run(night.campaign(requests=2))
    assert (ended.code, ended.states) == (6, {"stored": 4, "pending": 4})
    assert any("has 33,554,431 bytes free; buying images needs about 33,554,432" in line for line in ended.lines)
    assert night.ledger.images_charged == 4


async def test_where_nothing_is_to_be_bought_the_room_for_it_is_not_asked_for(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = await one_waits(begin)
    disks.having(monkeypatch, free=0)
    ended = await night.run()
    assert (ended.code, ended.states) == (0, {"stored": 4})


async def test_too_little_room_is_told_before_anybody_is_asked_whether_to_buy(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = await begin()
    disks.having(monkeypatch, free=IMAGE - 1)
    with pytest.raises(StoreError, match="buying images needs about"):
        await night.run(night.campaign(), agree=None)
    assert not night.ledger.calls


@pytest.mark.parametrize(
    ("limits", "images"),
    [
        (Limits(concurrency=1000), 12),  # no more than are due
        (Limits(concurrency=2), 8),  # four images in each of two requests
        (Limits(concurrency=1), 4),
        (Limits(concurrency=1000, max_requests=1), 4),
        (Limits(concurrency=2, max_images=3), 3),
    ],
)
async def test_the_room_asked_for_is_that_of_the_images_that_can_be_under_way(
    limits: Limits, images: int, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = await begin()
    disks.having(monkeypatch, free=images * IMAGE - 1)
    with pytest.raises(StoreError, match=f"buying images needs about {images * IMAGE:,}"):
        await night.run(night.campaign(requests=3), limits=limits)
    disks.having(monkeypatch, free=images * IMAGE)
    assert (await night.run(limits=limits)).states["stored"] >= 3


async def test_a_selection_that_selects_nothing_keeps_nothing_at_the_service(begin: Begin) -> None:
    night = await one_waits(begin)
    only = Selection({"product": frozenset(["p00"]), "seed": frozenset(["9"])})
    ended = await night.run(only=only)
    assert (ended.code, ended.states) == (2, {"stored": 4})
    with pytest.raises(UsageError, match="selects none"):
        await night.run(only=only)


async def test_a_reference_image_that_vanishes_while_the_run_begins_keeps_nothing_at_the_service(begin: Begin) -> None:
    night = await begin(job_seconds=1000)
    picture = night.home / "campaigns" / "look.png"
    picture.parent.mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(picture)
    campaign = night.campaign(requests=1, more="defaults: {style_reference: look.png}\n")
    await night.run(campaign)
    await asyncio.sleep(100)
    picture.unlink()
    ended = await night.run(campaign)
    assert (ended.code, ended.states) == (2, {"stored": 4})
    assert any("look.png cannot be read" in line for line in ended.lines)


async def test_a_damaged_record_is_told_before_a_campaign_that_cannot_be_planned(begin: Begin) -> None:
    night = await begin()
    picture = night.home / "campaigns" / "look.png"
    picture.parent.mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(picture)
    campaign = night.campaign(requests=1, more="defaults: {style_reference: look.png}\n")
    await night.run(campaign)
    picture.unlink()
    journal = night.output / "journal.sqlite"
    whole = journal.read_bytes()
    with closing(sqlite3.connect(journal, isolation_level=None)) as db:
        db.execute("UPDATE variations SET sha256 = 'another' WHERE number = 1")
    with pytest.raises(IntegrityError, match="an image is not where it was recorded"):
        await night.run(campaign)
    journal.write_bytes(whole)


async def test_a_file_over_its_budget_keeps_the_others_of_its_command_from_buying_and_not_from_fetching(
    begin: Begin,
) -> None:
    night = await begin(job_seconds=1000)
    for name in ("autumn", "spring"):
        await night.run(night.campaign(requests=1, name=name, more="budget: 6\n"))
    await asyncio.sleep(100)
    over = night.campaign(requests=1, name="autumn", of="cup", more="budget: 6\n")
    beside = night.campaign(requests=2, name="spring")
    several = await night.run_together(over, beside)
    assert (several.code, several.codes) == (2, {"autumn": 2, "spring": 2})
    assert several.of(Stored).count("autumn") == several.of(Stored).count("spring") == 4
    assert night.ledger.images_charged == 8
    held = "autumn.yaml has problems: nothing was bought for any file of this command"
    assert any(held in line for line in several.parts[1].report)


async def test_a_text_noted_without_its_digest_is_the_same_campaign(begin: Begin) -> None:
    night = await one_waits(begin)
    with closing(sqlite3.connect(night.output / "journal.sqlite")) as journal, journal:  # as earlier versions did
        journal.execute("UPDATE meta SET value = json_remove(value, '$.sha256') WHERE name = 'last_campaign'")
    digest = json.loads((night.output / "manifest.json").read_bytes())["campaign_sha256"]
    only = Selection({"product": frozenset(["p00"]), "seed": frozenset(["9"])})
    ended = await night.run(only=only)
    assert (ended.code, ended.manifest["campaign_sha256"]) == (2, digest)
    assert not (await night.run()).seen(Edited)


async def test_a_journal_without_the_text_of_its_last_run_is_enough_to_fetch(begin: Begin) -> None:
    night = await one_waits(begin)
    with closing(sqlite3.connect(night.output / "journal.sqlite")) as journal, journal:
        journal.execute("DELETE FROM meta WHERE name = 'last_campaign'")
    before = (night.output / "manifest.json").read_bytes()
    only = Selection({"product": frozenset(["p00"]), "seed": frozenset(["9"])})
    ended = await night.run(only=only)
    assert ended.code == 2 and len(ended.seen(Stored)) == 4
    assert any(NO_TEXT in line for line in ended.lines)
    assert ended.lines[-1].startswith("attention planned=4 stored=4 accepted=0 ")
    assert (night.output / "manifest.json").read_bytes() == before
    assert ((await night.run()).code, night.ledger.images_charged) == (0, 4)
