"""A campaign whose images are kept in memory: a store is one file, and no command knows more of it than its port."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from campaign_runner.errors import IntegrityError
from campaign_runner.events import Adopted, Placed
from campaign_runner.find.search import by_key, by_picture, files_of
from campaign_runner.maintenance.prune import prune
from campaign_runner.output_folder.opened import open_for_update
from campaign_runner.pictures.likeness import Likeness
from campaign_runner.plan.selection import EVERYTHING
from campaign_runner.review.thumbnails.workers import WantedThumbnail, make_thumbnails, missing
from campaign_runner.verify.verification import verify
from tests.fixtures import Begin
from tests.night import Night
from tests.ports.memory_store import MemoryStores
from tests.rerun.again import again
from tests.session.edits import copied, edited


@contextmanager
def in_memory(night: Night) -> Iterator[MemoryStores]:
    """The night's images never see a disk, until the checker looks at what the runs left."""
    night.stores = stores = MemoryStores()
    yield stores
    assert not list(night.home.rglob("images/*"))
    stores.write_out()


def images(night: Night) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(night.folder.manifest.read_bytes())["images"]
    return found


async def kinds(night: Night) -> list[str]:
    return sorted(finding.kind for finding in (await verify(night.folder)).findings)


async def test_a_run_stores_verifies_finds_and_shows_images_that_are_in_no_folder(begin: Begin) -> None:
    night = await begin()
    with in_memory(night) as stores:
        ended = await night.run(night.campaign(requests=2, seeds=2))
        assert (ended.code, ended.states) == (0, {"stored": 4})
        assert any("memory:night/images" in line for line in ended.lines)
        kept = stores.kept[night.output]
        assert {image["file"]: image["sha256"] for image in ended.images} == {
            name: hashlib.sha256(content).hexdigest() for name, content in kept.items()
        }
        assert await kinds(night) == [] and night.folder.sheet.exists()
        assert (await night.run()).code == 0 and len(night.ledger.accepted) == 2
        wanted = ended.images[2]
        (hit,) = by_key(wanted["key"], [night.folder])
        assert hit.file == f"memory:night/{wanted['file']}" and await files_of([hit]) == {hit.file}
        small = night.home / "small.png"
        with Image.open(BytesIO(kept[wanted["file"]])) as picture:
            picture.resize((200, 200)).save(small)
        found = await by_picture(small, [night.folder], Likeness(night.home / "state"), lambda number: None)
        assert wanted["key"] in {each.entry.key for each in found}


async def test_thumbnails_are_made_of_images_that_are_in_no_folder_here_and_by_other_processes(begin: Begin) -> None:
    night = await begin()
    with in_memory(night):
        ended = await night.run(night.campaign(requests=3, seeds=2))
        wanted = [WantedThumbnail(image["file"], image["sha256"]) for image in ended.images]
        assert await make_thumbnails(night.folder, wanted[:1]) == []
        assert missing(night.folder, wanted) == wanted[1:]
        assert await make_thumbnails(night.folder, wanted) == [] and not missing(night.folder, wanted)


async def test_what_is_damaged_there_is_named_made_again_and_put_back(begin: Begin) -> None:
    night = await begin()
    with in_memory(night) as stores:
        await night.run(night.campaign(requests=3, seeds=2))
        night.resolved |= set(night.ledger.charged)
        kept = stores.kept[night.output]
        cut, gone, swapped, whole = (image["file"] for image in images(night)[:4])
        before = dict(kept)
        kept[cut], kept[swapped] = kept[cut][:-100], kept[whole]
        kept["elsewhere.jpg"] = kept.pop(gone)
        assert await kinds(night) == ["cut", "moved", "swapped"]
        ended = await again(night, restore=True)
        assert (ended.code, ended.verdicts) == (0, {"identical_bytes": 3})
        assert {name: kept[name] for name in before} == before
        assert sorted(name.partition("/")[0] for name in kept.keys() - before.keys()) == [
            "damaged",
            "damaged",
            "elsewhere.jpg",
        ]
        assert await kinds(night) == ["unknown"]
        del kept["elsewhere.jpg"]


async def test_another_campaign_takes_them_and_what_left_the_campaign_is_moved_aside(begin: Begin) -> None:
    night = await begin()
    with in_memory(night) as stores:
        campaign = night.campaign(requests=2, seeds=1)
        await night.run(campaign)
        clone = await night.run(copied(campaign, "clone"))
        assert (clone.code, len(clone.seen(Adopted)), len(night.ledger.accepted)) == (0, 2, 2)
        assert len(stores.kept[night.output.with_name("clone")]) == 2
        changed = edited(campaign, "  p01: night mug 1\n", "")
        async with open_for_update(night.folder, changed) as opened:
            (told,) = [each async for each in prune(opened, EVERYTHING)]
        assert isinstance(told, Placed)
        assert sorted(name.partition("/")[0] for name in stores.kept[night.output]) == ["images", "removed"]
        assert await kinds(night) == []


async def test_images_whose_journal_is_gone_are_not_bought_again_there_either(begin: Begin) -> None:
    night = await begin()
    with in_memory(night) as stores:
        campaign = night.campaign(requests=1, seeds=1)
        stores.kept[night.output]["images/p00/hero.jpg"] = b"bought before"
        with pytest.raises(IntegrityError, match=r"^memory:night/images/p00/hero.jpg exists, but its journal is gone"):
            await night.run(campaign)
        assert not night.ledger.accepted
        stores.kept.clear()
