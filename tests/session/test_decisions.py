"""What was decided, over the life of a campaign: edited at night, renamed, cloned, pruned, kept for new words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.errors import UsageError
from campaign_runner.maintenance.keep import keep
from campaign_runner.maintenance.prune import departed, prune
from campaign_runner.output_folder.delivery_record import DeliveredCell, DeliveredFile, DeliveryRecord, write_record
from campaign_runner.output_folder.folder import DECISIONS, Folder
from campaign_runner.output_folder.opened import open_for_update
from campaign_runner.plan.plan import Plan
from campaign_runner.plan.selection import EVERYTHING
from campaign_runner.review.decisions import Decisions, decisions_of
from campaign_runner.review.marking.new_marks import Marker, MarkRequest, keep_marks
from campaign_runner.review.marks import Reviewer
from tests.fixtures import Begin
from tests.night import Night
from tests.session.edits import copied, edited

ANNA = Reviewer("anna", "Anna")
NOW = datetime(2026, 9, 2, 8, 0, tzinfo=UTC)


def decided(night: Night, campaign: Campaign) -> Decisions:
    folder = Folder(night.home / "output" / campaign.campaign)
    with folder.ledger() as ledger:
        return decisions_of(folder, Plan(campaign, ledger.custom_model), ledger)


def pick(night: Night, campaign: Campaign, key: str) -> None:
    folder = Folder(night.home / "output" / campaign.campaign)
    marks = Marker(decided(night, campaign), ANNA, NOW).marks([MarkRequest(key, "pick")])
    keep_marks(folder, campaign.campaign, marks, NOW)


def picked(night: Night, campaign: Campaign) -> list[str]:
    return [pick.image.shot.key for pick in decided(night, campaign).picks()]


async def test_the_brake_at_night_names_the_picked_images_that_would_leave(begin: Begin) -> None:
    night = await begin()
    campaign = night.campaign()
    ended = await night.run(campaign)
    leaving, staying = ended.images[1]["key"], ended.images[5]["key"]
    pick(night, campaign, leaving)
    pick(night, campaign, staying)
    now = edited(campaign, "p00: night mug 0", "p00: night jug 0")
    named = rf"4 of 8 .* longer be in it, 1 picked image among them: {leaving[:8]} \(p00, hero, plain, .* seed 2\);"
    with pytest.raises(UsageError, match=named):
        await night.run(now, confirm_removal=lambda changes: False)
    assert len(night.ledger.accepted) == 2
    assert (await night.run(now, confirm_removal=lambda changes: len(changes.picked) == 1)).code == 0


async def test_a_renamed_campaign_takes_its_decisions_along_and_a_clone_does_not(begin: Begin) -> None:
    night = await begin()
    campaign = night.campaign()
    key = (await night.run(campaign)).images[0]["key"]
    pick(night, campaign, key)
    clone = copied(campaign, "clone")
    assert (await night.run(clone)).code == 0
    assert picked(night, clone) == [] and not (night.home / "output" / "clone" / DECISIONS).exists()
    for name, before in (("day", "night"), ("noon", "day")):
        campaign = edited(campaign, f"campaign: {before}\n", f"campaign: {name}\n")
        assert (await night.run(campaign)).code == 0
        assert picked(night, campaign) == [key]
        assert (await night.run(campaign)).code == 0
        assert len(list((night.home / "output" / name / DECISIONS).iterdir())) == 1
    assert decided(night, campaign).gathered.foreign == ()


async def test_prune_leaves_a_picked_image_and_a_picture_kept_for_new_words_stays_picked(begin: Begin) -> None:
    night = await begin()
    campaign = night.campaign()
    first, second, *_ = (await night.run(campaign)).images
    pick(night, campaign, first["key"])
    now = edited(campaign, "p00: night mug 0", "p00: night jug 0")
    night.exits.clear()
    async with open_for_update(Folder(night.output), now, night.access().memory) as opened:
        moved = [each async for each in prune(opened, EVERYTHING)]
    assert len(moved) == 3 and (night.output / first["file"]).exists() and not (night.output / second["file"]).exists()
    async with open_for_update(Folder(night.output), now, night.access().memory) as opened:
        assert len([each async for each in keep(opened, EVERYTHING)]) == 4
    (key,) = picked(night, now)
    assert key != first["key"]


async def test_prune_leaves_what_was_delivered(begin: Begin) -> None:
    night = await begin()
    campaign = night.campaign()
    first, *_ = (await night.run(campaign)).images
    folder = Folder(night.output)
    cell = DeliveredCell(product="p00", prompt="hero", preset="plain", market=None, size="1024x1024")
    file = DeliveredFile(
        file="a.jpg",
        target=None,
        state="current",
        old=None,
        version=1,
        cell=cell,
        channel="web",
        seed=1,
        is_one_of_several=False,
        key=first["key"],
        source_sha256=first["sha256"],
        cut="0" * 64,
        sha256="1" * 64,
        bytes=1,
        modified_ns=0,
        width=1,
        height=1,
        crop=(0, 0, 1, 1),
        focus=None,
        quality=92,
        alt="",
        approved=(),
        delivered_at=NOW,
    )
    write_record(folder.path, DeliveryRecord(campaign="night", updated_at=NOW, files=(file,)), staging=folder.staging)
    now = edited(campaign, "p00: night mug 0", "p00: night jug 0")
    with folder.ledger() as ledger:
        found = departed(folder, ledger, Plan(now), EVERYTHING)
    assert [entry.key for entry in found.chosen] == [first["key"]] and len(found.movable) == 3
