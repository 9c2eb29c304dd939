"""The one way to write a file durably: beside it, synced, renamed, the folder synced.

A name is either absent, or holds all of the old content, or all of the new, whatever crashes.
`replacing` puts a file in the place of an older one, `publish_new` never does. A refusal is waited out for a moment,
then told: StoreError says what to do, IntegrityError what is in the way. It blocks; coroutines call it `in_thread`.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import IO, TypeVar

from campaign_runner.disk import regular_files
from campaign_runner.disk.patience import Patience
from campaign_runner.errors import CampaignError, DiskFull, IntegrityError, NameTooLong, StoreError, TooLarge

T = TypeVar("T")

NEW_FOLDER, NEW_FILE = 0o775, 0o664
"""Permissions before the umask has its say: whatever that is, the world may not write what decides about money."""
# Windows has no handles of folders: there, folders are named by their path and cannot be synced.
_HAS_FOLDER_HANDLES = sys.platform != "win32"
_LONGEST_ON_WINDOWS = 260  # a path, with the zero at its end; a longer one is "not found" there
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_FOLDER_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_FILE_FLAGS = regular_files.FLAGS | _NO_FOLLOW
NO_HARD_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EINVAL}


@contextmanager
def replacing(path: Path, *, staging: Path | None = None, mode: int = NEW_FILE) -> Iterator[IO[bytes]]:
    """A file to write to that takes the place of `path`, durably, once the block ends without an error.

    On any error `path` is as it was and nothing is left. Until then what is written is in `staging`, a folder
    of the same disk; by default in the folder of `path`, which must exist. `mode` are its permissions. Raises
    StoreError, IntegrityError, also for what the system refuses inside the block.
    """
    temporary = (staging or path.parent) / f".{path.name}.{secrets.token_hex(8)}.tmp"
    try:
        with translating(path):
            refuse_others(path)
            with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            Patience().over(lambda: _take_place(temporary, path))
            sync_folder(path.parent)
    finally:
        remove(temporary)


def write_durably(path: Path, content: bytes, *, mode: int = NEW_FILE) -> None:
    """Put `content` in the place of `path`, as `replacing` does. Raises StoreError, IntegrityError."""
    with replacing(path, mode=mode) as file:
        file.write(content)


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to that nothing has the name of, synced once the block ends, but not its folder.

    Raises StoreError, IntegrityError.
    """
    with translating(path), open(path, "xb", opener=opener) as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def publish_new(staged: Path, target: Path) -> bool:
    """Give the synced file `staged` the name `target`, durably; False, and nothing is touched, if that is taken.

    Both lie on one disk, the folder of `target` exists. Raises StoreError, IntegrityError.
    """
    with open_folder(target.parent) as folder:
        is_new = folder.publish(staged, target.name)
        folder.sync()
        return is_new


def opener(path: str, flags: int) -> int:
    """How `open` makes a file of ours."""
    return os.open(path, flags, NEW_FILE)


def make_folder(path: Path, *, mode: int = NEW_FOLDER) -> None:
    """Make the folder `path` and those above it that are missing, durably. Raises StoreError, IntegrityError."""
    with translating(path):
        missing = []
        at = path
        while not at.is_dir():
            missing.append(at)
            at = at.parent
        for folder in reversed(missing):
            folder.mkdir(mode, exist_ok=True)
            sync_folder(folder.parent)
        # Also where the folder exists already: who made it may have died before this.
        sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make what was created, renamed or removed in `path` survive a power cut."""
    if os.access(path, os.R_OK):  # the system cannot open a folder above ours that we may write and not read
        with open_folder(path) as folder:
            folder.sync()


def remove(path: Path) -> None:
    """Remove a file; it may be gone already. Raises StoreError."""
    with translating(path):
        Patience().over(lambda: path.unlink(missing_ok=True))


def empty(path: Path) -> None:
    """Remove the files in `path`, if that is there; never through a link. Raises StoreError, IntegrityError."""
    with translating(path), suppress(FileNotFoundError):
        if path.is_symlink():
            raise _in_the_way(path)
        for left in path.iterdir():
            if left.is_symlink() or not left.is_dir():
                remove(left)


@dataclass(frozen=True, slots=True)
class FolderHandle:
    """A folder held open: what is done in it is done there, even if its path leads elsewhere by now.

    `handle` is None where the system has no such handles; names are then looked up by path.
    """

    path: Path
    handle: int | None

    @contextmanager
    def enter(self, name: str, *, make: bool, will_sync: bool = False) -> Iterator[FolderHandle]:
        """The folder `name` in this one; never through a symbolic link. Raises StoreError, IntegrityError.

        FileNotFoundError where it is missing and not to be made. Who `will_sync` this folder makes a new one durable.
        """
        path = self.path / name
        with translating(path, missing_is_plain=not make):
            if make and self._make(name) and not will_sync:
                self.sync()
            handle = None
            if _HAS_FOLDER_HANDLES:
                handle = os.open(self._at(name), _FOLDER_FLAGS | _NO_FOLLOW, dir_fd=self.handle)
            elif not stat.S_ISDIR(path.lstat().st_mode):
                raise NotADirectoryError(errno.ENOTDIR, "not a folder", str(path))
        with _closing(FolderHandle(path, handle)) as folder:
            yield folder

    @contextmanager
    def read(self, name: str, most: int | None = None) -> Iterator[BufferedReader]:
        """The plain file `name`, open for reading. Raises StoreError, IntegrityError; TooLarge for over `most` bytes"""
        path = self.path / name
        with translating(path):
            self.has_file(name)  # O_NOFOLLOW does not exist everywhere
            with regular_files.taken(os.open(self._at(name), _FILE_FLAGS, dir_fd=self.handle), path, most) as file:
                yield file

    def has_file(self, name: str) -> bool:
        """Whether `name` is a file. Raises IntegrityError where it is something else, StoreError."""
        return self.status(name) is not None

    def status(self, name: str) -> os.stat_result | None:
        """What the file `name` is like, None if there is none. Raises IntegrityError where it is something else."""
        with translating(self.path, name):
            try:
                found = os.stat(self._at(name), dir_fd=self.handle, follow_symlinks=False)
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENAMETOOLONG):  # what no disk takes is not there
                    raise
                return None
            if not stat.S_ISREG(found.st_mode):
                raise _in_the_way(self.path / name)
            return found

    def publish(self, staged: Path, name: str, patience: Patience | None = None) -> bool:
        """Rename `staged` to `name` in this folder; False, and nothing is touched, if something has that name."""
        patience = patience or Patience()
        with translating(self.path, name):
            try:
                patience.over(lambda: self._link(staged, name))
            except FileExistsError:
                return False
            patience.over(lambda: staged.unlink(missing_ok=True))
            return True

    def hard_link(self, name: str, target: Path) -> bool:
        """Give the file `name` the second name `target`; False, and nothing is made, where the disk has no such links.

        Raises StoreError, IntegrityError.
        """
        with translating(self.path, name):
            return Patience().over(lambda: self._hard_link(name, target))

    def touch(self, name: str) -> None:
        """Make the empty file `name`. Raises StoreError, IntegrityError where something has that name."""
        with translating(self.path, name):
            os.close(os.open(self._at(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, NEW_FILE, dir_fd=self.handle))

    def remove(self, name: str) -> None:
        """Take the name `name` away. Raises StoreError, IntegrityError."""
        with translating(self.path, name):
            Patience().over(lambda: os.unlink(self._at(name), dir_fd=self.handle))

    def sync(self) -> None:
        """Make what was created, renamed or removed in this folder survive a power cut. Raises StoreError."""
        if self.handle is not None:
            with translating(self.path):
                os.fsync(self.handle)

    def _link(self, staged: Path, name: str) -> None:
        try:
            os.link(staged, self._at(name), dst_dir_fd=self.handle, follow_symlinks=False)
        except OSError as error:
            if error.errno not in NO_HARD_LINKS:
                raise
            # FAT, some network disks: every time. A rename would overwrite, so look first: the folder has one writer.
            if self.has_file(name):
                raise FileExistsError(errno.EEXIST, "taken", name) from error
            os.rename(staged, self._at(name), dst_dir_fd=self.handle)

    def _hard_link(self, name: str, target: Path) -> bool:
        try:
            os.link(self._at(name), target, src_dir_fd=self.handle, follow_symlinks=False)
        except OSError as error:
            if error.errno not in NO_HARD_LINKS | {errno.EXDEV}:
                raise
            return False
        return True

    def _make(self, name: str) -> bool:
        try:
            os.mkdir(self._at(name), NEW_FOLDER, dir_fd=self.handle)
        except FileExistsError:
            return False
        return True

    def _at(self, name: str) -> str:
        return name if self.handle is not None else str(self.path / name)


@contextmanager
def open_folder(path: Path) -> Iterator[FolderHandle]:
    """The folder `path`, held open. Raises StoreError, IntegrityError."""
    with translating(path):
        handle = os.open(path, _FOLDER_FLAGS) if _HAS_FOLDER_HANDLES else None
    with _closing(FolderHandle(path, handle)) as folder:
        yield folder


@contextmanager
def _closing(folder: FolderHandle) -> Iterator[FolderHandle]:
    try:
        yield folder
    finally:
        if folder.handle is not None:
            os.close(folder.handle)


class translating(AbstractContextManager[None]):  # lower case as its like in contextlib; a generator costs ten times it
    """Tell what the system says about `path`, or about `name` in it, in the package's words.

    `missing_is_plain`: FileNotFoundError passes, the caller expects it.
    """

    def __init__(self, path: Path, name: str = "", *, missing_is_plain: bool = False) -> None:
        self._path, self._name, self._missing_is_plain = path, name, missing_is_plain

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, OSError) and not (self._missing_is_plain and isinstance(error, FileNotFoundError)):
            raise translated(error, self._path / self._name) from error


def translated(error: OSError, path: Path) -> CampaignError:
    """The package's word for what the system says about `path`: StoreError or IntegrityError."""
    match error.errno:
        case _ if isinstance(error, regular_files.TooManyBytes):
            return TooLarge(f"{path}: {error.strerror}, so it is not what belongs there; move it away and run again")
        case _ if isinstance(error, regular_files.NotRegular):
            return _in_the_way(path)
        case errno.ELOOP | errno.ENOTDIR | errno.EISDIR | errno.EEXIST | errno.ENOTEMPTY:
            return _in_the_way(path)
        case errno.ENOSPC if _lacks_inodes(path):
            return DiskFull(f"the disk has no room for more files (inodes): {path}; remove some and run again")
        case errno.ENOSPC:
            return DiskFull(f"the disk is full: {path} cannot be written; make room and run again")
        case errno.EDQUOT:
            return DiskFull(f"your share of the disk is used up: {path} cannot be written; make room and run again")
        case errno.EFBIG:
            return StoreError(
                f"{path} is larger than this process may write; raise the limit (ulimit -f) and run again"
            )
        case errno.EROFS:
            return StoreError(f"the disk of {path} is read-only; make it writable and run again")
        case errno.EACCES | errno.EPERM | errno.EBUSY | errno.ETXTBSY:
            return StoreError(
                f"no permission for {path}, or another program holds it; check its owner and permissions and run again"
            )
        case errno.EMFILE | errno.ENFILE:
            return StoreError(f"too many open files at {path}; lower --concurrency or raise the limit (ulimit -n)")
        case errno.ENAMETOOLONG:
            return NameTooLong(f"the name is too long for this disk: {path}; give shorter ids, or another --output")
        case errno.ENOENT if not _HAS_FOLDER_HANDLES and len(str(path)) >= _LONGEST_ON_WINDOWS:
            return NameTooLong(f"the path is too long for Windows: {path}; give shorter ids, or a shorter --output")
        case errno.EXDEV:
            return StoreError(f"{path} is on another disk than its folder; keep the output folder on one disk")
        case _:
            return StoreError(f"{path}: {error.strerror or error}; check the disk and run again")


def _in_the_way(path: Path) -> IntegrityError:
    return IntegrityError(
        f"{path} is not what belongs there (a folder, a link or a device); move it away and run again"
    )


def _take_place(temporary: Path, path: Path) -> None:
    refuse_others(path)
    temporary.replace(path)


def refuse_others(path: Path) -> None:
    """A rename would silently replace a link, and a folder cannot be replaced."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode):
        raise _in_the_way(path)


def _lacks_inodes(path: Path) -> bool:
    if sys.platform == "win32":
        return False
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return False
    return disk.f_files > 0 and disk.f_favail == 0 and disk.f_bavail > 0
