"""The folder of a delivery, and `deliver-old/`: files come and go by name and digest, and nothing else is touched.

A file is given its name only when it is whole, and only if nothing has that name. What is moved or removed is read
first: it is ours only if it holds what the record says. No symbolic link below the folder is followed.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from campaign_runner.disk import files
from campaign_runner.disk.copies import copy_to
from campaign_runner.disk.files import FolderHandle
from campaign_runner.errors import IntegrityError

_UNFINISHED = re.compile(r"\.campaign-runner-[0-9a-f]{16}\.tmp")
"""What a file is called in a target on another disk, until it is whole."""


@dataclass(frozen=True, slots=True)
class FileSeen:
    """What a file is like: its length, and when it was written, as its disk says."""

    bytes: int
    modified_ns: int


class TargetFolder:
    """A folder of ours, or of someone who wants the delivery there. Methods raise StoreError, IntegrityError."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare(self) -> None:
        """Make the folder, and take away what a delivery that was cut off left unfinished in it."""
        if self.path.exists() and not self.path.is_dir():
            raise IntegrityError(f"{self.path} is not a folder; nothing was written")
        files.make_folder(self.path)
        with files.open_folder(self.path) as folder, files.translating(self.path):
            for name in sorted(each.name for each in folder.path.iterdir()):
                if _UNFINISHED.fullmatch(name) and folder.has_file(name):
                    folder.remove(name)

    def seen(self, name: str) -> FileSeen | None:
        """What is under a name, without reading it; None if nothing is there."""
        return self.seen_of([name]).get(name)

    def seen_of(self, names: Iterable[str]) -> dict[str, FileSeen]:
        """The same for many names, each of their folders opened once; what is not there is left out."""
        by_folder: dict[str, list[str]] = {}
        for name in names:
            by_folder.setdefault(name.rpartition("/")[0], []).append(name)
        found: dict[str, FileSeen] = {}
        for above, those in by_folder.items():
            with suppress(FileNotFoundError), self._folder(above.split("/") if above else [], make=False) as folder:
                statuses = ((name, folder.status(name.rpartition("/")[2])) for name in those)
                found |= {name: FileSeen(at.st_size, at.st_mtime_ns) for name, at in statuses if at is not None}
        return found

    @contextmanager
    def reading(self, name: str) -> Iterator[BufferedReader]:
        """A file that is there, open for reading. Raises FileNotFoundError, too."""
        with self._at(name) as (folder, last), folder.read(last) as file:
            yield file

    def digest(self, name: str) -> str | None:
        """The SHA-256 (hex) of what is under a name; None if nothing is there."""
        with suppress(FileNotFoundError), self._at(name) as (folder, last):
            if folder.has_file(last):
                with folder.read(last) as file:
                    return hashlib.file_digest(file, "sha256").hexdigest()
        return None

    def publish(self, source: Path, name: str, sha256: str) -> None:
        """Give the whole file `source` a name here, durably but for its folder (see `sync`); `source` is gone then.

        Raises IntegrityError, and touches nothing, where something else has that name.
        """
        with self._at(name, make=True) as (folder, last):
            staged = source if _same_disk(source, folder.path) else self._copied(source)
            if not folder.publish(staged, last):
                with folder.read(last) as file:
                    is_ours = hashlib.file_digest(file, "sha256").hexdigest() == sha256
                files.remove(staged)
                if not is_ours:
                    raise IntegrityError(f"{self.path / name} appeared meanwhile and is not ours; it was left as it is")
            if staged is not source:
                files.remove(source)

    def replace(self, source: Path, name: str) -> None:
        """Put the whole file `source` in the place of one of ours, durably; `source` is gone then."""
        with self._at(name, make=True) as (folder, last):
            staged = source if _same_disk(source, folder.path) else self._copied(source)
            folder.has_file(last)  # a link or a folder is never replaced
            with files.translating(folder.path / last):
                staged.replace(folder.path / last)
            folder.sync()
        if staged is not source:
            files.remove(source)

    def lend(self, name: str, sha256: str, staged: Path, *, is_moving: bool = False) -> bool:
        """Let `staged` be a copy of a file here; False, and nothing is made, if that has not the bytes of `sha256`.

        Of one that is moving it is a second name, where the disk has such: an edit of one delivered file must not
        change another.
        """
        if self.digest(name) != sha256:
            return False
        with self._at(name) as (folder, last):
            if not (is_moving and folder.hard_link(last, staged)):
                with folder.read(last) as file:
                    _copy(file, staged)
        return True

    def remove(self, name: str, sha256: str) -> None:
        """Take a file away, if it is there and holds the bytes of `sha256`."""
        with suppress(FileNotFoundError), self._at(name) as (folder, last):
            if not folder.has_file(last):
                return
            with folder.read(last) as file:
                is_same = hashlib.file_digest(file, "sha256").hexdigest() == sha256
            if is_same:
                folder.remove(last)
                folder.sync()

    def sync(self, names: set[str]) -> None:
        """Make the names of files survive a power cut: once for each of their folders, up to this one."""
        folders = {"/".join(name.split("/")[:depth]) for name in names for depth in range(name.count("/") + 1)}
        for each in sorted(folders, key=len, reverse=True):
            with self._folder(each.split("/") if each else [], make=False) as folder:
                folder.sync()

    def _copied(self, source: Path) -> Path:
        """A copy of `source` on this folder's disk, synced, as old as it."""
        staged = self.path / f".campaign-runner-{secrets.token_hex(8)}.tmp"
        with source.open("rb") as content:
            _copy(content, staged)
        return staged

    @contextmanager
    def _at(self, name: str, *, make: bool = False) -> Iterator[tuple[FolderHandle, str]]:
        *above, last = name.split("/")
        with self._folder(above, make=make) as folder:
            yield folder, last

    @contextmanager
    def _folder(self, parts: list[str], *, make: bool) -> Iterator[FolderHandle]:
        if not make and not self.path.is_dir():
            raise FileNotFoundError(self.path)
        with ExitStack() as open_folders:
            folder = open_folders.enter_context(files.open_folder(self.path))
            for part in parts:
                folder = open_folders.enter_context(folder.enter(part, make=make))
            yield folder


def _copy(content: BufferedReader, staged: Path) -> None:
    """A new file with the same bytes, synced, as old as that one."""
    copy_to(content, staged)
    with files.translating(staged):
        when = os.fstat(content.fileno()).st_mtime_ns
        os.utime(staged, ns=(when, when))


def _same_disk(source: Path, folder: Path) -> bool:
    with files.translating(folder):
        return source.stat().st_dev == folder.stat().st_dev
