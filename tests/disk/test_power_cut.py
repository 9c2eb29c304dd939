"""The power fails at any moment: a name is absent or complete, and what the journal calls stored is there whole."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.disk import files
from campaign_runner.store import FolderStore
from tests.power import Log, Recorder, Sync, Tree

IMAGES = {f"soap{number}/a.jpg": bytes([65 + number]) * 3000 for number in range(3)}
SIDE_BY_SIDE = {f"soap/{number}.jpg": bytes([65 + number]) * 300 for number in range(3)}
OLD, NEW = (json.dumps({"images": [{"key": word}] * 20}).encode() for word in ("old", "new"))


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Watches the folder `disk`."""
    (tmp_path / "disk").mkdir()
    recorder = Recorder(tmp_path / "disk")
    recorder.install(monkeypatch.setattr)
    return recorder


def trees(log: Log) -> Iterator[tuple[Tree, list[str]]]:
    """Everything that may be found after a cut at any moment, with what was relied on by then."""
    dice = random.Random(0)
    for cut in log.cuts():
        for tree in log.states(cut, dice):
            yield tree, cut.facts


def broken_images(log: Log, images: Mapping[str, bytes] = IMAGES) -> list[str]:
    """What is wrong with the images in what may be found: nothing, if the promise holds."""
    wrong = []
    for tree, stored in trees(log):
        for name, content in images.items():
            found = tree.get(f"images/{name}")
            if found not in (None, content):
                wrong.append(f"{name} is incomplete")
            if found is None and name in stored:
                wrong.append(f"{name} is stored, and not there")
    return wrong


def broken_manifests(log: Log) -> list[str]:
    """The same of the manifest: it is the old one, or the new one, which it must be once it was relied on."""
    wrong = []
    for tree, written in trees(log):
        found = tree.get("manifest.json")
        if found not in ((NEW,) if written else (OLD, NEW)):
            wrong.append(f"{found!r}, and {written} was relied on")
    return wrong


async def publish(disk: Path, recorder: Recorder) -> Log:
    """Three images, each recorded as stored once the store says so."""
    store = FolderStore(disk)
    await store.ready()
    for name, content in IMAGES.items():
        await store.put_new(f"images/{name}", content, hashlib.sha256(content).hexdigest())
        recorder.relied(name)
    return recorder.finish()


async def test_an_image_is_absent_or_complete_and_there_once_it_is_stored(
    tmp_path: Path, recorder: Recorder, record_property: Callable[[str, object], None]
) -> None:
    log = await publish(tmp_path / "disk", recorder)
    assert set(IMAGES) <= {str(words) for cut in log.cuts() for words in cut.facts}
    assert broken_images(log) == []
    record_property("proved", f"power cuts while publishing: {sum(1 for _ in trees(log))} states, 0 broken")


async def reuse(disk: Path, recorder: Recorder, *, is_one_file: bool = True) -> Log:
    """Three images that another campaign of the disk has stored, each recorded as stored once the store says so."""
    for name, content in IMAGES.items():
        files.make_folder((disk / "other" / "images" / name).parent)
        files.write_durably(disk / "other" / "images" / name, content)
    store, other = FolderStore(disk), FolderStore(disk / "other")
    await store.ready()
    standing = len(recorder.finish().events)
    for name, content in IMAGES.items():
        sha256 = hashlib.sha256(content).hexdigest()
        file = f"images/{name}"
        await store.second_name(file, sha256, source=other, file=file, is_one_file=is_one_file)
        recorder.relied(name)
    return recorder.finish().since(standing)


def refusing_links(error: int, link: Callable[..., None], *, only_away: bool) -> Callable[..., None]:
    """A system that makes no hard link, or none from a folder that is held open: from one campaign to another."""

    def refuse(*arguments: Any, **options: Any) -> None:
        if not only_away or "src_dir_fd" in options:
            raise OSError(error, os.strerror(error))
        link(*arguments, **options)

    return refuse


@pytest.mark.parametrize(
    ("error", "only_away", "is_one_file"),
    [(None, False, False), (None, False, True), (errno.EXDEV, True, True), (errno.EPERM, False, False)],
    ids=["copied", "linked", "from another disk", "a disk without links"],
)
async def test_a_reused_image_is_absent_or_complete_and_there_once_it_is_stored(
    error: int | None,
    only_away: bool,
    is_one_file: bool,
    tmp_path: Path,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if error is not None:
        monkeypatch.setattr(os, "link", refusing_links(error, os.link, only_away=only_away))
    log = await reuse(tmp_path / "disk", recorder, is_one_file=is_one_file)
    assert set(IMAGES) <= {str(words) for cut in log.cuts() for words in cut.facts}
    assert broken_images(log) == []


async def test_reusing_a_copy_needs_each_of_its_syncs(
    tmp_path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", refusing_links(errno.EXDEV, os.link, only_away=True))
    log = await reuse(tmp_path / "disk", recorder)
    assert_each_sync_is_needed(log)


def under_its_own_name(target: Path, staged: Path, stored: Callable[[], None]) -> None:
    """Naive: a half of it has the name already."""
    target.write_bytes(staged.read_bytes())
    files.sync_folder(target.parent)
    stored()


def content_unsynced(target: Path, staged: Path, stored: Callable[[], None]) -> None:
    """Naive: the name reaches the disk before the content."""
    staged.rename(target)
    files.sync_folder(target.parent)
    stored()


def name_unsynced(target: Path, staged: Path, stored: Callable[[], None]) -> None:
    """Naive: the content reaches the disk, its name may not."""
    with staged.open("rb") as file:
        os.fsync(file.fileno())
    staged.rename(target)
    stored()


def recorded_first(target: Path, staged: Path, stored: Callable[[], None]) -> None:
    """Naive: the journal says stored before it is true."""
    stored()
    with staged.open("rb") as file:
        os.fsync(file.fileno())
    files.publish_new(staged, target)


@pytest.mark.parametrize("naive", [under_its_own_name, content_unsynced, name_unsynced, recorded_first])
def test_the_model_finds_what_is_wrong_with_a_naive_publishing(
    naive: Callable[[Path, Path, Callable[[], None]], None], tmp_path: Path, recorder: Recorder
) -> None:
    disk = tmp_path / "disk"
    for name, content in IMAGES.items():
        target = disk / "images" / name
        files.make_folder(target.parent)
        (disk / "staged").write_bytes(content)
        naive(target, disk / "staged", lambda name=name: recorder.relied(name))  # type: ignore[misc]
    assert broken_images(recorder.finish())


async def test_publishing_needs_each_of_its_syncs(tmp_path: Path, recorder: Recorder) -> None:
    """Whichever sync of a file or of its folder were forgotten, an image could be lost: the model would see it."""
    assert_each_sync_is_needed(await publish(tmp_path / "disk", recorder))


def assert_each_sync_is_needed(log: Log) -> None:
    """One of each file, and of each folder that got a name."""
    syncs = [number for number, event in enumerate(log.events) if isinstance(event, Sync)]
    needed = [number for number in syncs if broken_images(log.without(number))]
    of_files = [number for number in syncs if log.events[number].thing not in log.all_folders]  # type: ignore[union-attr]
    assert len(of_files) == len(IMAGES)
    assert set(of_files) <= set(needed)
    assert len(needed) >= 2 * len(IMAGES)


async def test_the_old_manifest_or_the_new_one_is_there(
    tmp_path: Path, recorder: Recorder, record_property: Callable[[str, object], None]
) -> None:
    log = replace_manifest(tmp_path / "disk", recorder, durably)
    assert broken_manifests(log) == []
    record_property("proved", f"power cuts while replacing: {sum(1 for _ in trees(log))} states, 0 broken")


def replace_manifest(disk: Path, recorder: Recorder, write: Callable[[Path], None]) -> Log:
    """From OLD, which is on the disk for sure, to NEW."""
    files.write_durably(disk / "manifest.json", OLD)
    standing = len(recorder.finish().events)
    write(disk / "manifest.json")
    recorder.relied("the new manifest")
    return recorder.finish().since(standing)


def durably(path: Path) -> None:
    staging = path.parent / ".staging"
    files.make_folder(staging)
    with files.replacing(path, staging=staging) as file:
        file.write(NEW)


def overwritten(path: Path) -> None:
    """Naive: what was there is cut off first."""
    path.write_bytes(NEW)


def renamed_unsynced(path: Path) -> None:
    """Naive: the name is on the disk before the content is."""
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(NEW)
    temporary.replace(path)
    files.sync_folder(path.parent)


def folder_unsynced(path: Path) -> None:
    """Naive: the content is on the disk, its name is not."""
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        file.write(NEW)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


@pytest.mark.parametrize("write", [overwritten, renamed_unsynced, folder_unsynced])
def test_the_model_finds_what_is_wrong_with_a_naive_replacement(
    write: Callable[[Path], None], tmp_path: Path, recorder: Recorder
) -> None:
    assert broken_manifests(replace_manifest(tmp_path / "disk", recorder, write))


async def test_images_put_at_once_share_syncs_and_each_is_there_once_its_own_put_says_so(
    tmp_path: Path, recorder: Recorder
) -> None:
    store = FolderStore(tmp_path / "disk")
    await store.ready()
    await store.put_new("images/soap/before.jpg", b"", "")
    standing = len(recorder.finish().events)

    async def put(name: str, content: bytes) -> None:
        await store.put_new(f"images/{name}", content, hashlib.sha256(content).hexdigest())
        recorder.relied(name)

    await asyncio.gather(*(put(name, content) for name, content in SIDE_BY_SIDE.items()))
    log = recorder.finish().since(standing)
    assert broken_images(log, SIDE_BY_SIDE) == []
    syncs = [number for number, event in enumerate(log.events) if isinstance(event, Sync)]
    assert len(syncs) == len(SIDE_BY_SIDE) + 2  # of each file, of their folder, of the one above it
    assert sum(bool(broken_images(log.without(number), SIDE_BY_SIDE)) for number in syncs) == len(SIDE_BY_SIDE) + 1
