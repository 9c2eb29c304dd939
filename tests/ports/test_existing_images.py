"""A file that exists takes a second name in a store: copied, or linked; checked; never in the place of another."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path

import pytest

from campaign_runner.errors import IntegrityError, StoreError
from campaign_runner.ports import Put
from campaign_runner.store import FolderStore

CONTENT = b"picture" * 10_000
DIGEST = sha256(CONTENT).hexdigest()
NEW = "images/soap/new.jpg"


@pytest.fixture
async def store(tmp_path: Path) -> FolderStore:
    (tmp_path / "output").mkdir()
    store = FolderStore(tmp_path / "output")
    await store.ready()
    return store


def image(folder: Path, content: bytes = CONTENT) -> Path:
    path = folder / "old.jpg"
    path.write_bytes(content)
    return path


async def again(store: FolderStore, old: Path, *, is_one_file: bool = False) -> Put | None:
    """Put `old` into the store under another name."""
    source = FolderStore(old.parent)
    return await store.second_name(NEW, DIGEST, source=source, file=old.name, is_one_file=is_one_file)


def placed(tmp_path: Path) -> list[Path]:
    """Every file below the store's folders."""
    return [path for path in (tmp_path / "output").rglob("*") if path.is_file()]


async def test_who_retouches_it_under_one_name_does_not_change_the_other(store: FolderStore, tmp_path: Path) -> None:
    old = image(tmp_path)
    assert await again(store, old) is Put.NEW
    (new,) = placed(tmp_path)
    assert new.read_bytes() == CONTENT and new.stat().st_nlink == 1
    with old.open("r+b") as retouched:
        retouched.write(b"RETOUCHED")
    assert new.read_bytes() == CONTENT
    assert await store.digest(NEW) == DIGEST


async def test_where_it_may_be_one_file_it_is_under_two_names(store: FolderStore, tmp_path: Path) -> None:
    old = image(tmp_path)
    assert await again(store, old, is_one_file=True) is Put.NEW
    (new,) = placed(tmp_path)
    assert new.samefile(old) and old.read_bytes() == CONTENT
    assert await again(store, old, is_one_file=True) is Put.SAME


async def test_blocks_are_shared_where_the_disk_can(
    store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No disk here can, or every one: what it is asked for is what the system documents, and the file is whole."""
    asked: list[tuple[int, bytes]] = []

    def shared(new: int, request: int, old: int) -> None:
        os.lseek(old, 0, os.SEEK_SET)
        asked.append((request, content := os.read(old, len(CONTENT) + 1)))
        os.write(new, content)

    monkeypatch.setattr(fcntl, "ioctl", shared)
    assert await again(store, image(tmp_path)) is Put.NEW
    (new,) = placed(tmp_path)
    assert asked == [(0x40049409, CONTENT)] and new.read_bytes() == CONTENT


async def test_from_another_disk_it_is_copied(
    store: FolderStore, tmp_path: Path, small_disk: Callable[[str], Path]
) -> None:
    old = image(small_disk("size=1m"))
    assert await again(store, old, is_one_file=True) is Put.NEW
    (new,) = placed(tmp_path)
    assert new.read_bytes() == CONTENT and new.stat().st_nlink == 1


async def test_a_name_that_is_taken_keeps_what_it_has(store: FolderStore, tmp_path: Path) -> None:
    await store.put_new(NEW, b"other", sha256(b"other").hexdigest())
    assert await again(store, image(tmp_path)) is Put.DIFFERENT
    (new,) = placed(tmp_path)
    assert new.read_bytes() == b"other"


async def test_other_bytes_are_not_published(store: FolderStore, tmp_path: Path) -> None:
    assert await again(store, image(tmp_path, CONTENT[:-1])) is None
    assert placed(tmp_path) == []


async def test_what_is_not_there_is_not_published(store: FolderStore, tmp_path: Path) -> None:
    assert await again(store, tmp_path / "old.jpg") is None
    assert await store.second_name(NEW, DIGEST, source=FolderStore(tmp_path), file="soap/old.jpg") is None
    assert placed(tmp_path) == []


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "in a linked folder", "elsewhere"])
async def test_what_is_no_file_or_lies_elsewhere_is_refused(kind: str, store: FolderStore, tmp_path: Path) -> None:
    home, away = tmp_path / "home", tmp_path / "away"
    home.mkdir()
    away.mkdir()
    old, precious = home / "old.jpg", image(away)
    makers: dict[str, Callable[[], object]] = {
        "link": lambda: old.symlink_to(precious),
        "folder": old.mkdir,
        "pipe": lambda: os.mkfifo(old),
        "in a linked folder": lambda: (home / "soap").symlink_to(away),
        "elsewhere": lambda: None,
    }
    makers[kind]()
    file = {"in a linked folder": "soap/old.jpg", "elsewhere": "../away/old.jpg"}.get(kind, "old.jpg")
    with pytest.raises(IntegrityError):
        await store.second_name(NEW, DIGEST, source=FolderStore(home), file=file)
    assert placed(tmp_path) == []
    with pytest.raises(IntegrityError):
        await FolderStore(home).remove(file, DIGEST)
    assert precious.read_bytes() == CONTENT


async def test_a_name_is_taken_away_only_from_the_bytes_that_are_meant(tmp_path: Path) -> None:
    old, store = image(tmp_path), FolderStore(tmp_path)
    await store.remove("old.jpg", sha256(b"other").hexdigest())
    assert old.exists()
    await store.remove("old.jpg", DIGEST)
    await store.remove("old.jpg", DIGEST)  # gone already
    assert not old.exists()


async def test_what_may_not_be_read_gets_no_second_name(
    store: FolderStore, tmp_path: Path, as_nobody: Callable[[], AbstractContextManager[None]]
) -> None:
    old = image(tmp_path)
    old.chmod(0o600)
    with as_nobody(), pytest.raises(StoreError, match="no permission"):
        await again(store, old)
    assert placed(tmp_path) == []
