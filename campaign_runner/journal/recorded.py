"""What a journal says of its jobs: what is still to be fetched, and what a run must remember of earlier ones."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from campaign_runner.disk.sqlite import Committer
from campaign_runner.events import Attempt
from campaign_runner.journal.tables import reading, recorded_recipe
from campaign_runner.model import Cell, Job, Recipe, Size, State, Ticket, Variation, last_part
from campaign_runner.ports import Unfinished

UPLOADS_LIVE = timedelta(days=6.5)
"""Adobe keeps an upload for seven days; half a day is left for the job that uses it."""
_PAGE = 200


def known_at_origin(job_id: str) -> str:
    """Under which name it is noted that the API origin has once answered about a job."""
    return f"known at the API origin: {job_id}"


class RecordedJobs:
    """The questions of a journal about its jobs; each is asked of what is committed."""

    _committer: Committer
    _path: Path
    _now: Callable[[], datetime]

    async def begun(self) -> int:
        """How many requests were ever about to be sent from this folder, refused ones too: the number only grows."""
        query = "SELECT coalesce(max(number), 0) FROM attempts"
        return await self._committer.write(lambda db: int(db.execute(query).fetchone()[0]))

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
        query, name = "SELECT 1 FROM meta WHERE name = ?", known_at_origin(job_id)
        return await self._committer.write(lambda db: db.execute(query, (name,)).fetchone()) is not None


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
                    Attempt(attempt_id, job_of(db, attempt_id, State.ACCEPTED)),
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


def job_of(db: sqlite3.Connection, attempt_id: str, state: str) -> Job:
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
