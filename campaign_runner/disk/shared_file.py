"""A small SQLite file that many processes write, each transaction alone among all of them.

Callers of one process that wait at the same time share a transaction. While a `SharedFile` is entered its connection
is kept; before each use it is compared with its path, so a file that was removed, replaced or made read-only meanwhile
is noticed as if it had just been opened.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

from campaign_runner.disk import files
from campaign_runner.disk.shared_calls import SharedCalls, in_executor
from campaign_runner.disk.sqlite import connect, translated
from campaign_runner.tasks import in_thread, to_its_end

R = TypeVar("R")
T = TypeVar("T")


class SharedFile(Generic[R]):
    """The file at `path`. `begin` is called under the lock of each transaction; its answer is handed to all its works.

    `make` sees to it that the file is there. Outside of `async with` a connection is opened for each transaction.
    """

    def __init__(self, path: Path, make: Callable[[], None], begin: Callable[[sqlite3.Connection], R]) -> None:
        self._path = path
        self._make = make
        self._begin = begin
        self._calls = SharedCalls(in_executor(self._commit))
        self._is_kept = False
        self._connection: sqlite3.Connection | None = None
        self._identity = (0, 0)  # device and number of the file that is open

    async def __aenter__(self) -> Self:
        self._is_kept = True
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._calls.ended()
        self._is_kept = False
        await in_thread(self._close)

    async def transact(self, work: Callable[[R], T], *, within: float = 0.0) -> T:
        """Run `work` alone among all processes; durable on return. A caller who is cancelled leaves only after it.

        It may wait `within` so many seconds for others who share its transaction. What goes wrong is told to all of
        them, and nothing of it is done. Raises StoreError, IntegrityError.
        """
        return await to_its_end(self._calls.asked(work, within=within))

    def asked(self, work: Callable[[R], T]) -> asyncio.Future[T]:
        """The answer of `transact` to come: `work` is on its way, whether anyone waits for it or not."""
        return self._calls.asked(work)

    def _commit(self, works: list[Callable[[R], Any]]) -> list[Any]:
        try:
            connection = self._opened()
            connection.execute("BEGIN IMMEDIATE")
            begun = self._begin(connection)
            answers = [work(begun) for work in works]
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._close()
            raise translated(error, self._path) from error
        except BaseException:
            self._close()  # rolls back
            raise
        if not self._is_kept:
            self._close()
        return answers

    def _opened(self) -> sqlite3.Connection:
        """The kept connection, if it is still the file of that path and may be written; otherwise a new one."""
        if self._connection is None or self._is_stale():
            self._close()
            self._make()
            self._connection = connect(self._path, wal=False)
            self._identity = self._found() or (0, 0)
        return self._connection

    def _is_stale(self) -> bool:
        return self._found() != self._identity or not all(map(_is_writable, (self._path, self._path.parent)))

    def _found(self) -> tuple[int, int] | None:
        """Device and number of the file that is under the path now; None where there is none."""
        with files.translating(self._path):
            try:
                found = self._path.stat()
            except FileNotFoundError:
                return None
        return found.st_dev, found.st_ino

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
