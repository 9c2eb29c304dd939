"""Images on a disk: staged, checked, published.

An image is written beside the pictures, synced, and only then given its name, which it gets only
if nothing has that name: a name is absent or complete, and what was paid for is never overwritten.
No symbolic link below the output folder is ever followed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import aiofiles.os

from campaign_runner.disk import files
from campaign_runner.disk.copies import copy_to
from campaign_runner.disk.image_names import STAGING, split_name
from campaign_runner.disk.name_lengths import is_file, try_longest
from campaign_runner.disk.patience import Patience
from campaign_runner.disk.shared_calls import Raised, SharedCalls, each_alone, in_executor, in_loop
from campaign_runner.errors import CampaignError, IntegrityError, NameTooLong, StoreError
from campaign_runner.model import IMAGES, SUFFIXES
from campaign_runner.ports import LARGEST_BYTES, Content, Put, Store
from campaign_runner.tasks import in_thread, to_its_end

T = TypeVar("T")
PUT_APART = 0.02
"""Seconds that an image may wait for others to be synced with it, where others were just put."""


class FolderStore:
    """A Store in the output folder `home`. What is put is staged in a folder of it, so both are on one disk."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._staging = home / STAGING
        self._patience = Patience()
        self._puts = SharedCalls(in_loop(aiofiles.os.wrap(self._put_together)), apart=PUT_APART)
        self._stems = SharedCalls(in_executor(self._held_together))

    def where(self, name: str) -> str:
        """The path of `name`."""
        return str(self._home / name)

    async def ready(self, place: str = IMAGES) -> None:
        """Make the folder `place` and that for staging, and empty the latter; see the port."""
        await in_thread(self._ready, place)

    async def check_writable(self, needed: int = 0) -> None:
        """Write, sync and remove a file beside the images, whose folder must take them; see the port."""
        await in_thread(self._check_writable, needed)

    async def check_names(self, names: Iterable[str]) -> None:
        """Try the longest of `names` where it is staged, or, before anything was ever run here, beside that."""
        await in_thread(self._check_names, names)

    async def put_new(self, name: str, content: bytes, sha256: str) -> Put:
        """Publish `content` under `name`, durable on return; see the port.

        Once begun it is finished, even if the caller is cancelled: the bytes are paid for.
        """
        put: Put = await to_its_end(self._puts.asked(_Image(split_name(name), content, sha256)))
        return put

    async def second_name(
        self, name: str, sha256: str, *, source: Store, file: str, is_one_file: bool = False
    ) -> Put | None:
        """Publish `file` of `source` under `name` too: a copy, or a link where it may be one file; see the port."""
        parts = split_name(name)
        if isinstance(source, FolderStore):
            return await in_thread(self._second_name, parts, sha256, source, file, is_one_file)
        return await put_copy(self, name, sha256, source=source, file=file)

    async def holds(self, *stems: str) -> str | None:
        """The file named by one of `stems` with any picture suffix, or None; see the port."""
        found: str | None = await to_its_end(self._stems.asked(stems))
        return found

    async def present(self, names: Collection[str]) -> set[str]:
        """Those of `names` under which a file is found; see the port."""
        return await in_thread(lambda: {name for name in names if is_file(self._home.joinpath(*split_name(name)))})

    async def open(self, name: str, look: Callable[[Content], T]) -> T:
        """What `look` makes of the file `name`; see the port."""
        return await in_thread(self._open, name, look)

    async def digest(self, name: str) -> str | None:
        """The SHA-256 (hex) of the file `name`; see the port."""
        try:
            return await self.open(name, sha256_of)
        except FileNotFoundError:
            return None

    async def remove(self, name: str, sha256: str) -> None:
        """Take the file `name` away, durably, if it holds the bytes of `sha256`; see the port."""
        await in_thread(self._remove, name, sha256)

    async def names(self, prefix: str = "") -> AsyncGenerator[str, None]:
        """All files below `prefix`, folder by folder, but for those in staging; links are named, not followed."""
        for name, is_folder in await in_thread(self._listed, prefix):
            if not is_folder:
                yield f"{prefix}{name}"
            elif prefix or name != STAGING:
                async for each in self.names(f"{prefix}{name}/"):
                    yield each

    def _ready(self, place: str) -> None:
        root = self._home / place
        with files.translating(self._staging):
            for folder in (root, self._staging):
                if folder.is_symlink():
                    raise IntegrityError(f"{folder} is a symbolic link; put a real folder there and run again")
                files.make_folder(folder)
            if root.stat().st_dev != self._staging.stat().st_dev:
                raise StoreError(f"{root} and {self._staging} are on different disks; keep both on one")
            self._empty_staging()

    def _empty_staging(self) -> None:
        """What is there is of runs that ended before they gave it a name: who puts anything has the folder's lock."""
        files.empty(self._staging)

    def _check_writable(self, needed: int) -> None:
        root, probe = self._home / IMAGES, self._staging / "probe"
        try:
            files.write_durably(probe, b"x")
            with files.translating(root):
                free = shutil.disk_usage(root).free
        finally:
            files.remove(probe)
        if not os.access(root, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
            raise files.translated(PermissionError(errno.EACCES, os.strerror(errno.EACCES)), root)
        if free < needed:
            raise StoreError(
                f"the disk of {root} has {free:,} bytes free; buying images needs about {needed:,}. "
                "What is paid for is downloaded as far as there is room; make room to buy more"
            )

    def _check_names(self, names: Iterable[str]) -> None:
        if self._staging.is_dir():
            try_longest(names, self._home, self._staging)
            return
        place = next(each for each in (self._home, *self._home.parents) if each.is_dir())
        with files.translating(place), TemporaryDirectory(dir=place, prefix=".names-") as staging:
            try_longest(names, self._home, Path(staging))

    def _put_together(self, images: list[_Image]) -> Sequence[Put | Raised]:
        """Put all of `images`; where any of them goes wrong, each alone, so that each is told its own end."""
        if len(images) > 1:
            with suppress(CampaignError):
                return self._put_all(images)
        return each_alone([partial(self._put_one, image) for image in images])

    def _put_one(self, image: _Image) -> Put:
        return self._put_all([image])[0]

    def _put_all(self, images: list[_Image]) -> list[Put]:
        """Written, synced, linked and forgotten; what has its name is synced then, each folder once."""
        try:
            with ExitStack() as unsynced:
                for image in images:
                    file = unsynced.enter_context(files.new_file(self._staging / image.staged))
                    file.write(image.content)
                    file.flush()
            return self._publish(images)
        finally:
            for image in images:
                files.remove(self._staging / image.staged)

    def _second_name(
        self, parts: list[str], sha256: str, source: FolderStore, file: str, is_one_file: bool
    ) -> Put | None:
        staged = self._staging / secrets.token_hex(8)
        try:
            if not source._lend(file, staged, is_one_file=is_one_file):
                return None
            with files.open_folder(self._staging) as staging, staging.read(staged.name) as content:
                if sha256_of(content) != sha256:
                    return None
            return self._publish([_Image(parts, b"", sha256, staged.name)])[0]
        finally:
            files.remove(staged)

    def _lend(self, name: str, staged: Path, *, is_one_file: bool) -> bool:
        """Let `staged` be a synced copy of `name`, or another name of it; False where there is no such file."""
        try:
            with self._file(name) as (folder, last), folder.read(last, LARGEST_BYTES) as content:
                if not (is_one_file and folder.hard_link(last, staged)):
                    copy_to(content, staged)
        except FileNotFoundError:
            return False
        return True

    def _publish(self, images: Sequence[_Image]) -> list[Put]:
        """Give each of what is staged its name. Each folder is opened and synced once."""
        answers: list[Put] = []
        with _Entered(self._home) as folders:
            for image in images:
                *above, name = image.parts
                folder = folders.at(tuple(above), make=True)
                is_new = folder.publish(self._staging / image.staged, name, self._patience)
                answers.append(Put.NEW if is_new else _compare(folder, name, image.sha256))
            for folder in folders.innermost_first():
                # SAME too: the run that published it may have died before its folder was synced.
                folder.sync()
        return answers

    def _held_together(self, asked: list[tuple[str, ...]]) -> list[str | Raised | None]:
        with _Entered(self._home) as folders:
            return each_alone([partial(_held, folders, stems) for stems in asked])

    def _open(self, name: str, look: Callable[[Content], T]) -> T:
        with self._file(name) as (folder, last), folder.read(last, LARGEST_BYTES) as file:
            return look(file)

    def _remove(self, name: str, sha256: str) -> None:
        with suppress(FileNotFoundError), self._file(name) as (folder, last):
            with folder.read(last, LARGEST_BYTES) as file:
                is_same = sha256_of(file) == sha256
            if is_same:
                folder.remove(last)
                folder.sync()

    def _listed(self, prefix: str) -> list[tuple[str, bool]]:
        folder = self._home / prefix
        with files.translating(folder), suppress(FileNotFoundError), os.scandir(folder) as found:
            return sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in found)
        return []

    @contextmanager
    def _file(self, name: str) -> Iterator[tuple[files.FolderHandle, str]]:
        """The folder in which the file `name` is, and its name there. Raises FileNotFoundError."""
        *above, last = split_name(name)
        with _Entered(self._home) as folders:
            folder = folders.at(tuple(above))
            if not folder.has_file(last):
                raise FileNotFoundError(name)
            yield folder, last


@dataclass(frozen=True, slots=True)
class _Image:
    """Bytes to be put under the name of `parts`; `staged` is what they are called until then."""

    parts: list[str]
    content: bytes
    sha256: str
    staged: str = field(default_factory=lambda: secrets.token_hex(8))


class _Entered(ExitStack):
    """The output folder `home` and those below it, each opened once, through the one above it; closed at the end."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self._folders: dict[tuple[str, ...], files.FolderHandle] = {(): self.enter_context(files.open_folder(home))}

    def at(self, parts: tuple[str, ...], *, make: bool = False) -> files.FolderHandle:
        """The folder down `parts`. Raises FileNotFoundError where it is missing and not to be made.

        A new one below the output folder's own survives a power cut once all of `innermost_first` are synced.
        """
        if parts not in self._folders:
            above = self.at(parts[:-1], make=make)
            self._folders[parts] = self.enter_context(above.enter(parts[-1], make=make, will_sync=len(parts) > 1))
        return self._folders[parts]

    def innermost_first(self) -> Iterator[files.FolderHandle]:
        """Those below the output folder; itself where there is none."""
        home, *below = self._folders.values()
        return reversed(below or [home])


def _held(folders: _Entered, stems: Iterable[str]) -> str | None:
    return next(filter(None, (_holds(folders, stem) for stem in stems)), None)


def _holds(folders: _Entered, stem: str) -> str | None:
    *above, last = split_name(stem)
    try:
        folder = folders.at(tuple(above))
        found = (suffix for suffix in SUFFIXES.values() if folder.has_file(f"{last}.{suffix}"))
        return next((f"{stem}.{suffix}" for suffix in found), None)
    except (FileNotFoundError, NameTooLong):
        return None


def sha256_of(file: Content) -> str:
    """The SHA-256 (hex) of what is left to read of `file`."""
    return hashlib.file_digest(file, "sha256").hexdigest()


def length_of(file: Content) -> int:
    """How many bytes `file` has; it is rewound afterwards."""
    length = file.seek(0, os.SEEK_END)
    file.seek(0)
    return length


async def content_of(store: Store, name: str, sha256: str = "") -> bytes:
    """The bytes of an image, up to the largest.

    Raises IntegrityError where it is gone or, with a `sha256`, holds other bytes than those; StoreError.
    """
    try:
        content = await store.open(name, lambda held: held.read(LARGEST_BYTES + 1))
    except FileNotFoundError as error:
        raise IntegrityError(f"{store.where(name)} is gone; `verify` says what else differs") from error
    if sha256 and (await in_thread(hashlib.sha256, content)).hexdigest() != sha256:
        raise IntegrityError(f"{store.where(name)} is not what was stored; `verify` says what else differs")
    return content


async def put_copy(store: Store, name: str, sha256: str, *, source: Store, file: str) -> Put | None:
    """Give `file` of `source` a `name` in `store` where the two cannot share its bytes; see `Store.second_name`."""
    try:
        content = await source.open(file, lambda held: held.read(LARGEST_BYTES))
    except FileNotFoundError:
        return None
    if hashlib.sha256(content).hexdigest() != sha256:
        return None
    return await store.put_new(name, content, sha256)


def _compare(folder: files.FolderHandle, name: str, sha256: str) -> Put:
    with folder.read(name) as file:
        if length_of(file) > LARGEST_BYTES or sha256_of(file) != sha256:
            return Put.DIFFERENT
        if folder.handle is not None:  # Windows syncs only what is open for writing
            os.fsync(file.fileno())
        return Put.SAME
