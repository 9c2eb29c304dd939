"""The organisation's allowance, shared by every process of this machine that uses the same credentials.

A log of what was sent, one row a request, in one SQLite file. A row is written before its request
leaves and counts as sent *now* until the answer sets its time, so it never counts as earlier than the service
counts it; that is why the whole allowance can be used, without a margin. Whoever waits at once shares a transaction.
"""

from __future__ import annotations

import hashlib
import math
import os
import secrets
import sqlite3
import sys
import time
from asyncio import CancelledError
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from campaign_runner.disk import files
from campaign_runner.disk.shared_file import SharedFile
from campaign_runner.errors import IntegrityError
from campaign_runner.ports import Allowance, Permit, Wait
from campaign_runner.tasks import to_its_end
from campaign_runner.uptime import Uptime, unknown

LONGEST_BLOCK = 3600.0
"""Seconds: a service that asks for more is asked again after this."""
ANSWERED_WITHIN = 60.0
"""Seconds after which a request of a process that died has reached the service, or never will."""
LOOK_AGAIN = 10.0
"""Seconds: an unanswered request may be given back at any moment, so no one waits longer before asking again."""

_VERSION = 2
_SCHEMA = """
CREATE TABLE IF NOT EXISTS sent (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    asked REAL NOT NULL,
    answered REAL,
    sender INTEGER NOT NULL,
    sender_started INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS sent_by_time ON sent (account, answered);
CREATE TABLE IF NOT EXISTS blocked (
    account TEXT PRIMARY KEY,
    until REAL NOT NULL,
    seconds REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS machine (
    boot TEXT PRIMARY KEY,
    began REAL NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class QuotaLimits:
    """At most `per_minute` requests in any `minute` seconds and `per_day` in any `day` seconds."""

    per_minute: int = 4
    per_day: int = 9000
    minute: float = 60.0
    day: float = 86_400.0


@dataclass(frozen=True, slots=True)
class Sender:
    """A process that sends. `started` tells it from a later one of the same id; 0 where that is unknown."""

    id: int
    started: int

    @classmethod
    def this(cls) -> Sender:
        return cls(os.getpid(), _started(os.getpid()) or 0)

    def is_alive(self) -> bool:
        """Whether it runs. Where the system cannot tell, no: its requests then count as those of a dead one."""
        if sys.platform == "linux":
            return _started(self.id) == self.started
        if sys.platform == "win32":
            return self == Sender.this()  # signal 0 would be Ctrl-C there
        try:
            os.kill(self.id, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def account_of(origin: str, client_id: str) -> str:
    """The account as the log names it: a digest, since the log may be read by others."""
    return hashlib.sha256(f"{origin}\n{client_id}".encode()).hexdigest()


class SharedQuota:
    """A Quota in the file `quota.sqlite` of the state folder, which is made if missing.

    `account` is `account_of` the credentials. `clock` gives wall seconds: other processes
    and later runs read them. It is read once a start of the machine where `uptime` is known, so that no one
    who sets it makes the allowance come back early or late. Every method raises StoreError where the file
    cannot be written. Within `async with` its file is kept open.
    """

    def __init__(
        self,
        folder: Path,
        account: str,
        *,
        limits: QuotaLimits | None = None,
        clock: Callable[[], float] = time.time,
        uptime: Callable[[], Uptime | None] = unknown,
    ) -> None:
        self._path = folder / "quota.sqlite"
        self._account = account
        self._limits = limits or QuotaLimits()
        self._clock = clock
        self._uptime = uptime
        self._sender = Sender.this()
        self._file = SharedFile(self._path, self._make_file, self._begin)

    async def __aenter__(self) -> Self:
        await self._file.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._file.__aexit__(*error)

    async def acquire(self) -> Permit | Wait:
        """Leave to send one request, or how long to wait before asking again."""
        asking = self._file.asked(self._acquire)
        try:
            return await to_its_end(asking)
        except CancelledError:
            # No one will send what is granted now, and no one would ever settle it.
            if asking.done() and isinstance(granted := asking.result(), Permit):
                await self.give_back(granted)
            raise

    async def settle(self, permit: Permit) -> None:
        """An answer arrived, or none ever will: the request counts from now on as sent now."""
        await self._file.transact(lambda log: log.settle(permit.id))

    async def give_back(self, permit: Permit) -> None:
        """The request never reached the service, or the service says it does not count."""
        await self._file.transact(lambda log: log.give_back(permit.id))

    async def block(self, seconds: float) -> None:
        """The service told us to wait: no one gets leave before `seconds` are over, an hour at most."""
        await self._file.transact(lambda log: log.block(seconds))

    async def allowance(self) -> Allowance:
        """What is used now, in both windows."""
        return await self._file.transact(self._allowance)

    def _acquire(self, log: _Log) -> Permit | Wait:
        limits = self._limits
        waits = [
            Wait(log.wait(limits.per_minute, limits.minute), "minute"),
            Wait(log.wait(limits.per_day, limits.day), "day"),
            Wait(log.blocked(), "retry-after"),
        ]
        longest = max(waits, key=lambda wait: wait.seconds)
        return longest if longest.seconds > 0 else Permit(log.insert())

    def _allowance(self, log: _Log) -> Allowance:
        limits = self._limits
        return Allowance(limits.per_minute, limits.per_day, log.used(limits.minute), log.used(limits.day))

    def _begin(self, connection: sqlite3.Connection) -> _Log:
        """The log as it stands in a transaction. The clock is read under the lock: a later caller has a later time."""
        _prepare(connection, self._path)
        log = _Log(connection, self._account, self._sender, self._now(connection))
        log.tidy(self._limits.day)
        return log

    def _now(self, connection: sqlite3.Connection) -> float:
        """Wall seconds, as the machine has counted them since it was first asked after its start."""
        wall, up = self._clock(), self._uptime()
        if up is None:
            return wall
        row = connection.execute("SELECT began FROM machine WHERE boot = ?", (up.boot,)).fetchone()
        if row is not None:
            return float(row[0]) + up.seconds
        connection.execute("DELETE FROM machine")
        connection.execute("INSERT INTO machine VALUES (?, ?)", (up.boot, wall - up.seconds))
        return wall

    def _make_file(self) -> None:
        """Make the file for its owner alone. SQLite would let everyone read it."""
        staged = self._path.with_name(f".{self._path.name}.{secrets.token_hex(8)}.tmp")
        with files.translating(self._path):
            if self._path.exists():
                return
            files.make_folder(self._path.parent, mode=0o700)
            os.close(os.open(staged, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            # Never opened under its own name: closing it would drop the locks SQLite holds on it for other threads.
            files.publish_new(staged, self._path)
        finally:
            files.remove(staged)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables. Raises IntegrityError for a file of a newer version."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        raise IntegrityError(f"{path} was written by a newer campaign_runner; upgrade this one")
    if version < _VERSION:
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {_VERSION}")


class _Log:
    """The rows of one account as of `now`, inside a transaction."""

    def __init__(self, connection: sqlite3.Connection, account: str, sender: Sender, now: float) -> None:
        self._connection = connection
        self._account = account
        self._sender = sender
        self._now = now
        self._unanswered = 0
        self._lost: list[float] = []

    def tidy(self, day: float) -> None:
        """Bring back what a clock set back left in the future, forget what no window sees."""
        execute, now = self._connection.execute, self._now
        account = self._account
        execute("UPDATE sent SET asked = ? WHERE account = ? AND answered IS NULL AND asked > ?", (now, account, now))
        execute("UPDATE sent SET answered = ? WHERE account = ? AND answered > ?", (now, account, now))
        execute("UPDATE blocked SET until = ? + seconds WHERE until > ? + seconds", (now, now))
        self._read_unanswered()
        for each in self._accounts():
            # A second more than rounding can cost.
            execute("DELETE FROM sent WHERE account = ? AND answered < ?", (each, now - day - 1))

    def wait(self, limit: int, window: float) -> float:
        """Seconds until fewer than `limit` requests are in `window`; 0 if that is so now.

        No longer than LOOK_AGAIN where an unanswered request could make room by being given back.
        """
        at_best = self._until_fewer(self._lost, limit, window)
        if not self._unanswered:
            return at_best
        at_worst = self._until_fewer([*self._lost, *[self._now] * self._unanswered], limit, window)
        return max(at_best, min(at_worst, LOOK_AGAIN))

    def used(self, window: float) -> int:
        """How many requests are in `window`."""
        (answered,) = self._connection.execute(
            "SELECT count(*) FROM sent WHERE account = ? AND answered + ? > ?", (self._account, window, self._now)
        ).fetchone()
        return self._unanswered + len(self._lost) + int(answered)

    def blocked(self) -> float:
        """Seconds until the service may be asked again."""
        row = self._connection.execute("SELECT until FROM blocked WHERE account = ?", (self._account,)).fetchone()
        return seconds_until(row[0], self._now) if row else 0.0

    def block(self, seconds: float) -> None:
        seconds = min(max(0.0, seconds), LONGEST_BLOCK)
        self._connection.execute(
            "INSERT INTO blocked VALUES (?, ?, ?) ON CONFLICT (account) DO UPDATE"
            " SET until = excluded.until, seconds = excluded.seconds WHERE excluded.until > blocked.until",
            (self._account, self._now + seconds, seconds),
        )

    def insert(self) -> int:
        row = self._connection.execute(
            "INSERT INTO sent (account, asked, sender, sender_started) VALUES (?, ?, ?, ?)",
            (self._account, self._now, self._sender.id, self._sender.started),
        )
        self._unanswered += 1
        return int(row.lastrowid or 0)

    def settle(self, id: int) -> None:
        self._connection.execute("UPDATE sent SET answered = ? WHERE id = ?", (self._now, id))
        self._read_unanswered()  # others may ask in the same transaction

    def give_back(self, id: int) -> None:
        self._connection.execute("DELETE FROM sent WHERE id = ?", (id,))
        self._read_unanswered()

    def _accounts(self) -> Iterator[str]:
        """All accounts of the file, one step of its index each: the rows of a day may be very many."""
        last = ""
        query = "SELECT min(account) FROM sent WHERE account > ?"
        while (account := self._connection.execute(query, (last,)).fetchone()[0]) is not None:
            yield account
            last = account

    def _most_rows(self) -> int:
        """At least as many as there are of all accounts, without counting them."""
        query = "SELECT (SELECT max(id) FROM sent) - (SELECT min(id) FROM sent) + 1"
        return int(self._connection.execute(query).fetchone()[0] or 0)

    def _until_fewer(self, others: Sequence[float], limit: int, window: float) -> float:
        """Seconds until fewer than `limit` of the answered requests and `others`, rows too, are in `window`."""
        if self._most_rows() < limit:
            return 0.0
        # Whatever the others are, the limit-th latest of all is one of them or among these.
        skipped = max(0, limit - 1 - len(others))
        rows = self._connection.execute(
            "SELECT answered FROM sent WHERE account = ? AND answered IS NOT NULL"
            " ORDER BY answered DESC LIMIT ? OFFSET ?",
            (self._account, limit - skipped, skipped),
        )
        latest = sorted([*others, *(answered for (answered,) in rows)], reverse=True)[: limit - skipped]
        return seconds_until(latest[-1] + window, self._now) if len(latest) == limit - skipped else 0.0

    def _read_unanswered(self) -> None:
        """Count those of living processes, and note when those of dead ones reached the service at the latest.

        Once that moment has come, a dead one's request is answered as far as anyone will ever know.
        """
        self._unanswered, self._lost = 0, []
        for id, asked, *sender in self._connection.execute(
            "SELECT id, asked, sender, sender_started FROM sent WHERE account = ? AND answered IS NULL",
            (self._account,),
        ).fetchall():
            latest = asked + ANSWERED_WITHIN
            if Sender(*sender) == self._sender or Sender(*sender).is_alive():  # who asks need not be asked
                self._unanswered += 1
            elif latest > self._now:
                self._lost.append(latest)
            else:
                self._connection.execute("UPDATE sent SET answered = ? WHERE id = ?", (latest, id))


def seconds_until(moment: float, now: float) -> float:
    """Seconds from `now` that, added to it, are not before `moment`: rounding must not make anyone ask twice."""
    seconds = max(0.0, moment - now)
    return seconds if now + seconds >= moment else seconds + math.ulp(moment)


def _started(process: int) -> int | None:
    """When a process of Linux started, in ticks since the machine did; None if it is dead or cannot be seen."""
    try:
        line = Path(f"/proc/{process}/stat").read_text(errors="replace")
    except OSError:
        return None
    state, *fields = line.rpartition(")")[2].split()
    return None if state in "ZX" else int(fields[18])
