"""What the journal says today, per variation. Read only; may be read while a run writes.

An attempt without an answer is `pending` while its run lives and `in_doubt` once no one
is left to hear the answer: `is_running` says which. A file is named only if it is in the folder: `names`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from campaign_runner.disk import image_names
from campaign_runner.errors import UsageError
from campaign_runner.firefly.protocol.hosts import recorded_origin
from campaign_runner.journal.key_sets import RecordedStates, without
from campaign_runner.journal.request_counts import ALL_REQUESTS, BOUGHT_SINCE, RequestCounts
from campaign_runner.journal.sources import bought, made_elsewhere, read_source
from campaign_runner.journal.tables import FILE, IN_DOUBT, SUBMITTING, open_for_reading, reading, recorded_recipe
from campaign_runner.model import Bought, Cause, Cell, CustomModel, Recipe, RecipeSource, Size, State, Variation

UNANSWERED = Cause("unanswered", "the run ended before the service answered")
INTERRUPTED = Cause("no_answer_yet", "sent; the answer is awaited")


@dataclass(frozen=True, slots=True)
class Entry:
    """A variation: its state and everything that explains it. By its first two fields alone, one never requested.

    `source` tells where an image comes from that was not bought for this campaign; None for one that was.
    """

    variation: Variation
    recipe: Recipe
    state: State = State.PENDING
    reason: Cause | None = None
    file: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    media_type: str | None = None
    stored_at: str | None = None
    warnings: tuple[str, ...] = ()
    job_id: str | None = None
    job_seeds: tuple[int, ...] = ()
    model_version: str | None = None
    model_etag: str | None = None
    submitted_at: str | None = None
    source: RecipeSource | None = None

    @property
    def key(self) -> str:
        """Of its image."""
        return self.variation.key

    @property
    def seed(self) -> int:
        """Of its image."""
        return self.variation.seed

    @property
    def cell(self) -> Cell:
        """Where it is in its campaign."""
        return self.variation.cell


@dataclass(frozen=True, slots=True)
class Aside:
    """What job `job_id` delivered and is not as it was asked for: kept under `file`."""

    file: str
    sha256: str
    bytes: int
    job_id: str | None


_ENTRY = """
v.key, v.seed, v.product, v.prompt, v.preset, v.market, v.width, v.height, v.prompt_template,
       r.text, v.state, v.code, v.message, v.file, v.sha256, v.bytes, v.media_type, v.stored_at, v.warnings,
       a.job_id, a.seeds, a.model_version, a.model_etag, a.submitted_at, v.source
FROM variations v JOIN recipes r ON r.digest = v.recipe LEFT JOIN attempts a ON a.id = v.attempt
"""


class NothingRecorded(UsageError):
    """There is no journal, or none in which anything was recorded."""


class Ledger:
    """Use as `with Ledger(folder) as ledger:`. Raises NothingRecorded without a journal, IntegrityError, StoreError.

    `is_checked`: this process has read the whole journal before, so that its pages are not looked at again.
    """

    def __init__(self, folder: Path, *, is_running: bool = False, is_checked: bool = False) -> None:
        self._path = folder / FILE
        reader = open_for_reading(self._path, is_checked=is_checked)
        if reader is None:
            raise NothingRecorded(f"{folder} has no journal: nothing was run there yet")
        self._reader = reader
        self._unanswered = (State.PENDING, INTERRUPTED) if is_running else (State.IN_DOUBT, UNANSWERED)
        self._states = {**{str(state): state for state in State}, SUBMITTING: self._unanswered[0]}
        self._remembered: dict[str, tuple[int, list[tuple[Any, ...]]]] = {}
        self.states = RecordedStates(self._path, self._all, self._each, self._state)

    @classmethod
    @contextmanager
    def if_begun(cls, folder: Path, *, is_running: bool = False, is_checked: bool = False) -> Iterator[Self | None]:
        """The same for a folder in which nothing may have run yet: None there, and a journal is opened once."""
        ledger = None
        with suppress(NothingRecorded):
            ledger = cls(folder, is_running=is_running, is_checked=is_checked)
        with ledger or nullcontext():
            yield ledger

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def meta(self, name: str) -> str | None:
        """What was noted under `name` (`campaign`, `file`, `created_at`, `model`…)."""
        row = self._one("SELECT value FROM meta WHERE name = ?", name)
        return None if row is None else str(row[0])

    @property
    def origin(self) -> str | None:
        """The service that was asked, in its one spelling: earlier versions recorded what was typed."""
        noted = self.meta("origin")
        return None if noted is None else recorded_origin(noted)

    @property
    def custom_model(self) -> CustomModel | None:
        """What the custom model's name meant when it was recorded."""
        noted = self.meta("model")
        with reading(self._path):
            return None if noted is None else CustomModel(**json.loads(noted))

    def entries(self, keys: Sequence[str]) -> dict[str, Entry]:
        """Everything about those of `keys` that were ever submitted; at most a few hundred at a time."""
        marks = ",".join("?" * len(keys))
        rows = self._all(f"SELECT {_ENTRY} WHERE v.key IN ({marks})", *keys)
        with reading(self._path):
            return {row[0]: self._entry(row) for row in rows}

    def pictures(self, keys: Sequence[str]) -> dict[str, tuple[str, str]]:
        """The files of those of `keys` that are stored, and their SHA-256; at most a few hundred at a time."""
        marks = ",".join("?" * len(keys))
        asked = f"SELECT key, file, sha256 FROM variations WHERE key IN ({marks}) AND +state = ?"  # not by its index
        with reading(self._path):
            return {key: (_inside(file), digest) for key, file, digest in self._all(asked, *keys, State.STORED)}

    def in_states(self, *states: State) -> Iterator[Entry]:
        """Every variation that is in one of `states` now, in the order of their first submission."""
        recorded = [*states, SUBMITTING] if self._unanswered[0] in states else list(states)
        yield from self._select(f"WHERE v.state IN ({','.join('?' * len(recorded))})", *recorded)

    def keys(self) -> list[str]:
        """The key of every variation ever submitted or adopted."""
        return [key for (key,) in self._all("SELECT key FROM variations")]

    def last_event(self) -> int:
        """The number of the latest event; 0 before the first."""
        (last,) = self._one("SELECT coalesce(max(seq), 0) FROM events") or (0,)
        return int(last)

    def newest(self) -> tuple[int, str, int] | None:
        """The latest event: its number, when it was (UTC, ISO 8601), and in which run; None before the first."""
        row = self._one("SELECT seq, at, epoch FROM events ORDER BY seq DESC LIMIT 1")
        return None if row is None else (int(row[0]), str(row[1]), int(row[2]))

    def begun_since(self, event: int) -> list[str]:
        """The keys of the images that were asked for, or taken over, by an event after this one."""
        begun = (
            "SELECT v.key FROM events e JOIN variations v ON v.attempt = e.attempt"
            " WHERE e.seq > ? AND e.kind = 'submitting' UNION SELECT key FROM events WHERE seq > ? AND kind = 'adopted'"
        )
        return [key for (key,) in self._all(begun, event, event)]

    def with_key(self, start: str) -> Iterator[Entry]:
        """The variations whose key begins with `start` (hex, small letters)."""
        yield from self._select("WHERE v.key >= ? AND v.key < ?", start, f"{start}g")

    def with_digest(self, sha256: str) -> Iterator[Entry]:
        """The variations whose image has this digest."""
        yield from self._select("WHERE v.sha256 = ?", sha256)

    def files(self) -> dict[str, str]:
        """The file of every stored image, relative to the folder, by its digest."""
        rows = self._all("SELECT sha256, file FROM variations WHERE state = ?", State.STORED)
        with reading(self._path):
            return {digest: _inside(file) for digest, file in rows}

    def stored_files(self) -> Iterator[str]:
        """The file of every stored image, relative to the folder, in the order of their first submission."""
        stored = "SELECT number, file FROM variations WHERE state = ? ORDER BY number"
        for (file,) in self._each(stored, State.STORED):
            with reading(self._path):
                yield _inside(file)

    def kept(self) -> list[tuple[str, str]]:
        """Images that stand for changed words: the key each was made for, and the key that it stands for."""
        return self._all(
            "SELECT json_extract(source, '$.key'), key FROM variations "
            "WHERE source IS NOT NULL AND json_extract(source, '$.how') = 'kept' AND state = ?",
            State.STORED,
        )

    def departed(self, planned: Iterable[str]) -> Iterator[Entry]:
        """Every variation ever submitted whose key is not among `planned`, in the order of their first submission."""
        submitted = (key for (key,) in self._each("SELECT number, key FROM variations ORDER BY number"))
        for left in without(submitted, planned):
            entries = self.entries(left)
            yield from (entries[key] for key in left)

    def set_aside(self) -> Iterator[Aside]:
        """What is paid for and not as it was asked for, in the order it came."""
        joined = "events e JOIN attempts a ON a.id = e.attempt WHERE e.kind = 'set_aside' ORDER BY e.seq"
        for detail, job_id in self._each(f"SELECT e.seq, e.detail, a.job_id FROM {joined}"):
            with reading(self._path):
                told = json.loads(detail)
                yield Aside(_inside(told["file"]), told["sha256"], told["bytes"], job_id)

    def unexpected(self) -> dict[str, list[str]]:
        """The files of what is set aside, by the job that delivered it."""
        found: dict[str, dict[str, None]] = {}
        for aside in self.set_aside():
            found.setdefault(aside.job_id or "", {})[aside.file] = None
        return {job_id: list(files) for job_id, files in found.items() if job_id}

    def unread_answers(self) -> dict[str, str]:
        """What the service answered to requests in doubt, as far as it was kept, by the keys of their images."""
        rows = self._all(
            "SELECT v.key, e.detail ->> 'answer' AS answer FROM events e JOIN variations v ON v.attempt = e.attempt"
            " WHERE e.kind = ? AND v.state = ? AND answer IS NOT NULL",
            IN_DOUBT,
            State.IN_DOUBT,
        )
        return {key: str(answer) for key, answer in rows}

    def counts(self) -> dict[State, int]:
        """How many of the variations ever submitted are in each state, whether or not they are still planned."""
        counts = dict.fromkeys(State, 0)
        for state, number in self._added_up("SELECT state, count(*) FROM variations GROUP BY state"):
            with reading(self._path):
                counts[self._state(state)] += number
        return counts

    def holds_anything(self) -> bool:
        """Whether a service ever took a request, or may have: nothing of that can be asked of another service."""
        return any(number for state, number in self.counts().items() if state != State.PENDING)

    def submitted(self) -> int:
        """How many requests were ever sent."""
        return int((self._one("SELECT count(*) FROM attempts") or (0,))[0])

    def requests(self) -> RequestCounts:
        return RequestCounts(*self._added_up(ALL_REQUESTS, State.STORED)[0])

    def bought_since(self, moment: datetime) -> Bought:
        """What was requested then or later, and not refused."""
        return Bought(*self._one(BOUGHT_SINCE, moment.astimezone(UTC).isoformat(timespec="milliseconds")) or (0, 0))

    def oldest_waiting(self) -> datetime | None:
        """When the oldest accepted job that is still to be fetched was accepted; None where nothing waits."""
        row = self._one(
            "SELECT min(a.answered_at) FROM variations v JOIN attempts a ON a.id = v.attempt WHERE v.state = ?",
            State.ACCEPTED,
        )
        with reading(self._path):
            return datetime.fromisoformat(row[0]) if row and row[0] else None

    def _select(self, where: str, *values: object) -> Iterator[Entry]:
        for row in self._each(f"SELECT v.number, {_ENTRY} {where} ORDER BY v.number", *values):
            with reading(self._path):
                entry = self._entry(row)
            yield entry

    def _state(self, state: str) -> State:
        return self._states.get(state) or State(state)

    def _entry(self, row: tuple[Any, ...]) -> Entry:
        key, seed, product, prompt, preset, market, width, height, template, recipe, state, code, message, *rest = row
        file, digest, size, media_type, stored_at, warnings, *made, source = rest
        origin = read_source(source)
        job_id, seeds, version, etag, submitted_at = bought(*made) if origin is None else made_elsewhere(origin)
        cell = Cell(product, prompt, preset, market, Size(width, height))
        reason = Cause(code, message or code) if code is not None else None
        if state == SUBMITTING:
            reason = self._unanswered[1]
        return Entry(
            variation=Variation(key, seed, cell, template),
            recipe=recorded_recipe(recipe, key, seed),
            state=self._state(state),
            reason=reason,
            file=_inside(file) if file is not None else None,
            sha256=digest,
            bytes=size,
            media_type=media_type,
            stored_at=stored_at,
            warnings=tuple(json.loads(warnings)),
            job_id=job_id,
            job_seeds=seeds,
            model_version=version,
            model_etag=etag,
            submitted_at=submitted_at,
            source=origin,
        )

    def _each(self, query: str, *values: object) -> Iterator[tuple[Any, ...]]:
        """The rows of a query by and by; its first column is the number that orders them, and not in the answer."""
        with reading(self._path):
            yield from self._reader.each(query, *values)

    def _added_up(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a query that reads a whole table: read again once there is a further event, not before."""
        newest = self.last_event()  # first, so that what comes meanwhile is read again
        known = self._remembered.get(query)
        if known is None or known[0] != newest:
            known = self._remembered[query] = newest, self._all(query, *values)
        return known[1]

    def _one(self, query: str, *values: object) -> tuple[Any, ...] | None:
        return next(iter(self._all(query, *values)), None)

    def _all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with reading(self._path):
            return self._reader.run(lambda db: db.execute(query, values).fetchall())


def _inside(file: str) -> str:
    """The file of an image, as it was recorded. Raises ValueError for a name that leads elsewhere."""
    if image_names.is_outside(file):
        raise ValueError(file)
    return file
