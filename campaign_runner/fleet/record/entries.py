"""The entries of a fleet's record: facts, decisions and notes as JSON, and what each does to a copy.

An attempt's job is told once, with its first entry. `apply` writes an entry into a copy as the journal's own Writer
does, under the stamp that the database gave it: so every copy says the same.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias, assert_never

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
from campaign_runner.journal.facts import Stamp, Writer
from campaign_runner.journal.tables import MOVED
from campaign_runner.model import Cause, Cell, CustomModel, Job, Recipe, RecipeSource, Size, State, Ticket, Variation

Body: TypeAlias = Mapping[str, Any]
TABLES = ("recipes", "attempts", "variations", "uploads", "events", "meta")
"""Of a journal, in an order in which their rows may be written."""
OPENED = "opened"
"""The kind of entry with which a run begins: a new epoch."""
_NO_CELL = Cell("", "", "", None, Size(0, 0))
_NO_JOB = Job(Recipe(""), ())
"""Of an attempt that the copy knows: its Writer asks for nothing but the id."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry as the database tells it."""

    seq: int
    stamp: Stamp
    nonce: str
    kind: str
    body: Body

    @classmethod
    def of(cls, told: list[Any]) -> LogEntry:
        seq, at, epoch, worker, nonce, kind, body = told
        return cls(seq, Stamp(at, epoch, worker), nonce, kind, body)


def told_job(job: Job) -> dict[str, Any]:
    """A job, to be told."""
    return {"recipe": job.recipe.text, "variations": [_told_variation(each) for each in job.variations]}


def read_job(told: Body) -> Job:
    """A job, as it was told."""
    return Job(Recipe(told["recipe"]), tuple(_read_variation(each) for each in told["variations"]))


def told_fact(fact: Fact, *, is_known: bool) -> tuple[str, dict[str, Any]]:
    """The kind of a fact and what it says; with the whole job, unless its attempt `is_known` to the record."""
    match fact:
        case Submitting(attempt):
            told: dict[str, Any] = {}
        case Accepted(attempt, Ticket(job_id, status_url, cancel_url)):
            told = {"ticket": {"job_id": job_id, "status_url": status_url, "cancel_url": cancel_url}}
        case Refused(attempt, reason, for_good):
            told = {"reason": reason.facts(), "for_good": for_good}
        case Doubted(attempt, reason):
            told = {"reason": reason.facts(), "answer": fact.answer}
        case Stored(attempt, variation):
            told = {"key": variation.key, **_told_file(fact), "warnings": list(fact.warnings)}
        case Failed(attempt, variation, reason) | Held(attempt, variation, reason):
            told = {"key": variation.key, "reason": reason.facts()}
        case SetAside(attempt):
            told = fact.facts() | {"reason": fact.reason.facts()}
        case Uploaded() | ModelResolved() | Placed() | Adopted():
            return fact.word, _told_alone(fact)
        case _:
            assert_never(fact)
    job = {} if is_known else {"job": told_job(attempt.job)}
    return fact.word, {"attempt": attempt.id, **job, **told}


def apply(entry: LogEntry, db: sqlite3.Connection) -> Fact | int | None:
    """Write `entry` into the copy `db`; the fact as it was recorded, or how many images a decision moved.

    Raises ValueError, TypeError or KeyError for what was never written.
    """
    pen, body = Writer(db, entry.stamp), entry.body
    match entry.kind:
        case "opened":
            pen.note({"epoch": str(entry.stamp.epoch)})
            db.execute("INSERT OR IGNORE INTO meta VALUES ('created_at', ?)", (entry.stamp.at,))
        case "note":
            pen.note(body["facts"])
        case "decide":
            states = tuple(map(State, body["states"]))
            return pen.decide(_cause(body["reason"]), body["keys"], states=states, into=State(body["into"]))
        case "take_back":
            return pen.take_back(_cause(body["reason"]), body["keys"])
        case "imported":
            _import(db, **body)
        case kind:
            return pen.record(_READ[kind](body))
    return None


def is_of_place(name: str) -> bool:
    """Whether a note in a journal's `meta` is about the place where it is, and does not go along with a campaign."""
    return name in ("version", "file", MOVED) or name.startswith("fleet_")


def _import(db: sqlite3.Connection, table: str, rows: Sequence[Body] = ()) -> None:
    """Write rows of an imported journal; with no table's name, nothing is left of what was there."""
    if not table:
        for name in reversed(TABLES[:-1]):
            db.execute(f"DELETE FROM {name}")
        names = [name for (name,) in db.execute("SELECT name FROM meta").fetchall() if not is_of_place(name)]
        db.executemany("DELETE FROM meta WHERE name = ?", [(name,) for name in names])
        return
    columns = [name for _, name, *_ in db.execute(f"PRAGMA table_info({TABLES[TABLES.index(table)]})").fetchall()]
    if any(row.keys() != set(columns) for row in rows):
        raise KeyError(table)
    marks = ", ".join("?" * len(columns))
    db.executemany(f"INSERT INTO {table} VALUES ({marks})", [[row[name] for name in columns] for row in rows])


def _told_alone(fact: Uploaded | ModelResolved | Placed | Adopted) -> dict[str, Any]:
    """What is about no attempt."""
    match fact:
        case Uploaded():
            return fact.facts()
        case ModelResolved(model):
            return asdict(model)
        case Placed(key):
            return {"key": key, **_told_file(fact), "reason": fact.reason.facts()}
        case Adopted(variation, recipe, source):
            told = {"variation": _told_variation(variation), "recipe": recipe.text, "source": asdict(source)}
            return told | _told_file(fact) | {"warnings": list(fact.warnings)}


def _told_file(fact: Stored | Placed | Adopted) -> dict[str, Any]:
    return {"file": fact.file, "sha256": fact.sha256, "bytes": fact.bytes, "media_type": fact.media_type}


def _told_variation(variation: Variation) -> dict[str, Any]:
    cell = variation.cell
    names = {"product": cell.product, "prompt": cell.prompt, "preset": cell.preset, "market": cell.market}
    size = {"width": cell.size.width, "height": cell.size.height}
    return {"key": variation.key, "seed": variation.seed, **names, **size, "template": variation.prompt_template}


def _read_variation(told: Body) -> Variation:
    size = Size(told["width"], told["height"])
    cell = Cell(told["product"], told["prompt"], told["preset"], told["market"], size)
    return Variation(told["key"], told["seed"], cell, told["template"])


def _read_file(body: Body) -> tuple[str, str, int, str]:
    return body["file"], body["sha256"], body["bytes"], body["media_type"]


def _attempt(body: Body) -> Attempt:
    return Attempt(body["attempt"], read_job(body["job"]) if "job" in body else _NO_JOB)


def _image(body: Body) -> Variation:
    return Variation(body["key"], 0, _NO_CELL, "")


def _cause(told: Body) -> Cause:
    return Cause(told["code"], told["message"])


def _adopted(body: Body) -> Adopted:
    source = RecipeSource(**body["source"] | {"job_seeds": tuple(body["source"]["job_seeds"])})
    image, recipe = _read_variation(body["variation"]), Recipe(body["recipe"])
    return Adopted(image, recipe, source, *_read_file(body), tuple(body["warnings"]))


_READ: dict[str, Callable[[Body], Fact]] = {
    Submitting.word: lambda body: Submitting(_attempt(body)),
    Accepted.word: lambda body: Accepted(_attempt(body), Ticket(**body["ticket"])),
    Refused.word: lambda body: Refused(_attempt(body), _cause(body["reason"]), body["for_good"]),
    Doubted.word: lambda body: Doubted(_attempt(body), _cause(body["reason"]), body["answer"]),
    Stored.word: lambda body: Stored(_attempt(body), _image(body), *_read_file(body), tuple(body["warnings"])),
    Failed.word: lambda body: Failed(_attempt(body), _image(body), _cause(body["reason"])),
    Held.word: lambda body: Held(_attempt(body), _image(body), _cause(body["reason"])),
    SetAside.word: lambda body: SetAside(
        _attempt(body), body["file"], body["sha256"], body["bytes"], _cause(body["reason"])
    ),
    Uploaded.word: lambda body: Uploaded(body["sha256"], body["upload_id"]),
    ModelResolved.word: lambda body: ModelResolved(CustomModel(**body)),
    Placed.word: lambda body: Placed(body["key"], *_read_file(body), _cause(body["reason"])),
    Adopted.word: _adopted,
}
