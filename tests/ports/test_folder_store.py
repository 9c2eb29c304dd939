"""What a store in a folder promises beyond the port: about links, crashes, full disks and broken pictures."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from campaign_runner.disk.patience import WAITS
from campaign_runner.errors import Damaged, IntegrityError, StoreError
from campaign_runner.model import Size
from campaign_runner.pictures.inspection import examine
from campaign_runner.ports import Put
from campaign_runner.store import FolderStore
from tests.disks import holding
from tests.ports.pictures import picture

CONTENT = b"picture" * 10_000


@pytest.fixture
async def store(tmp_path: Path) -> FolderStore:
    return await opened(tmp_path)


async def opened(home: Path) -> FolderStore:
    """A store that is ready, as a run has it."""
    store = FolderStore(home)
    await store.ready()
    return store


async def put(store: FolderStore, name: str = "images/soap/a.jpg", content: bytes = CONTENT) -> Put:
    return await store.put_new(name, content, sha256(content).hexdigest())


def tree(folder: Path) -> list[str]:
    """Everything in a folder, as relative names; folders end with `/`."""
    return sorted(str(path.relative_to(folder)) + "/" * path.is_dir() for path in folder.rglob("*"))


def pipe_at(path: Path) -> None:
    path.parent.mkdir()
    os.mkfifo(path)


async def test_what_an_earlier_run_left_in_staging_is_removed_at_opening(tmp_path: Path) -> None:
    (tmp_path / ".staging").mkdir()
    (tmp_path / ".staging" / "half").write_bytes(b"half")
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / ".staging" / "link").symlink_to(tmp_path / "precious")
    (tmp_path / ".staging" / "link-to-folder").symlink_to(tmp_path)
    await opened(tmp_path)
    assert list((tmp_path / ".staging").iterdir()) == []
    assert (tmp_path / "precious").read_bytes() == b"precious"


async def test_somebodys_folder_in_staging_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".staging" / "theirs").mkdir(parents=True)
    await opened(tmp_path)
    assert tree(tmp_path / ".staging") == ["theirs/"]


async def test_nothing_but_the_image_is_left_after_a_put(store: FolderStore, tmp_path: Path) -> None:
    await put(store)
    assert tree(tmp_path) == [".staging/", "images/", "images/soap/", "images/soap/a.jpg"]
    assert (tmp_path / "images/soap/a.jpg").stat().st_nlink == 1


async def test_an_image_is_synced_before_it_has_its_name_and_its_folders_after(
    store: FolderStore, disk_calls: list[str]
) -> None:
    await put(store)
    content, *others = disk_calls
    assert content.startswith("fsync ")
    assert others == ["mkdir soap", "link a.jpg", "fsync soap", "fsync images"]


async def test_an_image_that_stands_already_is_synced_too(store: FolderStore, disk_calls: list[str]) -> None:
    await put(store)
    disk_calls.clear()
    await put(store)
    assert disk_calls[1:] == ["fsync a.jpg", "fsync soap", "fsync images"]


@pytest.mark.parametrize(
    "stand",
    [
        lambda images, away: (images / "soap").symlink_to(away),  # a link to a folder
        lambda images, away: (images / "soap").symlink_to("nowhere"),  # a link to nothing
        lambda images, away: (images / "soap").write_bytes(b""),  # a file for a folder
        lambda images, away: (images / "soap/a.jpg").mkdir(parents=True),  # a folder for a file
        lambda images, away: [(images / "soap").mkdir(), (images / "soap/a.jpg").symlink_to(away / "a.jpg")],
        lambda images, away: pipe_at(images / "soap/a.jpg"),  # opening it would hang
        lambda images, away: [images.rmdir(), images.symlink_to(away)],
    ],
)
async def test_what_stands_in_the_way_is_refused_and_nothing_is_written_through_it(
    stand: Callable[[Path, Path], None], store: FolderStore, tmp_path: Path
) -> None:
    away = tmp_path / "away"
    away.mkdir()
    stand(tmp_path / "images", away)
    with pytest.raises(IntegrityError):
        await put(store)
    with pytest.raises(IntegrityError):
        await store.holds("images/soap/a")
    assert list(away.iterdir()) == []
    assert list((tmp_path / ".staging").iterdir()) == []


@pytest.mark.parametrize("name", ["images", ".staging"])
async def test_a_link_for_one_of_its_folders_is_refused_at_opening(name: str, tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "precious").touch()
    (tmp_path / name).symlink_to(tmp_path / "away")
    with pytest.raises(IntegrityError):
        await opened(tmp_path)
    assert (tmp_path / "away" / "precious").exists()


@pytest.mark.parametrize("call", ["open", "mkdir", "link"])
async def test_a_folder_swapped_for_a_link_at_the_worst_moment_does_not_lead_away(
    call: str, store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, away = tmp_path / "images/soap", tmp_path / "away"
    away.mkdir()
    await put(store, "images/soap/first.jpg")
    original = getattr(os, call)

    def swap_first(*arguments: Any, **options: Any) -> Any:
        if str(arguments[0]).endswith("soap") or call == "link":
            folder.rename(tmp_path / "aside")
            folder.symlink_to(away)
        return original(*arguments, **options)

    with monkeypatch.context() as patch, suppress(IntegrityError):
        patch.setattr(os, call, swap_first)
        await put(store)
    assert folder.is_symlink()
    assert list(away.iterdir()) == []


KILLED = """
import asyncio, os, sys
from hashlib import sha256
from pathlib import Path
from campaign_runner.store import FolderStore

place, step = Path(sys.argv[1]), int(sys.argv[2])
TOUCHING = {"open", "os.mkdir", "os.link", "os.remove", "os.rename"}

def die(event, arguments):
    global step
    if event in TOUCHING and str(arguments[0]).startswith((str(place), "soap", "a.jpg")):
        step -= 1
        if step < 0:
            os.kill(os.getpid(), 9)

async def main():
    store = FolderStore(place)
    await store.ready()
    sys.addaudithook(die)
    content = b"picture" * 10_000
    await store.put_new("images/soap/a.jpg", content, sha256(content).hexdigest())

asyncio.run(main())
"""


def killed_at(step: int, place: Path) -> int:
    """Put an image in a process that kills itself before its `step`-th touch of the disk; how it ended."""
    return subprocess.run([sys.executable, "-c", KILLED, str(place), str(step)]).returncode


async def test_killed_at_any_step_the_name_is_absent_or_complete(tmp_path: Path) -> None:
    step, code = 0, int(-signal.SIGKILL)
    while code == -signal.SIGKILL:
        place = tmp_path / str(step)
        place.mkdir()
        code = killed_at(step, place)
        target = place / "images/soap/a.jpg"
        assert not target.exists() or target.read_bytes() == CONTENT
        was_there = target.exists()
        store = await opened(place)
        assert await put(store) is (Put.SAME if was_there else Put.NEW)
        assert list((place / ".staging").iterdir()) == []
        step += 1
    assert code == 0
    assert step >= 5


async def test_a_file_size_limit_leaves_nothing(
    store: FolderStore, tmp_path: Path, file_size_limit: Callable[[int], AbstractContextManager[None]]
) -> None:
    with pytest.raises(StoreError, match="ulimit -f"), file_size_limit(10_000):
        await put(store)
    assert tree(tmp_path) == [".staging/", "images/"]
    assert await put(store) is Put.NEW


@pytest.mark.parametrize("options", ["size=64k", "size=1m,nr_inodes=4"], ids=["bytes", "inodes"])
async def test_a_full_disk_leaves_nothing_and_is_told(options: str, small_disk: Callable[[str], Path]) -> None:
    disk = small_disk(options)
    store = await opened(disk)
    with pytest.raises(StoreError, match=r"no room|is full"):
        for number in range(3):
            await put(store, f"images/soap{number}/a.jpg", CONTENT[:30_000])
    for path in disk.rglob("*.jpg"):
        assert path.read_bytes() == CONTENT[:30_000]
    assert list((disk / ".staging").iterdir()) == []


async def test_a_folder_that_goes_on_refusing_is_waited_for_once_and_not_once_an_image(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        seen = holding(patch, lambda name: errno.EACCES if name == "link" else None)
        for number in range(100):
            with pytest.raises(StoreError, match="another program holds it"):
                await put(store, f"images/soap/{number}.jpg")
    assert seen.count("link") == len(WAITS) + 100
    assert await put(store) is Put.NEW


async def test_a_writable_folder_passes_the_probe_and_nothing_is_left(store: FolderStore, tmp_path: Path) -> None:
    await store.check_writable(1)
    assert tree(tmp_path) == [".staging/", "images/"]


async def test_too_little_room_for_the_images_is_told_before_anything_is_sent(store: FolderStore) -> None:
    with pytest.raises(StoreError, match="make room to buy more"):
        await store.check_writable(2**62)


def make_read_only(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)


async def test_a_disk_that_became_read_only_fails_the_probe(small_disk: Callable[[str], Path]) -> None:
    disk = small_disk("size=64k")
    store = await opened(disk)
    make_read_only(disk)
    with pytest.raises(StoreError, match="read-only"):
        await store.check_writable()
    with pytest.raises(StoreError, match="read-only"):
        await put(store)


@contextmanager
def mounted(disk: Path, folder: Path) -> Iterator[None]:
    """A disk in the place of a folder."""
    folder.mkdir()
    subprocess.run(["mount", "--bind", disk, folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


async def test_staging_on_another_disk_is_refused(tmp_path: Path, small_disk: Callable[[str], Path]) -> None:
    with mounted(small_disk("size=64k"), tmp_path / "images"), pytest.raises(StoreError, match="different disks"):
        await opened(tmp_path)


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG that claims to be so large, and has these chunks and no rows."""
    header = (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    whole = [b"\x89PNG\r\n\x1a\n"]
    for name, body in (header, *chunks, (b"IEND", b"")):
        whole += [struct.pack(">I", len(body)), name, body, struct.pack(">I", zlib.crc32(name + body))]
    return b"".join(whole)


@pytest.mark.parametrize(
    ("width", "height"),
    [
        (8001, 8001),  # just above the limit, where Pillow says nothing
        (10_000, 10_000),  # where Pillow warns
        (30_000, 30_000),  # where Pillow raises
        (2**31 - 1, 1),
    ],
)
def test_a_picture_of_too_many_pixels_is_not_decoded(width: int, height: int) -> None:
    with pytest.raises(Damaged, match="more than 64,000,000 pixels"):
        examine(png(width, height, (b"IDAT", zlib.compress(b"\0" * 100))))


def test_a_jpeg_that_repeats_its_last_scan_for_hours_is_not_decoded() -> None:
    whole = BytesIO()
    Image.new("L", (2000, 2000)).save(whole, "JPEG", progressive=True)
    scan = whole.getvalue()[whole.getvalue().rindex(b"\xff\xda") : -2]
    assert examine(whole.getvalue()[:-2] + scan * 9 + b"\xff\xd9").size == Size(2000, 2000)
    with pytest.raises(Damaged, match="more scans"):
        examine(whole.getvalue()[:-2] + scan * 100_000 + b"\xff\xd9")


@pytest.mark.parametrize(
    "made",
    [lambda: b"\xff\xd8" + b"\xff\xfe\0\2" * 2_000_000, lambda: png(1, 1, *[(b"tEXt", b"")] * 200_000)],
    ids=["comments", "chunks"],
)
def test_a_picture_of_millions_of_empty_parts_is_not_read_to_its_end(made: Callable[[], bytes]) -> None:
    content = made()
    began = time.process_time()
    with pytest.raises(Damaged):
        examine(content)
    assert time.process_time() - began < 5


def test_the_largest_picture_allowed_is_decoded() -> None:
    content = BytesIO()
    Image.new("L", (8000, 8000)).save(content, "PNG", compress_level=1)
    assert examine(content.getvalue()).size == Size(8000, 8000)


def test_a_picture_smaller_than_an_eighth_is_decoded() -> None:
    assert examine(picture("JPEG", (1, 3))).size == Size(1, 3)


@pytest.mark.parametrize("width", range(64, 704, 32))  # of some, the decoder misses the last two bytes
def test_a_thumbnail_with_an_end_of_its_own_does_not_hide_a_cut(width: int) -> None:
    exif = b"Exif\0\0" + picture("JPEG", (16, 16))
    whole = BytesIO()
    Image.new("RGB", (width, 480), "red").save(whole, "JPEG", quality=95, exif=exif)
    content = whole.getvalue()
    assert examine(content).size == Size(width, 480)
    for cut in (1, 2, 3, 50):
        with pytest.raises(Damaged):
            examine(content[:-cut])


@pytest.mark.parametrize(
    "content",
    [
        # an EXIF block that Pillow warns about: its tags point outside
        b"\xff\xd8\xff\xe1\x00\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x1a\x01\x05\0\xff\0\0\0\xff\xff\0\0\0\0\0\0"
        + picture()[20:],
        png(1, 1, (b"acTL", b"\0" * 8), (b"IDAT", zlib.compress(b"\0\0\0\0"))),  # an animation without pictures
    ],
    ids=["exif", "animation"],
)
def test_no_warning_of_the_decoder_leaks(content: bytes, recwarn: pytest.WarningsRecorder) -> None:
    assert examine(content).size.width > 0
    assert list(recwarn) == []


WHOLE = [picture("JPEG"), picture("JPEG", progressive=True), picture("PNG"), picture("WEBP")]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(WHOLE), st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=8))
def test_a_broken_picture_is_examined_or_damaged_and_nothing_else(whole: bytes, changes: list[tuple[int, int]]) -> None:
    content = bytearray(whole)
    for at, value in changes:
        content[at % len(content)] = value
    try:
        assert examine(bytes(content)).sha256 == sha256(content).hexdigest()
    except Damaged:
        assert changes


async def test_one_that_cannot_be_put_keeps_no_other_from_it(store: FolderStore, tmp_path: Path) -> None:
    pipe_at(tmp_path / "images" / "soap" / "b.jpg")
    names = [f"images/soap/{letter}.jpg" for letter in "abc"]
    told = await asyncio.gather(*(put(store, name, name.encode()) for name in names), return_exceptions=True)
    assert [isinstance(each, IntegrityError) for each in told] == [False, True, False]
    assert tree(tmp_path / "images") == ["soap/", "soap/a.jpg", "soap/b.jpg", "soap/c.jpg"]
    assert not list((tmp_path / ".staging").iterdir())
