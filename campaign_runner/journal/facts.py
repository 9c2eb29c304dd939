"""What each fact does to the ledger: one function a fact, inside the caller's transaction.

Idempotent and in any order: a fact that changes nothing appends no event; the first terminal
state of a variation wins; Accepted and Refused may follow Doubted, the answer that came late.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TypeAlias, assert_never

from campaign_runner.events import (
    Accepted,
    Adopted,
    Attempt,
    Doubted,
    Fact,
    Failed,
    Held,
    ModelResolved,
    Placed,
    Refused,
    SetAside,
    Stored,
    Submitting,
    Uploaded,
)
from campaign_runner.journal.given_up import BeforeGivenUp
from campaign_runner.journal.tables import SUBMITTING
from campaign_runner.model import Cause, Recipe, State, Variation, canonical_json

Value: TypeAlias = str | int | None
"""What a column holds."""
_GIVEN_UP = f"state = '{State.ABANDONED}'"
_UNDER_WAY = (SUBMITTING, State.ACCEPTED, State.IN_DOUBT)
DUPLICATE_JOB = Cause("duplicate_job", "Adobe answered with the job id of another request")


@dataclass(frozen=True, slots=True)
class Stamp:
    """When and by whom: the run's number on this folder, its worker, and UTC as ISO 8601."""

    at: str
    epoch: int
    worker: str


class Writer:
    """Writes into one open transaction, under one stamp."""

    def __init__(self, connection: sqlite3.Connection, stamp: Stamp) -> None:
        self._db = connection
        self._stamp = stamp

    def intend(self, attempt: Attempt) -> bool:
        """Record Submitting if the attempt is new and all of its variations are due; return whether it did."""
        marks = ",".join("?" * len(attempt.job.keys))
        taken = f"SELECT 1 FROM variations WHERE state != '{State.PENDING}' AND key IN ({marks})"
        if self._knows(attempt) or self._db.execute(taken, attempt.job.keys).fetchone() is not None:
            return False
        self._begin(attempt)
        return True

    def begun(self) -> int:
        """The number of the last attempt; 0 where there is none."""
        return int(self._db.execute("SELECT coalesce(max(number), 0) FROM attempts").fetchone()[0])

    def record(self, fact: Fact) -> Fact:
        """Apply `fact`; the answer is the fact as it was recorded."""
        if not isinstance(fact, ModelResolved | Uploaded | Adopted | Placed) and not self._knows(fact.attempt):
            self._begin(fact.attempt)  # this fact came before its Submitting, which will then change nothing
        match fact:
            case Submitting():
                pass
            case Accepted():
                return self._accepted(fact)
            case Refused():
                self._refused(fact)
            case Doubted():
                self._doubted(fact)
            case Stored():
                self._stored(fact)
            case Failed():
                self._failed(fact)
            case Held():
                self._held(fact)
            case SetAside(attempt):
                self._event(fact.word, attempt, detail=fact.facts())
            case Adopted():
                self._adopted(fact)
            case Placed():
                self._placed(fact)
            case Uploaded(sha256, upload_id):
                self._db.execute("INSERT OR REPLACE INTO uploads VALUES (?, ?, ?)", (sha256, upload_id, self._stamp.at))
                self._event(fact.word, detail=fact.facts())
            case ModelResolved(model):
                meant = fact.facts() | {"etag": model.etag, "concept": model.concept}
                self.note({"model": canonical_json(meant)})
                self._event(fact.word, detail=meant)
            case _:
                assert_never(fact)
        return fact

    def decide(self, reason: Cause, keys: Iterable[str], *, states: tuple[State, ...], into: State) -> int:
        """A person's decision over variations that are in one of `states`; how many it moved."""
        moved = 0
        for key in keys:
            values = {"state": into, "code": reason.code, "message": reason.message}
            if self._update("variations", values, f"key = ? AND state IN ({_quoted(states)})", key):
                self._event(reason.code, key=key)
                moved += 1
        return moved

    def take_back(self, reason: Cause, keys: Iterable[str]) -> int:
        """What a person gave up is again as it was: in doubt or failed, for the reason it had. How many it moved."""
        before, moved = BeforeGivenUp(self._db), 0
        for key in keys:
            row = self._db.execute(f"SELECT attempt FROM variations WHERE key = ? AND {_GIVEN_UP}", (key,)).fetchone()
            if row is not None:
                values = before.of(key, row[0])
                self._update("variations", values, "key = ?", key)
                self._event(reason.code, key=key, detail=values)
                moved += 1
        return moved

    def forget(self, states: tuple[State, ...], reason: Cause) -> int:
        """Let go of what a service that is gone still held: pending again, and never charged. How many attempts."""
        held = f"SELECT DISTINCT attempt FROM variations WHERE state IN ({_quoted(states)})"
        attempts = [attempt_id for (attempt_id,) in self._db.execute(held).fetchall()]
        for attempt_id in attempts:
            values = {"state": State.PENDING, "code": reason.code, "message": reason.message}
            self._update("variations", values, f"attempt = ? AND state IN ({_quoted(states)})", attempt_id)
            self._event("forgotten", detail={"attempt": attempt_id} | reason.facts())
        self._db.execute("DELETE FROM uploads")
        return len(attempts)

    def note(self, facts: Mapping[str, str]) -> None:
        """Note what is true of the whole folder."""
        self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(facts.items()))

    def _knows(self, attempt: Attempt) -> bool:
        return self._db.execute("SELECT 1 FROM attempts WHERE id = ?", (attempt.id,)).fetchone() is not None

    def _begin(self, attempt: Attempt) -> None:
        """The attempt is under way, and with it those of its variations that are due."""
        self._new_attempt(attempt)
        for variation in attempt.job.variations:
            self._submitting(attempt, variation)
        self._event(Submitting.word, attempt, detail={"seeds": attempt.job.seeds})

    def _new_attempt(self, attempt: Attempt) -> None:
        job, stamp = attempt.job, self._stamp
        self._recipe(job.recipe)
        self._db.execute(
            "INSERT INTO attempts (id, number, epoch, worker, recipe, seeds, images, submitted_at, outcome,"
            " model_version, model_etag)"
            " SELECT ?, (SELECT coalesce(max(number), 0) + 1 FROM attempts), ?, ?, ?, ?, ?, ?, 'open',"
            " json_extract(model, '$.version'), json_extract(model, '$.etag')"
            " FROM (SELECT (SELECT value FROM meta WHERE name = 'model') AS model)",
            (
                attempt.id,
                stamp.epoch,
                stamp.worker,
                job.recipe.digest,
                json.dumps(job.seeds),
                len(job.seeds),
                stamp.at,
            ),
        )

    def _recipe(self, recipe: Recipe) -> None:
        self._db.execute("INSERT OR IGNORE INTO recipes VALUES (?, ?)", (recipe.digest, recipe.text))

    def _submitting(self, attempt: Attempt, variation: Variation) -> None:
        values = {"attempt": attempt.id, "source": None, "state": SUBMITTING, "code": None, "message": None}
        self._name(variation, attempt.job.recipe, values, before=(State.PENDING,))

    def _name(
        self, variation: Variation, recipe: Recipe, values: Mapping[str, Value], *, before: tuple[str, ...]
    ) -> bool:
        """The row of a variation under the names it has now, new or in one of the states `before`; says if so."""
        cell = variation.cell
        names: dict[str, Value] = {"product": cell.product, "prompt": cell.prompt, "preset": cell.preset}
        names |= {"market": cell.market, "prompt_template": variation.prompt_template, **values}
        fixed: dict[str, Value] = {"key": variation.key, "recipe": recipe.digest, "seed": variation.seed}
        fixed |= {"width": cell.size.width, "height": cell.size.height}
        sets = ", ".join(f"{column} = excluded.{column}" for column in names)
        marks = ", ".join("?" * (len(fixed) + len(names)))
        statement = (
            f"INSERT INTO variations ({', '.join((*fixed, *names))}, number)"
            f" VALUES ({marks}, (SELECT coalesce(max(number), 0) + 1 FROM variations))"
            f" ON CONFLICT (key) DO UPDATE SET {sets} WHERE state IN ({_quoted(before)})"
        )
        return self._db.execute(statement, (*fixed.values(), *names.values())).rowcount > 0

    def _accepted(self, fact: Accepted) -> Fact:
        ticket = fact.ticket
        known = "SELECT id FROM attempts WHERE job_id = ?"
        owner = self._db.execute(known, (ticket.job_id,)).fetchone()
        if owner is not None:
            if owner[0] == fact.attempt.id:
                return fact
            doubt = Doubted(fact.attempt, DUPLICATE_JOB)
            self._doubted(doubt)
            return doubt
        urls = {"job_id": ticket.job_id, "status_url": ticket.status_url, "cancel_url": ticket.cancel_url}
        if self._answer(fact.attempt, "accepted", after=("open", "in_doubt"), **urls):
            self._move(fact.attempt, State.ACCEPTED, after=(SUBMITTING, State.IN_DOUBT, State.PENDING))
            self._event(fact.word, fact.attempt, detail=urls)
        return fact

    def _refused(self, fact: Refused) -> None:
        if self._answer(fact.attempt, "refused", after=("open", "in_doubt")):
            into = State.FAILED if fact.for_good else State.PENDING
            self._move(fact.attempt, into, after=(SUBMITTING, State.IN_DOUBT), reason=fact.reason)
            self._event(fact.word, fact.attempt, detail={"for_good": fact.for_good} | fact.reason.facts())

    def _doubted(self, fact: Doubted) -> None:
        if self._answer(fact.attempt, "in_doubt", after=("open",)):
            self._move(fact.attempt, State.IN_DOUBT, after=(SUBMITTING,), reason=fact.reason)
            answer = {"answer": fact.answer} if fact.answer else {}
            self._event(fact.word, fact.attempt, detail=fact.reason.facts() | answer)

    def _stored(self, fact: Stored) -> None:
        kept: dict[str, str | int] = {"file": fact.file, "sha256": fact.sha256, "bytes": fact.bytes}
        kept |= {"media_type": fact.media_type, "warnings": json.dumps(fact.warnings)}
        values = {"state": State.STORED, "code": None, "message": None, "stored_at": self._stamp.at} | kept
        where = f"key = ? AND state IN ({_quoted((*_UNDER_WAY, State.PENDING))})"
        if self._update("variations", values | {"attempt": fact.attempt.id}, where, fact.variation.key):
            self._event(fact.word, fact.attempt, key=fact.variation.key, detail=kept)

    def _failed(self, fact: Failed) -> None:
        values = {"state": State.FAILED, "code": fact.reason.code, "message": fact.reason.message}
        where = f"key = ? AND attempt = ? AND state IN ({_quoted(_UNDER_WAY)})"
        if self._update("variations", values, where, fact.variation.key, fact.attempt.id):
            self._event(fact.word, fact.attempt, key=fact.variation.key, detail=fact.reason.facts())

    def _held(self, fact: Held) -> None:
        code, message = fact.reason.code, fact.reason.message
        where = f"key = ? AND attempt = ? AND state = '{State.ACCEPTED}' AND (code IS NOT ? OR message IS NOT ?)"
        values = {"code": code, "message": message}
        if self._update("variations", values, where, fact.variation.key, fact.attempt.id, code, message):
            self._event(fact.word, fact.attempt, key=fact.variation.key, detail=fact.reason.facts())

    def _adopted(self, fact: Adopted) -> None:
        source = asdict(fact.source)
        kept: dict[str, Value] = {"file": fact.file, "sha256": fact.sha256, "bytes": fact.bytes}
        kept |= {"media_type": fact.media_type, "warnings": json.dumps(fact.warnings)}
        values: dict[str, Value] = {"attempt": None, "source": canonical_json(source), "state": State.STORED}
        values |= {"code": None, "message": None, "stored_at": self._stamp.at} | kept
        self._recipe(fact.recipe)
        if self._name(fact.variation, fact.recipe, values, before=(State.PENDING, State.FAILED, State.ABANDONED)):
            self._event(fact.word, key=fact.variation.key, detail={**kept, **source})

    def _placed(self, fact: Placed) -> None:
        where: dict[str, Value] = {"file": fact.file, "sha256": fact.sha256, "bytes": fact.bytes}
        where["media_type"] = fact.media_type
        if self._update("variations", where, f"key = ? AND state = '{State.STORED}'", fact.key):
            self._event(fact.word, key=fact.key, detail={**where, **fact.reason.facts()})

    def _answer(self, attempt: Attempt, outcome: str, *, after: tuple[str, ...], **columns: str | None) -> bool:
        values = {"outcome": outcome, "answered_at": self._stamp.at} | columns
        return self._update("attempts", values, f"id = ? AND outcome IN ({_quoted(after)})", attempt.id)

    def _move(self, attempt: Attempt, into: State, *, after: tuple[str, ...], reason: Cause | None = None) -> None:
        code, message = (reason.code, reason.message) if reason else (None, None)
        values = {"state": into, "code": code, "message": message}
        self._update("variations", values, f"attempt = ? AND state IN ({_quoted(after)})", attempt.id)

    def _update(self, table: str, values: Mapping[str, Value], where: str, *who: str) -> bool:
        return self._db.execute(_update(table, tuple(values), where), (*values.values(), *who)).rowcount > 0

    def _event(
        self,
        kind: str,
        attempt: Attempt | None = None,
        *,
        key: str | None = None,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        stamp = self._stamp
        self._db.execute(
            "INSERT INTO events (at, epoch, worker, kind, attempt, key, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (stamp.at, stamp.epoch, stamp.worker, kind, attempt and attempt.id, key, canonical_json(detail or {})),
        )


@lru_cache(maxsize=64)
def _update(table: str, columns: tuple[str, ...], where: str) -> str:
    sets = ", ".join(f"{column} = ?" for column in columns)
    return f"UPDATE {table} SET {sets} WHERE {where}"


@lru_cache(maxsize=64)
def _quoted(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)
