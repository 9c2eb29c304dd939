"""Images on a disk: staged, checked, published.

An image is written beside the pictures, synced, and only then given its name, which it gets only
if nothing has that name: a name is absent or complete, and what was paid for is never overwritten.
No symbolic link below the images' folder is ever followed.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Self

import aiofiles

from campaign_runner.disk import files, image_names
from campaign_runner.disk.patience import Patience
from campaign_runner.errors import IntegrityError, NameTooLong, StoreError
from campaign_runner.pictures.inspection import examine
from campaign_runner.ports import Examined, Put
from campaign_runner.tasks import in_thread, to_its_end

LARGEST_BYTES = 64 << 20
"""No image is larger: a download ends there."""
SUFFIXES = ("jpg", "png", "webp")


class FolderStore:
    """A Store in the folder `root`. `staging` lies on the same disk and belongs to the run that holds the folder.

    Use `await FolderStore.prepare(root, staging)` before putting anything.
    """

    def __init__(self, root: Path, staging: Path) -> None:
        self._root = root
        self._staging = staging
        self._patience = Patience()

    @classmethod
    async def prepare(cls, root: Path, staging: Path) -> Self:
        """Make both folders and empty `staging`: what lies there was never recorded. Raises StoreError, IntegrityError.

        Only for the holder of the output folder's lock: another run's image may be in `staging`.
        """
        store = cls(root, staging)
        await in_thread(store._prepare)
        return store

    async def check_writable(self, needed: int = 0) -> None:
        """Write, sync and rename a file beside the images, whose folder must take them; `needed` bytes must be free.

        Raises StoreError.
        """
        await in_thread(self._check_writable, needed)

    async def examine(self, content: bytes) -> Examined:
        """Decode to the end. Raises Damaged for what is cut, of another format, or too many pixels."""
        return await in_thread(examine, content)

    async def put_new(self, name: str, content: bytes, sha256: str) -> Put:
        """Publish `content` under `name`, durable on return; see the port.

        Once begun it is finished, even if the caller is cancelled: the bytes are paid for.
        """
        return await to_its_end(asyncio.create_task(self._put_new(image_names.split_name(name), content, sha256)))

    async def put_existing(self, name: str, sha256: str, *, home: Path, file: str) -> Put | None:
        """Publish `file` of the output folder `home` under `name` too, durably: linked, or else copied.

        None, and nothing is published, where it is missing or holds other bytes than those of `sha256`. Raises
        IntegrityError where it is no plain file or lies behind a symbolic link below `home`, StoreError.
        """
        return await in_thread(self._put_existing, image_names.split_name(name), sha256, home, file)

    async def holds(self, *stems: str) -> str | None:
        """The name of the file that stands under one of `stems` with any picture suffix, or None; see the port."""
        return await in_thread(lambda: next(filter(None, map(self._holds, stems)), None))

    async def read(self, name: str) -> bytes:
        """What stands under `name`; see the port."""
        return await in_thread(self._read, image_names.split_name(name))

    async def _put_new(self, parts: list[str], content: bytes, sha256: str) -> Put:
        staged = self._staging / secrets.token_hex(8)
        try:
            with files.translating(staged):
                async with aiofiles.open(staged, "xb", opener=files.opener) as file:
                    await file.write(content)
                    await file.flush()
                    await in_thread(os.fsync, file.fileno())
            return await in_thread(self._publish, staged, parts, sha256)
        finally:
            await in_thread(files.remove, staged)

    def _put_existing(self, parts: list[str], sha256: str, home: Path, file: str) -> Put | None:
        staged = self._staging / secrets.token_hex(8)
        try:
            if not _stage(staged, home, file):
                return None
            with files.open_folder(self._staging) as staging, staging.read(staged.name) as content:
                if hashlib.file_digest(content, "sha256").hexdigest() != sha256:
                    return None
            return self._publish(staged, parts, sha256)
        finally:
            files.remove(staged)

    def _prepare(self) -> None:
        with files.translating(self._staging):
            for folder in (self._root, self._staging):
                if folder.is_symlink():
                    raise IntegrityError(f"{folder} is a symbolic link; put a real folder there and run again")
                files.make_folder(folder)
            if self._root.stat().st_dev != self._staging.stat().st_dev:
                raise StoreError(f"{self._root} and {self._staging} are on different disks; keep both on one")
            files.empty(self._staging)

    def _check_writable(self, needed: int) -> None:
        probe = self._staging / "probe"
        try:
            files.write_durably(probe, b"x")
            with files.translating(self._root):
                free = shutil.disk_usage(self._root).free
        finally:
            files.remove(probe)
        if not os.access(self._root, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
            raise files.translated(PermissionError(errno.EACCES, os.strerror(errno.EACCES)), self._root)
        if free < needed:
            raise StoreError(
                f"the disk of {self._root} has {free:,} bytes free; buying images needs about {needed:,}. "
                "What is paid for is fetched as far as there is room; make room first to buy more"
            )

    def _publish(self, staged: Path, parts: list[str], sha256: str) -> Put:
        with self._folders(parts[:-1], make=True) as folders:
            is_new = folders[-1].publish(staged, parts[-1], self._patience)
            answer = Put.NEW if is_new else _compare(folders[-1], parts[-1], sha256)
            for folder in reversed(folders):
                # SAME too: the run that published it may have died before its folder was synced.
                folder.sync()
        return answer

    def _holds(self, stem: str) -> str | None:
        parts = image_names.split_name(stem)
        try:
            with self._folders(parts[:-1], make=False) as folders:
                found = (suffix for suffix in SUFFIXES if folders[-1].has_file(f"{parts[-1]}.{suffix}"))
                return next((f"{stem}.{suffix}" for suffix in found), None)
        except (FileNotFoundError, NameTooLong):
            return None

    def _read(self, parts: list[str]) -> bytes:
        with self._folders(parts[:-1], make=False) as folders, folders[-1].read(parts[-1]) as file:
            return file.read()

    @contextmanager
    def _folders(self, parts: list[str], *, make: bool) -> Iterator[list[files.FolderHandle]]:
        """The images' folder and those below it down `parts`, each entered through the one before."""
        with ExitStack() as open_folders:
            folder = open_folders.enter_context(files.open_folder(self._root.parent))
            folders = []
            for part in (self._root.name, *parts):
                folder = open_folders.enter_context(folder.enter(part, make=make))
                folders.append(folder)
            yield folders


def _stage(staged: Path, home: Path, file: str) -> bool:
    """Let `staged` be another name of `file` below `home`, or a synced copy; False where there is no such file."""
    try:
        with _folder_of(home, file) as (folder, name), folder.read(name) as content:
            if not folder.hard_link(name, staged):
                _copy(content, staged)
    except FileNotFoundError:
        return False
    return True


def _copy(content: BufferedReader, target: Path) -> None:
    with files.translating(target), open(target, "xb", opener=files.opener) as new:
        shutil.copyfileobj(content, new)
        new.flush()
        os.fsync(new.fileno())


@contextmanager
def stored_file(root: Path, name: str) -> Iterator[BufferedReader]:
    """The file `name` (as a journal or a manifest names it) below `root`, open for reading.

    No symbolic link below `root` is followed. Raises FileNotFoundError, StoreError, and IntegrityError for a name that
    leads elsewhere or something that is not a file.
    """
    with _folder_of(root, name) as (folder, last), folder.read(last) as file:
        yield file


def digest_of(root: Path, name: str) -> str | None:
    """The SHA-256 (hex) of the file `name` below `root`; or None. Raises StoreError, IntegrityError."""
    try:
        with stored_file(root, name) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def remove_stored(root: Path, name: str, sha256: str) -> None:
    """Take the file `name` below `root` away, durably, if it is there and holds the bytes of `sha256`.

    No symbolic link below `root` is followed. Raises StoreError, IntegrityError.
    """
    with suppress(FileNotFoundError), _folder_of(root, name) as (folder, last):
        with folder.read(last) as file:
            is_same = hashlib.file_digest(file, "sha256").hexdigest() == sha256
        if is_same:
            folder.remove(last)
            folder.sync()


@contextmanager
def _folder_of(root: Path, name: str) -> Iterator[tuple[files.FolderHandle, str]]:
    """The folder in which the file `name` below `root` lies, and its name there; see `stored_file`."""
    *above, last = image_names.split_name(name)
    with ExitStack() as open_folders:
        folder = open_folders.enter_context(files.open_folder(root))
        for part in above:
            folder = open_folders.enter_context(folder.enter(part, make=False))
        if not folder.has_file(last):
            raise FileNotFoundError(last)
        yield folder, last


def _compare(folder: files.FolderHandle, name: str, sha256: str) -> Put:
    with folder.read(name) as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            return Put.DIFFERENT
        if folder.handle is not None:  # Windows syncs only what is open for writing
            os.fsync(file.fileno())
        return Put.SAME
