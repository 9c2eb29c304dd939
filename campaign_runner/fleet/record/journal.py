"""The journal of a campaign of the fleet: the database permits and keeps, a copy on this machine is read.

Everything is written to the database first, and then into the copy, in the database's order and under its time.
"""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from math import inf
from pathlib import Path
from typing import Any, Self

from campaign_runner.disk.shared_calls import SharedCalls, in_loop
from campaign_runner.errors import Busy, CampaignError, IntegrityError, LaterError
from campaign_runner.events import (
    Accepted,
    Adopted,
    Attempt,
    Doubted,
    Fact,
    ModelResolved,
    Placed,
    Stored,
    Submitting,
    Uploaded,
)
from campaign_runner.fleet.database import Database, DatabaseGone
from campaign_runner.fleet.lease import NOT_OPEN, FleetCampaign, this_worker
from campaign_runner.fleet.quota import FleetPermit
from campaign_runner.fleet.record.copies import RecordCopy
from campaign_runner.fleet.record.entries import told_fact, told_job
from campaign_runner.fleet.record.untold import Telling, tell_again
from campaign_runner.journal.given_up import BeforeGivenUp
from campaign_runner.journal.recorded import RecordedJobs, known_at_origin
from campaign_runner.journal.tables import reading
from campaign_runner.model import Bought, Cause, Job, State
from campaign_runner.pictures.likeness import as_signed
from campaign_runner.ports import Permit
from campaign_runner.reuse.claims import STILL_KNOWN
from campaign_runner.run.limits import Ceiling
from campaign_runner.tasks import to_its_end

TAKEN_WITHIN = 1.0
"""Seconds after which a fact that the database did not take is kept on this machine's disk, to be told again."""


class FleetJournal(RecordedJobs):
    """The journal of `campaign`, in the hands of who holds it in `epoch`; its copy is in `folder`.

    Use as `async with FleetJournal(…) as journal:`. What the database does not take is kept below `home` and told
    again. `looks` gives the difference hash of an image by its digest, where it is known. Every method raises what
    `Database.call` raises, Busy where another run took the campaign over, and LaterError where it was asked to stop.
    """

    def __init__(
        self,
        database: Database,
        campaign: FleetCampaign,
        *,
        epoch: int,
        folder: Path,
        home: Path,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        looks: Callable[[str], int | None] = lambda sha256: None,
    ) -> None:
        self._database = database
        self._campaign = campaign
        self._epoch = epoch
        self._worker = this_worker()
        self._home = home
        self._ceiling = Ceiling()
        self._now = now
        self._looks = looks
        self._left: set[str] | None = None
        self._alone_until = -inf  # by the loop's clock
        self._stopped: Callable[[], None] | None = None
        self._copy = RecordCopy(folder, campaign.id, database.identity)
        self._path = self._copy.path
        self._stack = AsyncExitStack()
        self._tellings = SharedCalls(in_loop(self._recorded))
        self._has_untold = False
        self._known: set[str] = set()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._copy)
            self._committer = self._copy.committer
            await tell_again(self._database, self._home)
            await self.refresh()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, kind: object, *_: object) -> None:
        try:
            await self._tell_again(TAKEN_WITHIN)
        except DatabaseGone as error:
            if kind is None:
                kept = f"what it did not take is kept in {self._home} and is reported by the next run on this machine"
                raise DatabaseGone(f"{error}; {kept}") from None
        finally:
            await self._stack.aclose()

    async def refresh(self) -> None:
        """Bring the copy up to what the database says now."""
        await self._copy.refresh(self._database)

    def sharing(
        self, left: set[str], stopped: Callable[[], None] | None = None, *, ceiling: Ceiling | None = None
    ) -> Self:
        """From now on, what other campaigns of the account have or buy is not granted; it is put into `left`.

        No more than `ceiling` is granted, over all machines. With `stopped`, that is called where `fleet stop`
        was asked for, and nothing is granted.
        """
        self._left, self._stopped, self._ceiling = left, stopped, ceiling or Ceiling()
        return self

    async def intend(self, attempts: Sequence[Attempt]) -> Sequence[Attempt]:
        """See Journal.intend."""
        return await to_its_end(asyncio.ensure_future(self._intend(attempts)))

    async def is_wanted(self, job: Job) -> bool:
        """See Journal.is_wanted. Where no one had anything of ours of late, it is not asked again within a second."""
        if self._left is None or asyncio.get_running_loop().time() < self._alone_until:
            return True
        held = await self._database.call("held", self._campaign.id, list(job.keys))
        self._note_held(held)
        return len(held) < len(job.keys)

    async def record(self, facts: Sequence[Fact], *, answers: Sequence[Permit] = ()) -> Sequence[Fact]:
        """See Journal.record. What is told at once is told in one call."""
        recorded: Sequence[Fact] = await to_its_end(self._tellings.asked((facts, answers)))
        return recorded

    async def note(self, facts: Mapping[str, str]) -> None:
        """Note what is true of the whole campaign; durable on return."""
        await self._ask("note", dict(facts))

    async def note_known_at_origin(self, job_id: str) -> None:
        """See JobsOnRecord."""
        await self.note({known_at_origin(job_id): self._now().isoformat(timespec="milliseconds")})

    async def decide(self, reason: Cause, keys: Iterable[str], *, states: tuple[State, ...], into: State) -> int:
        """A person's decision over those of `keys` that are in one of `states`; how many it moved."""
        decision = {"reason": reason.facts(), "keys": list(keys), "states": [*map(str, states)], "into": str(into)}
        return _moved(await self._ask("decide", decision))

    async def take_back(self, reason: Cause, keys: Iterable[str]) -> int:
        """What a person gave up of `keys` is as it was before; how many that are."""
        wanted = list(keys)
        while True:
            states = await self._committer.write(lambda db: _before(db, wanted, self._path))
            decision = {"reason": reason.facts(), "keys": list(states), "states": states}
            if (results := await self._ask("take_back", decision)) is not None:
                return _moved(results)

    async def catch_up(self) -> None:
        """See CampaignJournal: what the database did not take is told again, for as long as it is waited for."""
        await self._tell_again()

    async def forget_unfinished(self) -> int:
        """No sandbox is part of a fleet."""
        return 0

    def _note_held(self, held: Collection[str]) -> None:
        """What others have of what was looked for; the database looks at all of it again before it grants."""
        if self._left is not None:
            self._left.update(held)
            self._alone_until = -inf if held else asyncio.get_running_loop().time() + STILL_KNOWN

    async def _intend(self, attempts: Sequence[Attempt]) -> Sequence[Attempt]:
        await self._tell_again()
        keys = [key for attempt in attempts for key in attempt.job.keys]
        after = await self._committer.write(lambda db: _last_attempts(db, keys))
        terms = {"after": after, "shares": self._left is not None, **_told_ceiling(self._ceiling)}
        wanted = [{"id": attempt.id, "job": told_job(attempt.job)} for attempt in attempts]
        begun = await self._ask("intend", wanted, terms) or ()
        granted = {fact.attempt.id: fact.attempt.job.keys for fact in begun if isinstance(fact, Submitting)}
        self._known |= granted.keys()
        parts = [(attempt, granted.pop(attempt.id, None)) for attempt in attempts]
        return [_part(attempt, keys) for attempt, keys in parts if keys is not None]

    async def _recorded(self, asked: list[tuple[Sequence[Fact], Sequence[Permit]]]) -> list[list[Fact]]:
        """The facts of each of those who ask, as they were recorded."""
        facts = [fact for some, _ in asked for fact in some]
        permits = [permit for _, answers in asked for permit in answers if isinstance(permit, FleetPermit)]
        recorded = iter(await self._recorded_at_once(facts, permits))
        return [list(islice(recorded, len(some))) for some, _ in asked]

    async def _recorded_at_once(self, facts: Sequence[Fact], answered: Sequence[FleetPermit]) -> list[Fact]:
        ids = {id for fact in facts if (id := _attempt_id(fact)) is not None}
        if new := ids - self._known:
            self._known |= await self._committer.write(lambda db: _known_attempts(db, new))
        told = [self._told(fact) for fact in facts]
        telling = Telling(self._campaign.id, str(uuid.uuid4()), self._epoch, self._worker, told)
        with self._copy.expecting(telling.nonce) as results:
            try:
                answer = await telling.tell(self._database, self._copy.seq, TAKEN_WITHIN, answered=answered)
            except CampaignError as error:
                await telling.keep(self._home)
                self._has_untold = True
                if isinstance(error, DatabaseGone):
                    return list(facts)
                raise  # it refuses them now; what was paid for is told once it does not
            await self._copy.catch_up(self._database, answer)
        with suppress(DatabaseGone):  # what was not taken then is still kept; nothing is bought before it is told
            await self._tell_again(TAKEN_WITHIN)
        return [_as_recorded(fact, result) for fact, result in zip(facts, results, strict=True)]

    def _told(self, fact: Fact) -> tuple[str, dict[str, Any]]:
        """A fact, to be told; of an image also how it looks."""
        kind, told = told_fact(fact, is_known=_attempt_id(fact) in self._known)
        looks = self._looks(fact.sha256) if isinstance(fact, Stored | Adopted) else None
        return kind, told if looks is None else told | {"looks": as_signed(looks)}

    async def _tell_again(self, patience: float | None = None) -> None:
        """Tell what the database did not take. Raises DatabaseGone where it takes nothing yet."""
        if self._has_untold:
            await tell_again(self._database, self._home, patience)
            self._has_untold = False
            await self.refresh()

    async def _ask(self, function: str, *values: object) -> list[Fact | int | None] | None:
        """What the entries did that were written for us; None where the caller has to read news first."""
        nonce = str(uuid.uuid4())
        with self._copy.expecting(nonce) as results:
            who = (self._campaign.id, nonce, self._epoch, self._worker)
            told = await self._database.call(function, *who, self._copy.seq, *values)
            await self._copy.catch_up(self._database, told)
        if "held" in told:
            self._note_held(told["held"])
        if (beside := told.get("beside")) is not None:
            self._ceiling.spent.elsewhere = Bought(**beside)
        match told.get("refused"):
            case None:
                return results
            case "news":
                return None
            case "epoch":
                raise Busy("another run took this campaign over; nothing more was sent")
            case "stopped" if self._stopped is not None:
                self._stopped()
                return None
            case "stopped":
                raise LaterError("`fleet stop` was asked for: nothing more is bought until the next run")
            case state:
                raise IntegrityError(NOT_OPEN[state])


def _as_recorded(fact: Fact, result: Fact | int | None) -> Fact:
    """The fact as the caller knows it; a doubt where its job id was another one's."""
    if isinstance(fact, Accepted) and isinstance(result, Doubted):
        return Doubted(fact.attempt, result.reason)
    return fact


def _part(attempt: Attempt, keys: Collection[str]) -> Attempt:
    """The attempt with those of its variations that were granted."""
    some = tuple(each for each in attempt.job.variations if each.key in keys)
    return replace(attempt, job=replace(attempt.job, variations=some))


def _told_ceiling(ceiling: Ceiling) -> dict[str, Any]:
    """How far it may go, to be told."""
    limits = ceiling.limits
    counted = {"command": limits.counted_as, "images": limits.max_images, "requests": limits.max_requests}
    return {"budget": ceiling.budget, "limits": counted if limits.counted_as is not None else None}


def _moved(results: Sequence[object] | None) -> int:
    return sum(result for result in results or () if isinstance(result, int))


def _attempt_id(fact: Fact) -> str | None:
    return None if isinstance(fact, Uploaded | ModelResolved | Placed | Adopted) else fact.attempt.id


def _known_attempts(db: sqlite3.Connection, ids: Collection[str]) -> set[str]:
    """Those of the attempts that the copy knows, and so the record."""
    return {id for id in ids if db.execute("SELECT 1 FROM attempts WHERE id = ?", (id,)).fetchone()}


def _last_attempts(db: sqlite3.Connection, keys: Sequence[str]) -> dict[str, str]:
    """The last attempt at each of `keys`, as far as the copy knows any."""
    query = "SELECT key, attempt FROM variations WHERE key = ? AND attempt IS NOT NULL"
    return dict(row for key in keys if (row := db.execute(query, (key,)).fetchone()) is not None)


def _before(db: sqlite3.Connection, keys: Sequence[str], path: Path) -> dict[str, str]:
    """The states that those of `keys` had which a person gave up, before that. Raises IntegrityError."""
    query = f"SELECT attempt FROM variations WHERE key = ? AND state = '{State.ABANDONED}'"
    with reading(path):
        before = BeforeGivenUp(db)
        given_up = {key: row[0] for key in keys if (row := db.execute(query, (key,)).fetchone()) is not None}
        return {key: str(before.of(key, attempt)["state"]) for key, attempt in given_up.items()}
