"""SQLite the way the record needs it: open, pragmas, one commit for many writers.

`connect` opens a file with the promises of its kind. `Committer` lets many callers
share a commit: each hands in what to write and waits until it is durable.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from campaign_runner.disk.patience import WAITS
from campaign_runner.disk.shared_calls import SharedCalls, in_executor
from campaign_runner.errors import DiskFull, IntegrityError, NameTooLong, StoreError
from campaign_runner.model import REHEARSAL

T = TypeVar("T")
BUSY_SECONDS = 30.0
CHECKPOINT_MILLISECONDS = 1000
"""How long a closing writer waits for readers, in milliseconds."""
_LONG_PATH = 490
"""Bytes. Many SQLites take 512 with what they add to a name, and do not say that this is why."""

_TURN = threading.RLock()
_written: dict[str, list[sqlite3.Connection]] = {}
_read: Counter[str] = Counter()
"""What this process has open to be written, and how often it reads what without a trace, by its real path."""


def connect(path: Path, *, wal: bool) -> sqlite3.Connection:
    """Open `path` for writing, with explicit transactions (`BEGIN` is the caller's word).

    `wal` for a record with one writing process and readers beside it; without it a rollback journal, for a
    file that many processes write. A commit survives a power cut in both. Raises StoreError, IntegrityError.
    """
    if not wal:
        with translating(path):
            return _connected(path, wal=False)
    real = os.path.realpath(path)
    waits = iter(WAITS)
    while True:
        with translating(path), _TURN:
            connection = _connected(path, wal=True)
            if not _read[real] or _may_write(connection):
                _written.setdefault(real, []).append(connection)
                return connection
            connection.close()
        if (wait := next(waits, None)) is None:
            raise StoreError(f"{path} is still being read by this very process; run again")
        time.sleep(wait)


def _connected(path: Path, *, wal: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _may_write(connection: sqlite3.Connection) -> bool:
    """Whether it may: where a reader of this process came first, SQLite has them share what that may not write."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname != "SQLITE_READONLY":
            raise
        return False
    connection.execute("ROLLBACK")
    return True


def is_written_here(real: Path) -> bool:
    """Whether this process has the file at the real path `real` open to be written."""
    with _TURN:
        still = [connection for connection in _written.pop(str(real), ()) if _is_open(connection)]
        if still:
            _written[str(real)] = still
        return bool(still)


def _is_open(connection: sqlite3.Connection) -> bool:
    try:
        return connection.total_changes >= 0
    except sqlite3.ProgrammingError:
        return False


@contextmanager
def reading_here(real: Path) -> Iterator[None]:
    """While the block runs, this process knows that it reads `real` without a trace."""
    with _TURN:
        _read[str(real)] += 1
    try:
        yield
    finally:
        with _TURN:
            _read[str(real)] -= 1


@contextmanager
def no_writer_begins() -> Iterator[None]:
    """While the block runs, nothing of this process begins to write a file."""
    with _TURN:
        yield


def what_mends(path: Path) -> str:
    """What to do about a damaged file; the folder of a rehearsal holds nothing that was paid for."""
    if not path.parent.name.endswith(REHEARSAL):
        return "Restore it from a backup"
    return f"It is of a rehearsal, and cost nothing: delete {path.parent} and run with --sandbox again"


def translated(error: sqlite3.Error, path: Path) -> StoreError | IntegrityError:
    """The package's word for what SQLite says."""
    match getattr(error, "sqlite_errorname", ""):
        case code if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or "decode to UTF-8" in str(error):
            return IntegrityError(f"{path} is damaged ({error}); nothing was sent. {what_mends(path)}")
        case "SQLITE_TOOBIG":
            return IntegrityError(f"{path} is damaged (a value larger than any of ours); nothing was sent")
        case "SQLITE_FULL":
            return DiskFull(f"the disk is full: {path} cannot be written; make room and run again")
        case "SQLITE_CANTOPEN" if (length := len(os.fsencode(path.absolute()))) > _LONG_PATH:
            return NameTooLong(
                f"{path} cannot be opened: its path has {length:,} characters, and SQLite may take no more than "
                f"{_LONG_PATH}. Nothing is bought. Say with --output a place whose path is shorter"
            )
        case "SQLITE_READONLY" | "SQLITE_CANTOPEN" | "SQLITE_PERM":
            return StoreError(f"{path} cannot be opened for writing; check its permissions and run again")
        case _:
            return StoreError(f"{path}: {error}; run again")


@contextmanager
def translating(path: Path) -> Iterator[None]:
    """What SQLite raises inside becomes StoreError or IntegrityError about `path`."""
    try:
        yield
    except sqlite3.Error as error:
        raise translated(error, path) from error


@contextmanager
def small(path: Path, table: str) -> Iterator[sqlite3.Connection]:
    """A file of one table that many processes share, opened for a moment. Raises StoreError, IntegrityError."""
    connection = connect(path, wal=False)
    try:
        with translating(path):
            connection.execute(table)
            yield connection
    finally:
        connection.close()


@contextmanager
def scratch(table: str) -> Iterator[sqlite3.Connection]:
    """A file of one table that no one else sees, gone with the block; it grows on the disk, not in memory."""
    connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(table)
        connection.execute("BEGIN")
        yield connection
    finally:
        connection.close()


class Committer:
    """One writer for many callers: what is handed in together is committed together.

    Use as `async with Committer(connection, path) as committer:`. The connection is used in one thread.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._calls = SharedCalls(in_executor(self._commit, self._executor))
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_closed = True
        await self._calls.ended()
        gathering = asyncio.get_running_loop().run_in_executor(self._executor, self._gather)
        await asyncio.wait([gathering])
        self._executor.shutdown()
        self._connection.close()
        gathering.result()

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` inside a transaction; its answer comes once the transaction is durable.

        A batch whose commit fails is rolled back whole and every caller is told. A caller who is cancelled leaves at
        once, and `work` is done all the same. Raises StoreError, IntegrityError.
        """
        if self._is_closed:
            raise RuntimeError(f"{self._path} is closed")
        answer: T = await self._calls.asked(work)
        return answer

    def _commit(self, works: list[Callable[[sqlite3.Connection], Any]]) -> list[Any]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            answers = [work(self._connection) for work in works]
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise translated(error, self._path) from error
        except BaseException:
            self._roll_back()
            raise
        return answers

    def _gather(self) -> None:
        """Bring what is in the `-wal` file home, so that the file alone is the whole record: copies are made of it.

        SQLite does so itself where no one else has the file open. A reader who has may keep some of it back.
        """
        with suppress(sqlite3.Error):  # what is committed is durable either way, and the next opening finds it
            self._connection.execute(f"PRAGMA busy_timeout = {CHECKPOINT_MILLISECONDS}")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
