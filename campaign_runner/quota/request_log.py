"""The rows of one account in the shared file: what was sent and when, who waits until when, what refusals taught."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from pathlib import Path

from campaign_runner.errors import IntegrityError
from campaign_runner.quota.beliefs import MINUTE, Belief, Refusal, after_acceptance, after_refusal, is_over
from campaign_runner.quota.senders import Sender

LONGEST_BLOCK = 3600.0
"""Seconds: a service that asks for more is asked again after this."""
ANSWERED_WITHIN = 60.0
"""Seconds after which a request of a process that died has reached the service, or never will."""
LOOK_AGAIN = 10.0
"""Seconds: an unanswered request may be given back at any moment, so no one waits longer before asking again."""

TRIED_WITHIN = 1.0
"""Seconds after which it is looked again whether the request that tries for more was answered."""

_VERSION = 3
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
CREATE TABLE IF NOT EXISTS beliefs (
    account TEXT PRIMARY KEY,
    per_minute INTEGER NOT NULL,
    pause REAL NOT NULL,
    try_after REAL NOT NULL,
    refused INTEGER NOT NULL,
    at REAL NOT NULL
);
"""


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables. Raises IntegrityError for a file of a newer version."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        raise IntegrityError(f"{path} was written by a newer campaign_runner; upgrade this one")
    if version < _VERSION:
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {_VERSION}")


class RequestLog:
    """The rows of one account as of `now`, inside a transaction."""

    def __init__(self, connection: sqlite3.Connection, account: str, sender: Sender, now: float) -> None:
        self._connection = connection
        self._account = account
        self._sender = sender
        self._now = now
        self._read: tuple[int, list[float]] | None = None
        self._most: int | None = None  # rows
        self._believed: tuple[Belief | None] | None = None

    def tidy(self, day: float) -> None:
        """Bring back what a clock set back left in the future, forget what no window sees."""
        execute, now = self._connection.execute, self._now
        account = self._account
        execute("UPDATE sent SET asked = ? WHERE account = ? AND answered IS NULL AND asked > ?", (now, account, now))
        execute("UPDATE sent SET answered = ? WHERE account = ? AND answered > ?", (now, account, now))
        execute("UPDATE blocked SET until = ? + seconds WHERE until > ? + seconds", (now, now))
        self._read = self._read_unanswered()
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

    def wait_as_believed(self, limit: int) -> float:
        """Seconds until one more request may leave by what refusals taught; 0 where they taught nothing."""
        belief = self.belief()
        if belief is None:
            return 0.0
        if belief.pause:
            last = self._now if self._unanswered else self._last()
            return min(seconds_until(last + belief.pause, self._now), LOOK_AGAIN)
        if self.used(MINUTE) < belief.per_minute:
            return 0.0
        if self._now >= belief.try_after:
            return TRIED_WITHIN if self._unanswered else 0.0  # one at a time
        return min(self.wait(belief.per_minute, MINUTE), seconds_until(belief.try_after, self._now))

    def belief(self) -> Belief | None:
        """What refusals taught of late."""
        if self._believed is None:
            query = "SELECT per_minute, pause, try_after, refused, at FROM beliefs WHERE account = ?"
            row = self._connection.execute(query, (self._account,)).fetchone()
            self._believed = (None if row is None or is_over(belief := Belief(*row), self._now) else belief,)
        return self._believed[0]

    def refused(self, wait: float, limit: int) -> Belief | None:
        """A request was refused for `wait` seconds: what is believed from now on."""
        is_alone = self._unanswered <= 1  # else one beside it may have been taken just now
        since_last = self._now - self._last() if is_alone else 0.0
        before, is_first = self.belief(), self.blocked() == 0.0
        since = self._now - before.at if before else 0.0
        refusal = Refusal(self._now, wait, self._taken(MINUTE), since_last, is_first, self._taken(since), since)
        return self._believe(before, after_refusal(before, refusal, limit))

    def taken(self, limit: int) -> None:
        """A request was taken. Not where one beside it was refused: it may have left before that."""
        if (belief := self.belief()) is not None and self.blocked() == 0.0:
            self._believe(belief, after_acceptance(belief, self._taken(MINUTE), limit))

    def _believe(self, before: Belief | None, belief: Belief | None) -> Belief | None:
        if belief is not None and belief != before:
            values = (self._account, *astuple(belief))
            self._connection.execute("INSERT OR REPLACE INTO beliefs VALUES (?, ?, ?, ?, ?, ?)", values)
            self._believed = None
        return belief

    def _taken(self, window: float) -> int:
        """How many requests were answered within `window` seconds."""
        return self.used(window) - self._unanswered - len(self._lost)

    def _last(self) -> float:
        """When the last request was answered; long ago where none was."""
        query = "SELECT max(answered) FROM sent WHERE account = ?"
        (last,) = self._connection.execute(query, (self._account,)).fetchone()
        return self._now - MINUTE if last is None else float(last)

    def insert(self) -> int:
        row = self._connection.execute(
            "INSERT INTO sent (account, asked, sender, sender_started) VALUES (?, ?, ?, ?)",
            (self._account, self._now, self._sender.id, self._sender.started),
        )
        if self._read is not None:
            self._read = self._unanswered + 1, self._lost
        self._most = None if self._most is None else self._most + 1
        return int(row.lastrowid or 0)

    def settle(self, id: int) -> None:
        self._connection.execute("UPDATE sent SET answered = ? WHERE id = ?", (self._now, id))
        self._read = None  # others may ask in the same transaction

    def give_back(self, id: int) -> None:
        self._connection.execute("DELETE FROM sent WHERE id = ?", (id,))
        self._read = None

    def _accounts(self) -> Iterator[str]:
        """All accounts of the file, one step of its index each: the rows of a day may be very many."""
        last = ""
        query = "SELECT min(account) FROM sent WHERE account > ?"
        while (account := self._connection.execute(query, (last,)).fetchone()[0]) is not None:
            yield account
            last = account

    def _most_rows(self) -> int:
        """At least as many as there are of all accounts, without counting them."""
        if self._most is None:
            query = "SELECT (SELECT max(id) FROM sent) - (SELECT min(id) FROM sent) + 1"
            self._most = int(self._connection.execute(query).fetchone()[0] or 0)
        return self._most

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

    @property
    def _unanswered(self) -> int:
        """How many requests of living processes have no answer."""
        self._read = self._read or self._read_unanswered()
        return self._read[0]

    @property
    def _lost(self) -> list[float]:
        """When those of dead ones will have reached the service at the latest."""
        self._read = self._read or self._read_unanswered()
        return self._read[1]

    def _read_unanswered(self) -> tuple[int, list[float]]:
        """Both, as the rows say. Once that moment has come, a dead one's request counts as answered."""
        unanswered, lost = 0, list[float]()
        own = self._sender.id, self._sender.started
        for id, asked, *sender in self._connection.execute(
            "SELECT id, asked, sender, sender_started FROM sent WHERE account = ? AND answered IS NULL",
            (self._account,),
        ).fetchall():
            latest = asked + ANSWERED_WITHIN
            if tuple(sender) == own or Sender(*sender).is_alive():  # who asks need not be asked
                unanswered += 1
            elif latest > self._now:
                lost.append(latest)
            else:
                self._connection.execute("UPDATE sent SET answered = ? WHERE id = ?", (latest, id))
        return unanswered, lost


def seconds_until(moment: float, now: float) -> float:
    """Seconds from `now` that, added to it, are not before `moment`: rounding must not make anyone ask twice."""
    seconds = max(0.0, moment - now)
    return seconds if now + seconds >= moment else seconds + math.ulp(moment)
