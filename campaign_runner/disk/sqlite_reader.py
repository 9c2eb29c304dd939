"""A SQLite file that is only read, also while another process writes it: nothing beside it is made, changed or removed.

SQLite itself makes a `-shm`, and a `-wal`, beside what it opens only to read. So how a file is opened follows from what
is beside it: nothing that counts, and it is read as one that does not change, and looked at again afterwards; a
`-wal` with its `-shm`, and a run has both open; anything else was left by a crash or a copy, and is brought together in
a copy of our own. Whatever is there may have been put there by anyone: regular files only, no larger than ours can be.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self, TypeVar

from campaign_runner.disk import files, regular_files, sqlite
from campaign_runner.disk.patience import WAITS
from campaign_runner.errors import IntegrityError, StoreError

T = TypeVar("T")
LARGEST_BYTES = 4 << 30
"""Of a file: a journal of a million images has about two GiB."""
LARGEST_VALUE = 64 << 20
"""Bytes of one value in a row."""
_AT_ONCE = 500  # rows
_WAL_HEADER = 32
"""Bytes a `-wal` has before its first frame (https://www.sqlite.org/fileformat2.html#walformat)."""
_LEFT_SO = {"SQLITE_PROTOCOL", "SQLITE_READONLY_CANTINIT", "SQLITE_READONLY_RECOVERY"}
"""What SQLite says where writers are in each other's way for as long as it tries by itself; and where one died in such
a moment that who may not write cannot make sense of what it left."""
_GONE = ("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_IOERR")
"""How its words begin where the last one closed the file since it was looked at: its `-shm` and `-wal` are gone."""
_MAGIC = bytes.fromhex("d9d505f920a163d7")
"""How a `-journal` begins; and how it ends where it names another file, which SQLite would then remove."""
_Look = tuple[int, int, int] | None
"""Inode, bytes, and the time of the last change in nanoseconds; None where there is no file."""


class _Outdated(Exception):
    """The file was written while it was read as one that does not change, or could not be read for those who write."""


@dataclass(frozen=True, slots=True)
class _Looks:
    """How a file and those of SQLite's beside it look."""

    file: _Look
    wal: _Look
    shm: _Look
    journal: _Look


class SqliteReader:
    """Reads `path`. Use as `with SqliteReader(path) as reader:`. Raises StoreError, IntegrityError.

    A file that others write just then is opened anew, after ever longer waits in `sleep`; 5 s of them, and it is given
    up.
    """

    def __init__(self, path: Path, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._path = path
        self._sleep = sleep
        self._stack = ExitStack()
        self._opened = 0
        self._is_still = False  # it is read as one that does not change
        self._in_place: _Looks | None = None
        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._stack.close()

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` makes of the file as it is at one moment; it may be called again. Raises sqlite3.Error, too."""
        for wait in WAITS:
            with suppress(_Outdated):
                return self._held(lambda: work(self._connection))
            self._open_after(wait)
        raise self._restless()

    def each(self, query: str, *values: object) -> Iterator[tuple[Any, ...]]:
        """The rows of `query`, by and by. Its first column is a number that orders them, and no part of the answer.

        Raises sqlite3.Error, too.
        """
        last = -1
        for wait in WAITS:
            opened = self._opened
            with suppress(_Outdated):
                for number, *row in self._rows(query, values, after=last):
                    last = number
                    yield tuple(row)
                return
            if self._opened == opened:  # otherwise another question opened it anew meanwhile
                self._open_after(wait)
        raise self._restless()

    def _rows(self, query: str, values: tuple[object, ...], *, after: int) -> Iterator[tuple[Any, ...]]:
        """The rows beyond the number `after`: up to that they were told before the file was written."""
        opened, cursor = self._opened, self._held(lambda: self._connection.execute(query, values))
        while self._opened == opened:
            rows = self._held(lambda: cursor.fetchmany(_AT_ONCE))
            yield from (row for row in rows if row[0] > after)
            if len(rows) < _AT_ONCE:
                return
        raise _Outdated

    def _held(self, work: Callable[[], T]) -> T:
        """What `work` answers. Raises _Outdated where the file was written meanwhile, whatever that is worth then."""
        try:
            answer = work()
        except Exception as error:  # what was written meanwhile may look damaged, too
            name = getattr(error, "sqlite_errorname", "")
            is_passing = name in _LEFT_SO or (name.startswith(_GONE) and self._has_changed())
            if is_passing or self._is_outdated():
                raise _Outdated from None
            raise
        if self._is_outdated():
            raise _Outdated
        return answer

    def _is_outdated(self) -> bool:
        return self._is_still and self._has_changed()

    def _has_changed(self) -> bool:
        with files.translating(self._path):
            return _looks_of(self._real) != self._seen

    def _restless(self) -> StoreError:
        return StoreError(f"{self._path} is written again and again while it is read; run again")

    def _open_after(self, wait: float) -> None:
        self.close()
        self._sleep(wait)
        self._open()

    def _open(self) -> None:
        self.close()
        self._opened += 1
        with files.translating(self._path), sqlite.translating(self._path), ExitStack() as stack:
            self._real = Path(os.path.realpath(self._path))
            stack.enter_context(sqlite.reading_here(self._real))
            address = self._address(stack)
            self._connection = sqlite3.connect(
                address, uri=True, timeout=sqlite.BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            stack.callback(self._connection.close)
            self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_VALUE)
            self._connection.execute("PRAGMA trusted_schema = OFF")
            self._stack = stack.pop_all()

    def _address(self, stack: ExitStack) -> str:
        """How the file is opened so that nothing changes beside it."""
        looks = self._seen = _looks_of(self._real)
        address, self._is_still = f"{self._real.as_uri()}?mode=ro", False
        if sqlite.is_written_here(self._real) or _is_being_changed(self._real, looks):
            return address
        if not _has_more_than(_WAL_HEADER, looks.wal):  # with a header alone, who may not write is refused for ever
            self._is_still = True
            return f"{address}&immutable=1"
        if looks.shm is not None and looks != self._in_place:  # else it failed, and nothing was written meanwhile
            self._in_place = looks
            return f"{address}&readonly_shm=1"
        copy = self._copied(stack)
        return address if copy is None else f"{copy.as_uri()}?mode=rw"

    def _copied(self, stack: ExitStack) -> Path | None:
        """A copy of what a crash or a copy left, for SQLite to bring together; None where this process writes it now.

        The last one that closes a file leaves it so for a moment, too.
        """
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="campaign_runner-")))
        copy = folder / "copy.sqlite"
        for wait in WAITS:
            # No file of SQLite's may be opened and closed while this process writes it: that would let its locks go.
            with sqlite.no_writer_begins():
                before = _looks_of(self._real)
                if sqlite.is_written_here(self._real):
                    return None
                for suffix in ("", "-wal"):
                    _copy(beside(self._real, suffix), beside(copy, suffix))
            if _looks_of(self._real) == before:
                return copy
            self._sleep(wait)
        raise self._restless()


def beside(path: Path, suffix: str) -> Path:
    """One of SQLite's files beside `path`."""
    return path.with_name(f"{path.name}{suffix}")


def refuse_further_journal(path: Path) -> None:
    """The `-journal` beside `path` names no further file: ours never do, and what it names would be removed.

    Raises IntegrityError, StoreError.
    """
    journal = beside(path, "-journal")
    with files.translating(journal), suppress(FileNotFoundError), regular_files.open_regular(journal) as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - len(_MAGIC)))
        if file.read() == _MAGIC:
            raise IntegrityError(f"{journal} is not what a run writes; nothing was sent. Move it away and run again")


def _copy(source: Path, target: Path) -> None:
    """A new file, or none where there is none to copy."""
    target.unlink(missing_ok=True)
    with (
        suppress(FileNotFoundError),
        regular_files.open_regular(source) as content,
        files.translating(target),
        target.open("xb") as copy,
    ):
        shutil.copyfileobj(content, copy)


def _looks_of(path: Path) -> _Looks:
    """Raises OSError for what is not a regular file, or too large."""
    return _Looks(*(_look_of(f"{path}{suffix}") for suffix in ("", "-wal", "-shm", "-journal")))


def _look_of(path: str) -> _Look:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise regular_files.NotRegular(Path(path))
    if found.st_size > LARGEST_BYTES:
        raise regular_files.TooManyBytes(Path(path), LARGEST_BYTES)
    return found.st_ino, found.st_size, found.st_mtime_ns


def _is_being_changed(path: Path, looks: _Looks) -> bool:
    """Whether a `-journal` says what to take back. SQLite tells who is writing from who crashed, and refuses those."""
    if not _has_more_than(0, looks.journal):
        return False
    with suppress(FileNotFoundError), regular_files.open_regular(beside(path, "-journal")) as file:
        return file.read(len(_MAGIC)) == _MAGIC
    return False


def _has_more_than(size: int, look: _Look) -> bool:
    return look is not None and look[1] > size
