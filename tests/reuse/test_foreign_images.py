"""What another folder's record calls an image is looked at before it stands for one of ours."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from campaign_runner.errors import IntegrityError
from campaign_runner.events import Adopted, Placed, Warned
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.maintenance.keep import keep
from campaign_runner.model import Cause
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.opened import open_for_update
from campaign_runner.plan.selection import EVERYTHING
from campaign_runner.reuse.candidate import Candidate
from tests.fixtures import Begin, made
from tests.night import Night
from tests.session.edits import copied, edited


def picture(kind: str, size: tuple[int, int]) -> bytes:
    content = BytesIO()
    Image.new("RGB", size).save(content, kind)
    return content.getvalue()


PRECIOUS = b"-----BEGIN OPENSSH PRIVATE KEY-----\n"
OTHERS = {
    "no picture": PRECIOUS,
    "of another size": picture("JPEG", (64, 64)),
    "of another kind": picture("PNG", (2048, 2048)),
    "cut": picture("JPEG", (2048, 2048))[:-200],
}


@asynccontextmanager
async def recorded(night: Night, image: dict[str, Any], content: bytes) -> AsyncIterator[Path]:
    """For a while file and journal agree that `content` is a JPEG and is this image."""
    file = night.output / image["file"]
    whole = file.read_bytes()
    for bytes_ in (content, whole):
        file.write_bytes(bytes_)
        digest = hashlib.sha256(bytes_).hexdigest()
        async with SqliteJournal(night.output) as journal:
            fact = Placed(image["key"], image["file"], digest, len(bytes_), "image/jpeg", Cause("test", "x"))
            await journal.record([fact])
        if bytes_ is content:
            yield file


@pytest.mark.parametrize("kind", OTHERS)
async def test_what_is_not_the_picture_that_was_asked_for_is_never_published(kind: str, begin: Begin) -> None:
    night = await begin()
    campaign = night.campaign(requests=1, seeds=2)
    first = await night.run(campaign)
    night.resolved.add(first.images[0]["key"])
    async with recorded(night, first.images[0], OTHERS[kind]) as file:
        ended = await night.run(copied(campaign, "clone"))
    assert (ended.code, len(ended.seen(Adopted)), night.ledger.images_charged) == (0, 1, 3)
    (warning,) = ended.seen(Warned)
    assert warning.message.startswith(f"{file} of campaign night is missing or was changed")


@pytest.mark.parametrize("kind", OTHERS)
async def test_nor_is_it_kept_for_other_words(kind: str, begin: Begin) -> None:
    night = await begin()
    campaign = night.campaign(requests=1, seeds=2)
    first = await night.run(campaign)
    changed = edited(campaign, "p00: night mug 0", "p00: night jug 0")
    async with recorded(night, first.images[0], OTHERS[kind]) as file:
        night.exits.clear()
        async with open_for_update(Folder(night.output), changed) as opened:
            told = [each async for each in keep(opened, EVERYTHING)]
    async with open_for_update(Folder(night.output), changed):
        pass  # the manifest says again what is true
    assert sorted(type(each).__name__ for each in told) == ["Adopted", "Candidate"]
    assert [each.file for each in told if isinstance(each, Candidate)] == [str(file)]


async def test_an_image_behind_a_link_is_neither_used_nor_bought_again(begin: Begin) -> None:
    night, campaign = await made(begin, requests=1)
    folder = night.output / "images" / "p00"
    archive = folder.rename(night.home / "archive")
    folder.symlink_to(archive)
    clone = copied(campaign, "clone")
    with pytest.raises(IntegrityError, match=r"is behind a link.*--no-reuse"):
        await night.run(clone)
    assert len(night.ledger.accepted) == 1
    folder.unlink()
    archive.rename(folder)
    ended = await night.run(clone)
    assert (ended.code, len(ended.seen(Adopted)), len(night.ledger.accepted)) == (0, 4, 1)
