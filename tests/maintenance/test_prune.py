"""`prune`: what an edit left behind is moved aside; nothing is lost, and nothing is overwritten."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.errors import IntegrityError
from campaign_runner.events import Placed
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.maintenance.prune import prune
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.opened import open_for_update
from campaign_runner.plan.selection import EVERYTHING, Selection, read_only
from tests.fixtures import Begin
from tests.maintenance.test_keep import after_an_edit, files
from tests.night import Night
from tests.session.edits import crash, edited


async def pruned(night: Night, campaign: Campaign, only: Selection = EVERYTHING) -> list[Any]:
    night.exits.clear()
    async with open_for_update(Folder(night.output), campaign, night.access().memory) as opened:
        return [each async for each in prune(opened, only)]


async def test_what_left_the_campaign_is_moved_aside(begin: Begin) -> None:
    night = await begin()
    campaign = await after_an_edit(night)
    before = {path.name: path.read_bytes() for path in files(night, "images")}
    told = await pruned(night, campaign)
    assert [type(each) for each in told] == [Placed] * 4
    assert {each.file.split("/")[0] for each in told} == {"removed"}
    after = files(night, "images") + files(night, "removed")
    assert {path.name: path.read_bytes() for path in after} == before
    assert await pruned(night, campaign) == []
    ended = await night.run(campaign)
    assert {image["file"].split("/")[0] for image in ended.images if not image["in_campaign"]} == {"removed"}


async def test_only_what_was_chosen_is_moved(begin: Begin) -> None:
    night = await begin()
    campaign = await after_an_edit(night)
    assert len(await pruned(night, campaign, read_only(["seed=3"]))) == 1
    assert len(files(night, "removed")) == 1


@pytest.mark.parametrize("at", ["before the record", "after the record"])
async def test_a_crash_while_moving_is_mended_by_doing_it_again(
    at: str, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = await begin()
    campaign = await after_an_edit(night)
    with monkeypatch.context() as patched:
        if at == "before the record":
            patched.setattr(SqliteJournal, "record", crash)
        else:
            patched.setattr("campaign_runner.maintenance.prune._drop_first_name", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await pruned(night, campaign)
    assert len(files(night, "images")) == 8  # every image is still where it was
    await pruned(night, campaign)
    assert (len(files(night, "images")), len(files(night, "removed"))) == (4, 4)


async def test_what_stands_in_the_way_is_never_overwritten(begin: Begin) -> None:
    night = await begin()
    campaign = await after_an_edit(night)
    way = night.output / "removed" / files(night, "images")[0].relative_to(night.output / "images")
    way.parent.mkdir(parents=True)
    way.write_bytes(b"something else")
    with pytest.raises(IntegrityError, match="already exists with different content"):
        await pruned(night, campaign)
    assert way.read_bytes() == b"something else"
    way.unlink()
    assert len(await pruned(night, campaign)) == 4


async def test_where_a_folder_of_images_is_a_link_nothing_is_moved_and_the_originals_stay(begin: Begin) -> None:
    night = await begin()
    campaign = await after_an_edit(night)
    folder = night.output / "images" / "p00"
    archive = folder.rename(night.home / "archive")
    folder.symlink_to(archive)
    with pytest.raises(IntegrityError, match="is not what belongs there"):
        await pruned(night, campaign)
    assert (len(list(archive.iterdir())), files(night, "removed")) == (4, [])
    folder.unlink()
    archive.rename(folder)
    assert len(await pruned(night, campaign)) == 4


async def test_the_originals_behind_a_link_stay_also_where_the_record_says_removed(begin: Begin) -> None:
    night = await begin()
    campaign = await after_an_edit(night)
    folder = night.output / "images" / "p00"
    shutil.copytree(folder, night.home / "archive")
    await pruned(night, campaign)
    assert list(folder.iterdir()) == []
    folder.rmdir()
    folder.symlink_to(night.home / "archive")
    with pytest.raises(IntegrityError, match="is not what belongs there"):
        await pruned(night, campaign)
    assert len(list((night.home / "archive").iterdir())) == 4
    folder.unlink()


@pytest.mark.parametrize("place", ["removed", "removed/p00"])
async def test_nothing_is_moved_through_a_link(place: str, begin: Begin) -> None:
    night = await begin()
    campaign = await after_an_edit(night)
    (night.home / "away").mkdir()
    link = night.output / place
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(night.home / "away")
    with pytest.raises(IntegrityError):
        await pruned(night, campaign)
    assert (len(files(night, "images")), list((night.home / "away").iterdir())) == (8, [])
    link.unlink()


async def test_a_moved_image_is_used_when_its_words_come_back(begin: Begin) -> None:
    night = await begin()
    campaign = await after_an_edit(night)
    await pruned(night, campaign)
    ended = await night.run(edited(campaign, "night jug 0", "night mug 0"))
    assert (ended.code, len(night.ledger.accepted)) == (0, 2)
