"""Files are written durably or not at all, and the system's refusals become advice."""

from __future__ import annotations

import errno
import os
import resource
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from campaign_runner.disk import files, patience
from campaign_runner.errors import DiskFull, IntegrityError, NameTooLong, StoreError
from tests.disks import holding

Limit = Callable[[int], AbstractContextManager[None]]
Disk = Callable[[str], Path]


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_takes_the_place_of_the_older_one(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    files.write_durably(path, b"old, and longer")
    files.write_durably(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["manifest.json"]


def test_the_content_is_synced_before_the_rename_and_the_folder_after_it(tmp_path: Path, disk_calls: list[str]) -> None:
    folder = tmp_path / "output"
    folder.mkdir()
    disk_calls.clear()
    files.write_durably(folder / "manifest.json", b"new")
    temporary, rename, last = disk_calls
    assert temporary.startswith("fsync .manifest.json.")
    assert (rename, last) == ("replace manifest.json", "fsync output")


def test_an_error_while_writing_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), files.replacing(path) as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["manifest.json"]


def test_nothing_shows_under_the_name_before_the_block_ends(tmp_path: Path) -> None:
    path, staging = tmp_path / "manifest.json", tmp_path / "staging"
    staging.mkdir()
    with files.replacing(path, staging=staging) as file:
        file.write(b"new")
        assert names(tmp_path) == ["staging"]
        assert len(names(staging)) == 1
    assert names(staging) == []
    assert path.read_bytes() == b"new"


def test_a_link_in_the_place_of_a_file_is_refused_and_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "manifest.json").symlink_to(tmp_path / "precious")
    with pytest.raises(IntegrityError, match=r"manifest\.json is not what belongs there"):
        files.write_durably(tmp_path / "manifest.json", b"new")
    assert (tmp_path / "precious").read_bytes() == b"precious"
    assert (tmp_path / "manifest.json").is_symlink()


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(IntegrityError):
        files.write_durably(tmp_path / "manifest.json", b"new")
    assert names(tmp_path) == ["manifest.json"]


def test_a_file_size_limit_is_told_and_leaves_the_old_file(tmp_path: Path, file_size_limit: Limit) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(b"old")
    with pytest.raises(StoreError, match="ulimit -f"), file_size_limit(1000):
        files.write_durably(path, b"x" * 100_000)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["manifest.json"]


@pytest.mark.parametrize("length", range(1, 200_000, 8191))
def test_a_disk_that_fills_up_leaves_the_old_file(length: int, small_disk: Disk) -> None:
    path = small_disk("size=64k") / "manifest.json"
    path.write_bytes(b"old")
    if length < 60_000:  # a page for the old file
        files.write_durably(path, b"x" * length)
        assert path.stat().st_size == length
        return
    with pytest.raises(DiskFull, match="the disk is full"):
        files.write_durably(path, b"x" * length)
    assert path.read_bytes() == b"old"
    assert names(path.parent) == ["manifest.json"]


def test_a_disk_without_room_for_more_files_is_told_from_a_full_one(small_disk: Disk) -> None:
    disk = small_disk("size=1m,nr_inodes=3")
    (disk / "a").touch()
    (disk / "b").touch()
    with pytest.raises(DiskFull, match="inodes"):
        files.write_durably(disk / "a", b"new")


def test_a_full_disk_that_is_gone_meanwhile_is_a_full_disk(tmp_path: Path) -> None:
    error = OSError(errno.ENOSPC, "No space left on device")
    assert "the disk is full" in str(files.translated(error, tmp_path / "gone" / "a"))


def test_a_folder_that_may_be_written_and_not_read_is_made_in_and_not_opened(
    tmp_path: Path, disk_calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may read everything
    files.make_folder(tmp_path / "new")
    assert disk_calls == ["mkdir new"]


def test_a_pipe_that_takes_the_place_of_a_file_at_the_last_moment_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "a")
    monkeypatch.setattr(files.FolderHandle, "has_file", lambda folder, name: True)  # as it was when it was looked at
    with files.open_folder(tmp_path) as folder, pytest.raises(IntegrityError), folder.read("a"):
        pass


def test_a_read_only_disk_is_told(small_disk: Disk) -> None:
    with pytest.raises(StoreError, match="read-only"):
        files.write_durably(small_disk("ro") / "a", b"new")


def test_a_missing_permission_is_told(
    tmp_path: Path, as_nobody: Callable[[], AbstractContextManager[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "WAITS", (0.0,))
    tmp_path.chmod(0o555)
    with pytest.raises(StoreError, match="no permission"), as_nobody():
        files.write_durably(tmp_path / "a", b"new")


def test_too_many_open_files_are_told(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        with pytest.raises(StoreError, match="ulimit -n"):
            files.write_durably(tmp_path / "a", b"new")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize(
    ("number", "error", "says"),
    [
        (errno.EDQUOT, DiskFull, "your share of the disk"),
        (errno.ENAMETOOLONG, NameTooLong, "too long"),
        (errno.EBUSY, StoreError, "another program holds it"),
        (errno.EXDEV, StoreError, "on one disk"),
        (errno.EIO, StoreError, "Input/output error"),  # a sync that failed is never repeated
        (errno.ELOOP, IntegrityError, "not what belongs there"),  # a link, where none is followed
        (errno.ENOTDIR, IntegrityError, "not what belongs there"),  # a file in the place of a folder
    ],
)
def test_a_refusal_becomes_advice(number: int, error: type[Exception], says: str, tmp_path: Path) -> None:
    told = files.translated(OSError(number, os.strerror(number)), tmp_path / "a")
    assert type(told) is error
    assert says in str(told)
    assert str(tmp_path / "a") in str(told)


def test_a_new_name_is_published_and_the_staged_one_is_gone(tmp_path: Path) -> None:
    (tmp_path / "staged").write_bytes(b"new")
    assert files.publish_new(tmp_path / "staged", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize(
    "stand",
    [
        lambda path: path.write_bytes(b"old"),
        lambda path: path.mkdir(),
        lambda path: path.symlink_to("nowhere"),  # `exists` would say that nothing is there
        lambda path: os.mkfifo(path),
    ],
)
@pytest.mark.parametrize("has_links", [True, False])
def test_what_stands_is_never_overwritten(
    stand: Callable[[Path], None], has_links: bool, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if not has_links:
        request.getfixturevalue("no_hard_links")
    stand(tmp_path / "a")
    before = (tmp_path / "a").lstat()
    (tmp_path / "staged").write_bytes(b"new")
    try:
        assert not files.publish_new(tmp_path / "staged", tmp_path / "a")
    except IntegrityError:
        assert not stat.S_ISREG(before.st_mode)
    assert os.path.samestat((tmp_path / "a").lstat(), before)
    assert (tmp_path / "staged").read_bytes() == b"new"


@pytest.fixture
def no_hard_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk as FAT: it refuses every hard link."""

    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("no_hard_links")
def test_a_disk_without_hard_links_will_do(tmp_path: Path) -> None:
    (tmp_path / "staged").write_bytes(b"new")
    assert files.publish_new(tmp_path / "staged", tmp_path / "a")
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EBUSY])
def test_a_file_that_is_held_for_a_moment_wherever_its_name_changes_is_written_all_the_same(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "staged").write_bytes(b"new")
    twice = dict.fromkeys(("link", "rename", "replace", "unlink"), 2)

    def refuses(name: str) -> int | None:
        twice[name] -= 1
        return number if twice[name] >= 0 else None

    seen = holding(monkeypatch, refuses)
    assert files.publish_new(tmp_path / "staged", tmp_path / "a")
    files.write_durably(tmp_path / "manifest.json", b"new")
    files.remove(tmp_path / "a")
    assert names(tmp_path) == ["manifest.json"]
    assert {"link", "replace", "unlink"} <= set(seen)


def test_a_link_that_no_disk_takes_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = holding(monkeypatch, lambda name: errno.EPERM if name == "link" else None)
    (tmp_path / "staged").write_bytes(b"new")
    assert files.publish_new(tmp_path / "staged", tmp_path / "a")
    with files.open_folder(tmp_path) as folder:
        assert not folder.hard_link("a", tmp_path / "b")
    assert seen.count("link") == 2


def test_what_takes_the_name_while_a_rename_is_refused_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "staged").write_bytes(b"new")

    def refuses(name: str) -> int | None:
        if name == "rename":
            (tmp_path / "a").write_bytes(b"theirs")
        return errno.EPERM if name in ("link", "rename") else None

    holding(monkeypatch, refuses)
    assert not files.publish_new(tmp_path / "staged", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"theirs"


def test_a_link_that_takes_the_place_of_a_file_while_its_rename_is_refused_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(name: str) -> int | None:
        if name == "replace" and not path.is_symlink():
            path.symlink_to("elsewhere")
        return errno.EACCES if name == "replace" else None

    path = tmp_path / "manifest.json"
    holding(monkeypatch, refuses)
    with pytest.raises(IntegrityError):
        files.write_durably(path, b"new")
    assert path.is_symlink()


def test_another_disk_is_refused(tmp_path: Path, small_disk: Disk) -> None:
    staged = small_disk("size=64k") / "staged"
    staged.write_bytes(b"new")
    with pytest.raises(StoreError, match="on one disk"):
        files.publish_new(staged, tmp_path / "a")


def test_every_folder_that_is_made_is_synced_into_the_one_above(tmp_path: Path, disk_calls: list[str]) -> None:
    files.make_folder(tmp_path / "a" / "b")
    assert disk_calls == ["mkdir a", f"fsync {tmp_path.name}", "mkdir b", "fsync a", "fsync a"]


def test_a_folder_that_stands_is_synced_too(tmp_path: Path, disk_calls: list[str]) -> None:
    (tmp_path / "a").mkdir()
    disk_calls.clear()
    files.make_folder(tmp_path / "a")
    assert disk_calls == [f"fsync {tmp_path.name}"]


def test_a_file_in_the_way_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(IntegrityError):
        files.make_folder(tmp_path / "a" / "b")


def test_a_private_folder_is_private_under_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        files.make_folder(tmp_path / "a", mode=0o700)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700


def test_no_handle_stays_open(tmp_path: Path) -> None:
    before = len(names(Path("/proc/self/fd")))
    files.make_folder(tmp_path / "a" / "b")
    files.write_durably(tmp_path / "a" / "b" / "c", b"new")
    with pytest.raises(IntegrityError):
        files.write_durably(tmp_path / "a" / "b", b"new")
    assert len(names(Path("/proc/self/fd"))) == before
