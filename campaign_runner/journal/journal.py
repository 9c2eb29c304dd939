"""The Journal port on SQLite: one writer for a folder, many events a commit."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from campaign_runner.disk.sqlite import Committer
from campaign_runner.events import Attempt, Cause, Doubted, Fact
from campaign_runner.journal.facts import Stamp, Writer
from campaign_runner.journal.ledger import UNANSWERED
from campaign_runner.journal.tables import FILE, SUBMITTING, open_for_writing, reading, recorded_recipe
from campaign_runner.model import Cell, Job, Recipe, Size, State, Ticket, Variation, last_part
from campaign_runner.ports import Unfinished

SANDBOX_ENDED = Cause("sandbox_ended", "the sandbox of an earlier run ended with its process")
UPLOADS_LIVE = timedelta(days=6.5)
"""Adobe keeps an upload for seven days; half a day is left for the job that uses it."""
_PAGE = 200
T = TypeVar("T")


def _known_at_origin(job_id: str) -> str:
    """Under which name it is noted that the API origin has once answered about a job."""
    return f"known at the API origin: {job_id}"


class SqliteJournal:
    """The journal of an output folder. Use as `async with SqliteJournal(folder) as journal:`.

    The caller holds the folder's lock. Opening begins a new epoch and declares in doubt every attempt
    of an earlier one that has no answer: its sender is gone. Raises IntegrityError, StoreError.
    """

    def __init__(self, folder: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path = folder / FILE
        self._now = now
        self._stack = AsyncExitStack()
        self._epoch = 0
        self._worker = str(os.getpid())

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            connection = await loop.run_in_executor(None, open_for_writing, self._path)
            self._committer = await stack.enter_async_context(Committer(connection, self._path))
            with reading(self._path):
                self._epoch = await self._committer.write(self._open_epoch)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def intend(self, attempts: Sequence[Attempt]) -> Sequence[Attempt]:
        """See Journal.intend."""
        return await self._write(lambda pen: [attempt for attempt in attempts if pen.intend(attempt)])

    async def is_wanted(self, job: Job) -> bool:
        """See Journal.is_wanted: this journal knows of no one else who buys."""
        return True

    async def begun(self) -> int:
        """How many requests were ever about to be sent from this folder, refused ones too: the number only grows."""
        query = "SELECT coalesce(max(number), 0) FROM attempts"
        return await self._committer.write(lambda db: int(db.execute(query).fetchone()[0]))

    async def record(self, facts: Sequence[Fact]) -> Sequence[Fact]:
        """See Journal.record."""
        return await self._write(lambda pen: [pen.record(fact) for fact in facts])

    async def unfinished(self) -> AsyncIterator[Unfinished]:
        """See Journal.unfinished."""
        after = 0
        while rows := await self._committer.write(partial(_accepted_attempts, path=self._path, after=after)):
            for number, unfinished in rows:
                after = number
                yield unfinished

    async def upload_id(self, sha256: str) -> str | None:
        """The id under which a reference image is at Adobe; None where it is not, or may not be any more."""
        after = (self._now() - UPLOADS_LIVE).isoformat(timespec="milliseconds")
        query = "SELECT upload_id FROM uploads WHERE sha256 = ? AND at > ?"
        row = await self._committer.write(lambda db: db.execute(query, (sha256, after)).fetchone())
        return None if row is None else str(row[0])

    async def has_namesake(self, job_id: str) -> bool:
        """See JobsOnRecord."""
        last = last_part(job_id)
        query = "SELECT 1 FROM attempts WHERE job_id != ? AND (job_id = ? OR substr(job_id, ?) IN (?, ?)) LIMIT 1"
        values = (job_id, last, -len(last) - 1, f":{last}", f"/{last}")
        return await self._committer.write(lambda db: db.execute(query, values).fetchone()) is not None

    async def is_known_at_origin(self, job_id: str) -> bool:
        """See JobsOnRecord."""
        query, name = "SELECT 1 FROM meta WHERE name = ?", _known_at_origin(job_id)
        return await self._committer.write(lambda db: db.execute(query, (name,)).fetchone()) is not None

    async def note_known_at_origin(self, job_id: str) -> None:
        """See JobsOnRecord."""
        await self.note({_known_at_origin(job_id): self._stamp().at})

    async def note(self, facts: Mapping[str, str]) -> None:
        """Note what is true of the whole folder (`campaign`, `origin`, `file`…); durable on return."""
        await self._write(lambda pen: pen.note(facts))

    async def decide(self, reason: Cause, keys: Iterable[str], *, states: tuple[State, ...], into: State) -> int:
        """A person's decision over those of `keys` that are in one of `states`; how many it moved."""
        return await self._write(lambda pen: pen.decide(reason, keys, states=states, into=into))

    async def take_back(self, reason: Cause, keys: Iterable[str]) -> int:
        """What a person gave up of `keys` is as it was before; how many that are. Raises IntegrityError, StoreError."""
        with reading(self._path):
            return await self._write(lambda pen: pen.take_back(reason, keys))

    async def forget_unfinished(self) -> int:
        """For a sandbox that ended with its process: what it still held becomes pending. How many jobs that was."""
        return await self._write(lambda pen: pen.forget((State.ACCEPTED, State.IN_DOUBT), SANDBOX_ENDED))

    async def _write(self, work: Callable[[Writer], T]) -> T:
        def inside(db: sqlite3.Connection) -> T:
            return work(Writer(db, self._stamp()))

        return await self._committer.write(inside)

    def _stamp(self) -> Stamp:
        return Stamp(self._now().isoformat(timespec="milliseconds"), self._epoch, self._worker)

    def _open_epoch(self, db: sqlite3.Connection) -> int:
        row = db.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()
        self._epoch = 1 + (int(row[0]) if row else 0)
        pen = Writer(db, self._stamp())
        pen.note({"epoch": str(self._epoch)})
        if row is None:
            pen.note({"created_at": self._stamp().at})
        for (attempt_id,) in db.execute("SELECT id FROM attempts WHERE outcome = 'open'").fetchall():
            pen.record(Doubted(Attempt(attempt_id, _job(db, attempt_id, SUBMITTING)), UNANSWERED))
        return self._epoch


def _accepted_attempts(db: sqlite3.Connection, path: Path, after: int) -> list[tuple[int, Unfinished]]:
    """A page of accepted attempts that still hold accepted variations, by the order of their submission."""
    rows = db.execute(
        "SELECT number, id, seeds, job_id, status_url, cancel_url, answered_at FROM attempts"
        " WHERE outcome = 'accepted' AND number > ?"
        " AND EXISTS (SELECT 1 FROM variations v WHERE v.attempt = attempts.id AND v.state = ?)"
        " ORDER BY number LIMIT ?",
        (after, State.ACCEPTED, _PAGE),
    ).fetchall()
    with reading(path):
        aside = _aside(db, [row[1] for row in rows])
        return [
            (
                number,
                Unfinished(
                    Attempt(attempt_id, _job(db, attempt_id, State.ACCEPTED)),
                    tuple(json.loads(seeds)),
                    Ticket(job_id, status_url, cancel_url),
                    datetime.fromisoformat(answered_at),
                    frozenset(aside.get(attempt_id, ())),
                ),
            )
            for number, attempt_id, seeds, job_id, status_url, cancel_url, answered_at in rows
        ]


def _aside(db: sqlite3.Connection, attempts: Sequence[str]) -> dict[str, list[str]]:
    """The files of what these attempts delivered and no one asked for, by attempt."""
    marks = ",".join("?" * len(attempts))
    query = f"SELECT attempt, detail ->> 'file' FROM events WHERE kind = 'set_aside' AND attempt IN ({marks})"
    found: dict[str, list[str]] = {}
    for attempt_id, file in db.execute(query, list(attempts)) if attempts else ():
        found.setdefault(attempt_id, []).append(file)
    return found


def _job(db: sqlite3.Connection, attempt_id: str, state: str) -> Job:
    """What is left of an attempt's job: its variations in `state`, under the names recorded at submission."""
    (text,) = db.execute(
        "SELECT r.text FROM recipes r JOIN attempts a ON a.recipe = r.digest WHERE a.id = ?", (attempt_id,)
    ).fetchone()
    rows = db.execute(
        "SELECT key, seed, product, prompt, preset, market, width, height, prompt_template FROM variations"
        " WHERE attempt = ? AND state = ? ORDER BY number",
        (attempt_id, state),
    )
    variations = tuple(
        Variation(key, seed, Cell(product, prompt, preset, market, Size(width, height)), template)
        for key, seed, product, prompt, preset, market, width, height, template in rows
    )
    for variation in variations:
        recorded_recipe(text, variation.key, variation.seed)
    return Job(Recipe(text), variations)
