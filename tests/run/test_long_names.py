"""Names that the disk does not take: nothing is bought under them; what is paid for comes home under a short one."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.errors import NameTooLong
from campaign_runner.events import Accepted, Event
from campaign_runner.maintenance.prune import prune
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.opened import open_for_update
from campaign_runner.plan.selection import EVERYTHING
from campaign_runner.run.control import Control
from campaign_runner.run.limits import Limits
from campaign_runner.sandbox.faults import Fault
from campaign_runner.verify.verification import verify
from tests.disks import taking
from tests.fixtures import Begin
from tests.night import Night
from tests.rerun.again import again
from tests.session.edits import copied

LONG = "h" * 40
TAKEN = 60
"""Bytes of a name that the disk takes: enough for all of ours but the images."""
DAY = 24 * 3600.0


def called(campaign: Campaign, prompt: str, before: str = "hero") -> Campaign:
    """The same campaign, whose prompt has another id."""
    text = campaign.path.read_text(encoding="utf-8")
    campaign.path.write_text(text.replace(f"  {before}: ", f"  {prompt}: "), encoding="utf-8")
    return load(campaign.path)


def names(night: Night) -> list[str]:
    """Everything below the images' folder."""
    images = night.output / "images"
    return sorted(path.relative_to(images).as_posix() for path in images.rglob("*") if path.is_file())


def short(night: Night) -> list[str]:
    """What the images of the manifest are called where the disk takes no longer name."""
    images = json.loads((night.output / "manifest.json").read_bytes())["images"]
    return sorted(f"{image['key'][:24]}.jpg" for image in images)


async def paid_for(night: Night, patch: pytest.MonkeyPatch, *, requests: int = 1, **choices: Any) -> Any:
    """A run that finds out only once it has bought that the disk takes no long names: as an older version would."""

    def watch(event: Event, control: Control) -> None:
        if isinstance(event, Accepted):
            taking(patch, TAKEN)

    campaign = called(night.campaign(requests=requests, seeds=2), LONG)
    return await night.run(campaign, watch=watch, limits=Limits(concurrency=1), **choices)


async def test_a_name_that_the_disk_does_not_take_is_told_before_anything_is_bought(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = await begin()
    campaign = called(night.campaign(requests=2, seeds=2), LONG)
    taking(monkeypatch, TAKEN)
    with pytest.raises(NameTooLong) as told:
        await night.run(campaign, agree=lambda figures: pytest.fail("nobody is asked"))
    assert re.search(f"'{LONG}_plain_.*' has .* takes 60: (..) too many", str(told.value).replace(",", " has", 1))
    assert told.value.exit_code == 6 and night.ledger.calls["submit"] == 0
    assert names(night) == [] and not list((night.output / ".staging").iterdir())


async def test_ids_that_are_shorter_by_what_the_message_says_will_do(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = await begin()
    campaign = called(night.campaign(requests=1, seeds=1), LONG)
    taking(monkeypatch, TAKEN)
    with pytest.raises(NameTooLong) as told:
        await night.run(campaign)
    found = re.search(r"takes 60: (\d+) too many", str(told.value))
    assert found is not None
    fewer = 40 - int(found[1])
    with pytest.raises(NameTooLong):
        await night.run(called(campaign, "h" * (fewer + 1), before=LONG))
    ended = await night.run(called(campaign, "h" * fewer, before="h" * (fewer + 1)))
    assert (ended.code, ended.states) == (0, {"stored": 1})
    assert names(night) == [ended.images[0]["file"].removeprefix("images/")]


async def test_an_image_that_is_paid_for_is_stored_under_a_short_name(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = await begin()
    ended = await paid_for(night, monkeypatch)
    assert (ended.code, ended.states) == (0, {"stored": 2})
    assert names(night) == short(night) == sorted(image["file"].removeprefix("images/") for image in ended.images)
    assert (await verify(Folder(night.output))).is_ok
    again = await night.run()
    assert (again.code, again.images, night.ledger.images_charged) == (0, ended.images, 2)


async def test_one_of_a_job_that_nobody_asked_for_is_kept_under_a_short_name_too(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = await begin(Fault("wrong_size", where="download", nth=1))
    campaign = called(night.campaign(requests=1, seeds=1), LONG)

    def watch(event: Event, control: Control) -> None:
        if isinstance(event, Accepted):
            taking(monkeypatch, 44)

    ended = await night.run(campaign, watch=watch)
    assert (ended.code, ended.reasons) == (3, {"wrong_size": 1})
    (kept,) = names(night)
    assert re.fullmatch(r"unexpected/[0-9a-f]{24}\.jpg", kept)
    assert (await verify(Folder(night.output))).is_ok


async def test_what_waits_is_fetched_though_nothing_may_be_bought(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = await begin(job_seconds=1500)
    campaign = called(night.campaign(requests=2, seeds=1), LONG)
    limits = Limits(concurrency=1, max_requests=1)
    assert (await night.run(campaign, limits=limits)).states == {"accepted": 1, "pending": 1}
    await asyncio.sleep(1500)
    taking(monkeypatch, TAKEN)
    ended = await night.run()
    assert (ended.code, ended.states) == (6, {"stored": 1, "pending": 1})
    assert "takes 60" in "\n".join(ended.lines)
    assert night.ledger.images_charged == 1
    monkeypatch.undo()
    assert (await night.run()).states == {"stored": 1, "accepted": 1}


async def test_a_run_that_was_killed_before_it_recorded_the_short_name_finds_its_image(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = await begin(job_seconds=1500)
    campaign = called(night.campaign(requests=1, seeds=1), LONG)
    await night.run(campaign)
    (job,) = night.sandbox._jobs._jobs.values()
    (image,) = json.loads((night.output / "manifest.json").read_bytes())["images"]
    (night.output / "images").mkdir(exist_ok=True)
    (night.output / "images" / f"{image['key'][:24]}.jpg").write_bytes(night.rendered(job, job.outputs[0]))
    taking(monkeypatch, TAKEN)
    await asyncio.sleep(3 * DAY)  # by now the service has forgotten it
    ended = await night.run()
    assert (ended.code, ended.states) == (0, {"stored": 1})
    assert names(night) == short(night)


async def test_a_file_under_the_short_name_of_what_is_due_is_never_bought_again(begin: Begin) -> None:
    night = await begin()
    ended = await night.run(night.campaign(requests=2, seeds=1), limits=Limits(concurrency=1, max_requests=1))
    somebodys = night.output / "images" / f"{ended.images[1]['key'][:24]}.png"
    somebodys.write_bytes(b"mine")
    ended = await night.run()
    assert (ended.code, ended.states) == (5, {"stored": 1, "pending": 1})
    assert f"images/{somebodys.name} is on the disk" in "\n".join(ended.lines)
    somebodys.unlink()
    assert (await night.run()).code == 0


async def test_another_file_under_the_short_name_is_left_as_it_is(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = await begin(job_seconds=1500)
    await night.run(called(night.campaign(requests=1, seeds=1), LONG))
    (image,) = json.loads((night.output / "manifest.json").read_bytes())["images"]
    somebodys = night.output / "images" / f"{image['key'][:24]}.jpg"
    somebodys.parent.mkdir(exist_ok=True)
    somebodys.write_bytes(b"mine")
    await asyncio.sleep(1500)
    taking(monkeypatch, TAKEN)
    ended = await night.run()
    assert (ended.code, ended.states, somebodys.read_bytes()) == (5, {"accepted": 1}, b"mine")
    somebodys.unlink()
    assert (await night.run()).code == 0


async def test_an_image_of_another_campaign_is_used_under_a_short_name(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = await begin()
    campaign = called(night.campaign(requests=1, seeds=2), LONG)
    await night.run(campaign)
    clone = copied(campaign, "clone")
    taking(monkeypatch, TAKEN)
    ended = await night.run(clone)
    assert (ended.code, ended.states, night.ledger.images_charged) == (0, {"stored": 2}, 2)
    assert all(re.fullmatch(r"images/[0-9a-f]{24}\.jpg", image["file"]) for image in ended.images)
    monkeypatch.undo()


async def test_an_image_under_a_short_name_is_pruned_like_any_other(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = await begin()
    ended = await paid_for(night, monkeypatch, requests=2)
    night.exits.clear()
    file = night.home / "campaigns" / "night.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("  p01: night mug 1\n", ""), encoding="utf-8")
    async with open_for_update(Folder(night.output), load(file)) as opened:
        placed = [each async for each in prune(opened, EVERYTHING)]
    moved = sorted(image["file"].replace("images/", "removed/") for image in ended.images[2:])
    assert sorted(str(each.file) for each in placed) == moved and len(names(night)) == 2


async def test_a_manifest_is_not_made_again_where_the_disk_does_not_take_its_names(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = await begin()
    await night.run(called(night.campaign(requests=1, seeds=2), LONG))
    night.resolved |= set(night.ledger.charged)
    taking(monkeypatch, TAKEN)
    refused = await again(night)
    assert (refused.code, night.ledger.images_charged) == (6, 2)
    assert "takes 60" in "\n".join(refused.lines)
    monkeypatch.undo()
    assert ((await again(night)).code, night.ledger.images_charged) == (0, 4)
