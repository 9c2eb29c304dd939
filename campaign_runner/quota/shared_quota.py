"""The organisation's allowance, shared by every process of this machine that uses the same credentials.

A log of what was sent, one row a request, in one SQLite file. A row is written before its request
leaves and counts as sent *now* until the answer sets its time, so it never counts as earlier than the service
counts it; that is why the whole allowance can be used, without a margin. Those who wait at once share a transaction.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
import time
from asyncio import CancelledError
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from campaign_runner.disk import files
from campaign_runner.disk.shared_file import SharedFile
from campaign_runner.ports import Allowance, Permit, Wait
from campaign_runner.quota.request_log import RequestLog, prepare
from campaign_runner.quota.senders import Sender
from campaign_runner.tasks import to_its_end
from campaign_runner.uptime import Uptime, unknown

SETTLED_WITHIN = 0.02
"""Seconds that an answer may wait for the next request's permit, to share its transaction: until then it counts as now.
"""


@dataclass(frozen=True, slots=True)
class QuotaLimits:
    """At most `per_minute` requests in any `minute` seconds and `per_day` in any `day` seconds."""

    per_minute: int = 4
    per_day: int = 9000
    minute: float = 60.0
    day: float = 86_400.0


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
        await self._file.transact(partial(self._settle, permit), within=SETTLED_WITHIN)

    async def give_back(self, permit: Permit) -> None:
        """The request never reached the service, or the service says it does not count."""
        await self._file.transact(lambda log: log.give_back(permit.id))

    async def block(self, seconds: float, *, told: float | None = None) -> int | None:
        """No one gets leave before `seconds` are over, an hour at most; see the port."""
        return await self._file.transact(partial(self._block, seconds, told))

    async def allowance(self) -> Allowance:
        """What is used now, in both windows."""
        return await self._file.transact(self._allowance)

    def _acquire(self, log: RequestLog) -> Permit | Wait:
        limits = self._limits
        waits = [
            Wait(log.wait(limits.per_minute, limits.minute), "minute"),
            Wait(log.wait(limits.per_day, limits.day), "day"),
            Wait(log.blocked(), "retry-after"),
            Wait(log.wait_as_believed(limits.per_minute), "minute"),
        ]
        longest = max(waits, key=lambda wait: wait.seconds)
        return longest if longest.seconds > 0 else Permit(log.insert())

    def _settle(self, permit: Permit, log: RequestLog) -> None:
        log.settle(permit.id)
        log.taken(self._limits.per_minute)

    def _block(self, seconds: float, told: float | None, log: RequestLog) -> int | None:
        belief = None if told is None else log.refused(told, self._limits.per_minute)
        log.block(seconds)
        return belief.in_a_minute if belief is not None and belief.is_sure else None

    def _allowance(self, log: RequestLog) -> Allowance:
        limits = self._limits
        return Allowance(limits.per_minute, limits.per_day, log.used(limits.minute), log.used(limits.day))

    def _begin(self, connection: sqlite3.Connection) -> RequestLog:
        """The log as it stands in a transaction. The clock is read under the lock: a later caller has a later time."""
        prepare(connection, self._path)
        log = RequestLog(connection, self._account, self._sender, self._now(connection))
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
