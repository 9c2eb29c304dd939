"""A file that exists takes a second name in a store: linked, or copied; checked; never in the place of another."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path

import pytest

from campaign_runner.ports import Put
from campaign_runner.store import FolderStore, link_or_copy

CONTENT = b"picture" * 10_000
DIGEST = sha256(CONTENT).hexdigest()


@pytest.fixture
async def store(tmp_path: Path) -> FolderStore:
    return await FolderStore.prepare(tmp_path / "output" / "images", tmp_path / "output" / ".staging")


def image(folder: Path, content: bytes = CONTENT) -> Path:
    path = folder / "old.jpg"
    path.write_bytes(content)
    return path


def placed(tmp_path: Path) -> list[Path]:
    """Every file below the store's folders."""
    return [path for path in (tmp_path / "output").rglob("*") if path.is_file()]


async def test_it_is_the_same_file_under_two_names(store: FolderStore, tmp_path: Path) -> None:
    old = image(tmp_path)
    assert await store.put_existing("soap/new.jpg", old, DIGEST) is Put.NEW
    (new,) = placed(tmp_path)
    assert new.samefile(old) and old.read_bytes() == CONTENT
    assert await store.put_existing("soap/new.jpg", old, DIGEST) is Put.SAME


async def test_from_another_disk_it_is_copied(
    store: FolderStore, tmp_path: Path, small_disk: Callable[[str], Path]
) -> None:
    old = image(small_disk("size=1m"))
    assert await store.put_existing("soap/new.jpg", old, DIGEST) is Put.NEW
    (new,) = placed(tmp_path)
    assert new.read_bytes() == CONTENT and new.stat().st_nlink == 1


async def test_a_name_that_is_taken_keeps_what_it_has(store: FolderStore, tmp_path: Path) -> None:
    await store.put_new("soap/new.jpg", b"other", sha256(b"other").hexdigest())
    assert await store.put_existing("soap/new.jpg", image(tmp_path), DIGEST) is Put.DIFFERENT
    (new,) = placed(tmp_path)
    assert new.read_bytes() == b"other"


async def test_other_bytes_are_not_published(store: FolderStore, tmp_path: Path) -> None:
    assert await store.put_existing("soap/new.jpg", image(tmp_path, CONTENT[:-1]), DIGEST) is None
    assert placed(tmp_path) == []


@pytest.mark.parametrize("kind", ["nothing", "link", "folder", "pipe"])
async def test_what_is_no_file_is_not_published(kind: str, store: FolderStore, tmp_path: Path) -> None:
    old, precious = tmp_path / "old.jpg", tmp_path / "precious.jpg"
    precious.write_bytes(CONTENT)
    makers: dict[str, Callable[[], object]] = {
        "nothing": lambda: None,
        "link": lambda: old.symlink_to(precious),
        "folder": old.mkdir,
        "pipe": lambda: os.mkfifo(old),
    }
    makers[kind]()
    assert await store.put_existing("soap/new.jpg", old, DIGEST) is None
    assert placed(tmp_path) == []


def test_what_may_not_be_read_gets_no_second_name(
    tmp_path: Path, as_nobody: Callable[[], AbstractContextManager[None]]
) -> None:
    old = image(tmp_path)
    old.chmod(0o600)
    with as_nobody():
        assert not link_or_copy(old, tmp_path / "new.jpg")
    assert not (tmp_path / "new.jpg").exists()
