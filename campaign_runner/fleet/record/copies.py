"""A copy of a campaign's record on this machine: an ordinary journal, which everything that reads one reads.

It says what the entries up to `seq` say. A copy that is damaged, or of another database, is made again from the
database; one that knows more than the database is a sign that the database was restored.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, Self, TypeAlias

from campaign_runner.disk import files
from campaign_runner.disk.locks import KernelLock
from campaign_runner.disk.sqlite import Committer
from campaign_runner.errors import IntegrityError, StoreError
from campaign_runner.events import Fact
from campaign_runner.fleet.database import Database, DatabaseIdentity
from campaign_runner.fleet.record.entries import LogEntry, apply
from campaign_runner.journal.tables import FILE, open_for_writing
from campaign_runner.tasks import in_thread

_OF, _SEQ = "fleet_campaign", "fleet_seq"
"""What the copy notes: of which campaign it is, and up to which entry."""
_LOCK_SECONDS = 30.0
Result: TypeAlias = Fact | int | None
"""What an entry did: the fact as it was recorded, or how many images a decision moved."""


class RecordCopy:
    """The copy in `folder` of the campaign with the number `campaign`. Use as `async with RecordCopy(…) as copy:`."""

    def __init__(self, folder: Path, campaign: int, identity: DatabaseIdentity) -> None:
        self.path = folder / FILE
        self._campaign = campaign
        self._of = f"{identity.id} {identity.restored} {campaign}"
        self._stack = AsyncExitStack()
        self._turn = asyncio.Lock()
        self._expected: dict[str, list[Result]] = {}
        self.heard: Callable[[Fact], None] = lambda fact: None
        """Told each fact of the record once the copy has it."""
        self.seq = 0

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            connection = await in_thread(self._opened)
            self.committer = await stack.enter_async_context(Committer(connection, self.path))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def refresh(self, database: Database) -> None:
        """Bring it up to what the database says now. Raises what `Database.call` raises, IntegrityError."""
        await self.catch_up(database, await database.call("entries_since", self._campaign, self.seq))

    @contextmanager
    def expecting(self, nonce: str) -> Iterator[list[Result]]:
        """What the entries with this nonce do, in their order, even if another task applies them meanwhile."""
        results = self._expected[nonce] = []
        try:
            yield results
        finally:
            del self._expected[nonce]

    async def catch_up(self, database: Database, told: dict[str, Any]) -> None:
        """Apply what the database told, and what it did not tell yet of what it has."""
        async with self._turn:
            while True:
                if told["last"] < self.seq and not told["entries"]:
                    await self._refuse_the_past(database)
                await self._apply([LogEntry.of(entry) for entry in told["entries"]])
                if self.seq >= told["last"] or not told["entries"]:
                    return
                told = await database.call("entries_since", self._campaign, self.seq)

    async def _refuse_the_past(self, database: Database) -> None:
        """Others may have brought the copy further meanwhile; but never further than the database is."""
        told = await database.call("entries_since", self._campaign, self.seq)
        if told["last"] < self.seq:
            raise IntegrityError(
                "the database knows less of this campaign than this machine does, so it was restored from a "
                "backup; nothing more was sent. Run `campaign-runner fleet init --after-restore`"
            )

    async def _apply(self, entries: Sequence[LogEntry]) -> None:
        new = [entry for entry in entries if entry.seq > self.seq]
        if not new:
            return
        if [entry.seq for entry in new] != list(range(self.seq + 1, self.seq + 1 + len(new))):
            raise IntegrityError("an entry is missing in the database's record; nothing more was sent. Restore it")
        done = await self.committer.write(lambda db: self._written(new, db))
        self.seq = new[-1].seq
        for entry, result in zip(new, done, strict=True):
            if entry.nonce in self._expected:
                self._expected[entry.nonce].append(result)
            if result is not None and not isinstance(result, int):
                self.heard(result)

    def _written(self, new: Sequence[LogEntry], db: sqlite3.Connection) -> list[Result]:
        known = _seq_of(db)  # another process of this machine may have applied some of them meanwhile
        try:
            done = [apply(entry, db) if entry.seq > known else _repeated(entry, db) for entry in new]
        except (ValueError, TypeError, KeyError) as error:
            raise IntegrityError(
                "the database's record has an entry that this version does not know; nothing more was sent. Upgrade"
            ) from error
        db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_SEQ, str(max(known, new[-1].seq))))
        return done

    def _opened(self) -> sqlite3.Connection:
        """One process at a time: it may have to be made."""
        files.make_folder(self.path.parent, mode=0o700)
        lock = KernelLock(self.path.with_name(".lock"))
        if not lock.take(_LOCK_SECONDS):
            raise StoreError(f"{self.path.parent} has been locked for {_LOCK_SECONDS:.0f} s; run again")
        try:
            return self._connected()
        finally:
            lock.release()

    def _connected(self) -> sqlite3.Connection:
        try:
            connection = open_for_writing(self.path)
        except IntegrityError:
            connection = self._made_again()
        noted = dict(connection.execute("SELECT name, value FROM meta WHERE name IN (?, ?)", (_OF, _SEQ)).fetchall())
        if noted and noted.get(_OF) != self._of:
            connection.close()
            connection, noted = self._made_again(), {}
        if not noted:
            connection.execute("INSERT INTO meta VALUES (?, ?)", (_OF, self._of))
        connection.execute("PRAGMA synchronous = NORMAL")  # what a power cut takes is in the database
        self.seq = int(noted.get(_SEQ, "0"))
        return connection

    def _made_again(self) -> sqlite3.Connection:
        for suffix in ("", "-wal", "-shm", "-journal"):
            files.remove(self.path.with_name(f"{self.path.name}{suffix}"))
        return open_for_writing(self.path)


def _seq_of(db: sqlite3.Connection) -> int:
    """Up to which entry the copy says what the record does."""
    row = db.execute("SELECT value FROM meta WHERE name = ?", (_SEQ,)).fetchone()
    return int(row[0]) if row is not None else 0


def _repeated(entry: LogEntry, db: sqlite3.Connection) -> Result:
    """What an entry did that the copy has already; nothing of it is done again."""
    db.execute("SAVEPOINT repeated")
    try:
        return apply(entry, db)
    finally:
        db.execute("ROLLBACK TO repeated")
        db.execute("RELEASE repeated")
