"""The Journal port on SQLite: one writer for a folder, many events a commit."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeVar

from campaign_runner.disk.sqlite import Committer
from campaign_runner.errors import IntegrityError
from campaign_runner.events import Attempt, Doubted, Fact
from campaign_runner.journal.checked import Checked, CheckedJournals
from campaign_runner.journal.consistency import NOTHING, Sums
from campaign_runner.journal.facts import Stamp, Writer
from campaign_runner.journal.ledger import UNANSWERED
from campaign_runner.journal.recorded import RecordedJobs, job_of, known_at_origin
from campaign_runner.journal.tables import FILE, MOVED, SUBMITTING, open_for_writing, reading, refuse_damage
from campaign_runner.model import Cause, Job, State
from campaign_runner.ports import Permit

SANDBOX_ENDED = Cause("sandbox_ended", "the sandbox of an earlier run ended with its process")
T = TypeVar("T")


class SqliteJournal(RecordedJobs):
    """The journal of an output folder. Use as `async with SqliteJournal(folder) as journal:`.

    The caller holds the folder's lock. Opening checks the journal, begins a new epoch and declares in doubt every
    attempt of an earlier one that has no answer: its sender is gone. `checks` remember what was checked; without them
    everything is. Raises IntegrityError, StoreError.
    """

    def __init__(
        self,
        folder: Path,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        checks: CheckedJournals | None = None,
    ) -> None:
        self._path = folder / FILE
        self._now = now
        self._checks = checks
        self._stack = AsyncExitStack()
        self._epoch = self._begun = 0
        self._worker = str(os.getpid())

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            checked = await loop.run_in_executor(None, self._check)
            connection = await loop.run_in_executor(None, open_for_writing, self._path)
            others = _commits_of_others(connection)
            self._committer = await stack.enter_async_context(Committer(connection, self._path))
            with reading(self._path):
                self._epoch = await self._committer.write(self._open_epoch)
            self._stack = stack.pop_all()
        self._checked = checked, others
        return self

    async def __aexit__(self, kind: object, *_: object) -> None:
        checked, others = self._checked
        async with self._stack:
            is_ours = kind is None and others == await self._committer.write(_commits_of_others)
        if self._checks is not None and is_ours:
            await asyncio.get_running_loop().run_in_executor(None, self._checks.note, self._path, checked)

    def _check(self) -> Checked:
        """Refuse a damaged journal. What was checked is what the state folder may remember once this is closed."""
        before = Checked(NOTHING, self._now())

        def known() -> Sums:
            nonlocal before
            if self._checks is not None:
                before = self._checks.known(self._path, before.at)
            return before.sums

        return Checked(refuse_damage(self._path, known), before.at)

    async def intend(self, attempts: Sequence[Attempt]) -> Sequence[Attempt]:
        """See Journal.intend."""
        return await self._counting(lambda pen: [attempt for attempt in attempts if pen.intend(attempt)])

    async def begun(self) -> int:
        """See CampaignJournal; kept with each write, so no transaction is needed to know it."""
        return self._begun

    async def is_wanted(self, job: Job) -> bool:
        """See Journal.is_wanted: this journal knows of no one else who buys."""
        return True

    async def record(self, facts: Sequence[Fact], *, answers: Sequence[Permit] = ()) -> Sequence[Fact]:
        """See Journal.record. No allowance is kept here."""
        return await self._counting(lambda pen: [pen.record(fact) for fact in facts])

    async def note_known_at_origin(self, job_id: str) -> None:
        """See JobsOnRecord."""
        await self.note({known_at_origin(job_id): self._stamp().at})

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

    async def catch_up(self) -> None:
        """See CampaignJournal: what is read is what was written."""

    async def forget_unfinished(self) -> int:
        """For a sandbox that ended with its process: what it still held becomes pending. How many jobs that was."""
        return await self._write(lambda pen: pen.forget((State.ACCEPTED, State.IN_DOUBT), SANDBOX_ENDED))

    async def _counting(self, work: Callable[[Writer], T]) -> T:
        """`work`, which may begin requests: once it is durable, it is known how many there are."""
        answer, begun = await self._write(lambda pen: (work(pen), pen.begun()))
        self._begun = max(self._begun, begun)
        return answer

    async def _write(self, work: Callable[[Writer], T]) -> T:
        def inside(db: sqlite3.Connection) -> T:
            return work(Writer(db, self._stamp()))

        return await self._committer.write(inside)

    def _stamp(self) -> Stamp:
        return Stamp(self._now().isoformat(timespec="milliseconds"), self._epoch, self._worker)

    def _open_epoch(self, db: sqlite3.Connection) -> int:
        if moved := db.execute("SELECT value FROM meta WHERE name = ?", (MOVED,)).fetchone():
            raise IntegrityError(
                f"the campaign of {self._path.parent} is elsewhere now, in {moved[0]}; nothing was sent. Use it there, "
                "or finish moving it with the same command"
            )
        row = db.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()
        self._epoch = 1 + (int(row[0]) if row else 0)
        pen = Writer(db, self._stamp())
        pen.note({"epoch": str(self._epoch)})
        if row is None:
            pen.note({"created_at": self._stamp().at})
        for (attempt_id,) in db.execute("SELECT id FROM attempts WHERE outcome = 'open'").fetchall():
            pen.record(Doubted(Attempt(attempt_id, job_of(db, attempt_id, SUBMITTING)), UNANSWERED))
        self._begun = pen.begun()
        return self._epoch


def _commits_of_others(db: sqlite3.Connection) -> int:
    """A number that changes when anything but this connection commits to the file."""
    return int(db.execute("PRAGMA data_version").fetchone()[0])
