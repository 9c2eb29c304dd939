"""Journals that were damaged: bits flipped anywhere, rows deleted, swapped and doubled, files cut and patched.

What is held: a journal is refused, or what it says about money is what was recorded. Nothing that
was ever sent may become due, no job may be asked for under another's name.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any

from campaign_runner.errors import IntegrityError
from campaign_runner.events import Adopted, Placed, Uploaded
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.journal.ledger import Ledger
from campaign_runner.journal.tables import FILE
from campaign_runner.model import Cause, RecipeSource, State
from campaign_runner.output_folder.manifest_writer import Sources, write_manifest
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from tests.campaigns import MODEL, plan
from tests.fuzz.fuzzing import Target
from tests.recorded import record

STATES = ("stored", "accepted", "in_doubt", "failed", "pending", "submitting", "refused", "stored", "new") * 4
TABLES = ("events", "attempts", "variations", "recipes", "meta", "uploads")
NOW = datetime(2026, 9, 1, 22, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Damage:
    """What happened to a journal. `rows` are statements, else `content` is the file; None: nothing did."""

    content: bytes | None = None
    rows: tuple[str, ...] = ()


@cache
def home() -> Path:
    folder = Path(mkdtemp(prefix="fuzz-"))
    atexit.register(shutil.rmtree, folder)
    return folder


@cache
def planned() -> Plan:
    return plan(home(), seeds=list(range(1, 19)))


@cache
def whole() -> bytes:
    """A journal with images in every state; the same bytes in every process, whenever it is made."""
    folder = home() / "whole"
    asyncio.run(_record(folder))
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as db:
        for table in ("events", "attempts"):
            db.execute(f"UPDATE {table} SET worker = '1'")
        at = NOW.isoformat(timespec="milliseconds")
        for table in ("events", "uploads"):
            db.execute(f"UPDATE {table} SET at = '{at}'")
        db.execute(f"UPDATE attempts SET submitted_at = '{at}', answered_at = '{at}' WHERE answered_at IS NOT NULL")
        db.execute(f"UPDATE attempts SET submitted_at = '{at}'")
        db.execute(f"UPDATE variations SET stored_at = '{at}' WHERE stored_at IS NOT NULL")
        db.execute(f"UPDATE meta SET value = '{at}' WHERE name = 'created_at'")
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("VACUUM")
        db.execute("PRAGMA journal_mode = WAL")
    return (folder / FILE).read_bytes()


async def _record(folder: Path) -> None:
    """Every state and every kind of event."""
    await record(folder, planned(), STATES, model=MODEL)
    named = list(zip(planned(), STATES, strict=False))
    keys = {state: [each.variation.key for each, said in named if said == state] for state in STATES}
    new = next(each for each, said in named if said == "new")
    file, picture = f"{new.variation.stem}.jpg", ("cd" * 32, 900, "image/jpeg")
    source = RecipeSource("reused", "spring", "ef" * 32, "a candle", "job-1", (1,), None, None, NOW.isoformat())
    async with SqliteJournal(folder) as journal:
        await journal.record([Uploaded("ab" * 32, "upload-1"), Uploaded("ab" * 32, "upload-2")])
        await journal.record([Adopted(new.variation, new.recipe, source, file, *picture)])
        await journal.record([Placed(new.variation.key, file, *picture, Cause("restored", "put back"))])
        await journal.decide(
            Cause("abandon", "settled"), keys[State.IN_DOUBT][:1], states=(State.IN_DOUBT,), into=State.ABANDONED
        )
        await journal.decide(
            Cause("retry", "due again"), keys[State.FAILED][:1], states=(State.FAILED,), into=State.PENDING
        )
        await journal.decide(
            Cause("resubmit", "due again"), keys[State.IN_DOUBT][1:2], states=(State.IN_DOUBT,), into=State.PENDING
        )


def make(chance: Random) -> Damage:
    content = bytearray(whole())
    at = chance.randrange(len(content))
    match chance.randrange(12):
        case 0 | 1 | 2 | 3:
            content[at] ^= 1 << chance.randrange(8)
        case 4:
            content[at] = chance.randrange(256)
        case 5:
            for _ in range(chance.randint(2, 20)):
                content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        case 6:
            del content[at:]
        case 7:
            page, other = (chance.randrange(len(content) // 4096) * 4096 for _ in range(2))
            kept = content[page : page + 4096]
            content[page : page + 4096] = chance.choice((content[other : other + 4096], bytes(4096)))
            if chance.random() < 0.5:
                content[other : other + 4096] = kept
        case _:
            return Damage(rows=_statements(chance))
    return Damage(bytes(content))


def _statements(chance: Random) -> tuple[str, ...]:
    """What somebody does who opens the file with a tool: rows deleted, swapped, doubled, changed."""
    table = chance.choice(TABLES)
    row, other = (f"(SELECT rowid FROM {table} ORDER BY rowid LIMIT 1 OFFSET {chance.randrange(40)})" for _ in range(2))
    column = chance.choice(_columns()[table])
    copied = f"UPDATE {table} SET {column} = (SELECT {column} FROM {table} WHERE rowid = {other}) WHERE rowid = {row}"
    match chance.randrange(5):
        case 0:
            return (f"DELETE FROM {table} WHERE rowid = {row}",)
        case 1:
            return (f"DELETE FROM {table} WHERE rowid >= {row}",)
        case 2:
            return (copied,)
        case 3:
            kept = f"CREATE TEMP TABLE kept AS SELECT {column} AS a FROM {table} WHERE rowid = {row}"
            return (kept, copied, f"UPDATE {table} SET {column} = (SELECT a FROM kept) WHERE rowid = {other}")
        case _:
            words = "'stored' 'pending' 'accepted' 'in_doubt' 'failed' 'refused' 'open' NULL 0 '' '[]'"
            return (f"UPDATE {table} SET {column} = {chance.choice(words.split())} WHERE rowid = {row}",)


@cache
def _columns() -> dict[str, list[str]]:
    whole()
    with closing(sqlite3.connect(home() / "whole" / FILE)) as db:
        return {
            table: [name for _, name, *_ in db.execute(f"PRAGMA table_info({table})") if name != "seq"]
            for table in TABLES
        }


def hold(damage: Damage, folder: Path) -> str:
    """Refused by the exit status 5, or right about money."""
    place = folder / "journal"
    place.mkdir()
    try:
        (place / FILE).write_bytes(whole() if damage.content is None else damage.content)
        if damage.rows and not _change(place / FILE, damage.rows):
            return "not changed"
        said = asyncio.run(opened(place))
    except IntegrityError:
        return "refused"
    finally:
        shutil.rmtree(place)
    told, truth = json.loads(said), json.loads(_truth())
    assert told["due"] == truth["due"], "something is due that was not, or the other way round"
    for what in ("waiting", "bought"):
        assert told[what] == truth[what], what
    assert told["uploaded"] in (None, truth["uploaded"]), "another picture is referred to"
    for images in (told["manifest"], truth["manifest"]):
        images.pop("updated_at")
    return "unharmed" if told["manifest"] == truth["manifest"] else "not noticed"


def _change(path: Path, statements: tuple[str, ...]) -> bool:
    """Whether the statements could be carried out."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        try:
            for statement in statements:
                db.execute(statement)
        except sqlite3.Error:
            return False
        return True


@cache
def _truth() -> str:
    folder = home() / "truth"
    folder.mkdir()
    (folder / FILE).write_bytes(whole())
    return asyncio.run(opened(folder))


async def opened(folder: Path) -> str:
    """All that a run learns from a journal before it sends anything, and the manifest it would leave."""
    async with SqliteJournal(folder, now=lambda: NOW) as journal:
        with Ledger(folder) as ledger:
            status = PlanStatus(planned(), ledger.states)
            due = [job.keys for job in status.jobs()]
            waiting = [
                [each.attempt.id, each.attempt.job.recipe.text, each.attempt.job.keys, each.seeds, str(each.ticket)]
                async for each in journal.unfinished()
            ]
            model: Any = ledger.custom_model
            bought = [ledger.requests().bought, str(model), str(ledger.oldest_waiting())]
            uploaded = await journal.upload_id("ab" * 32)
            write_manifest(folder / "manifest.json", Sources(planned(), ledger, NOW), staging=folder / ".staging")
    manifest = json.loads((folder / "manifest.json").read_bytes())
    return json.dumps({"due": due, "waiting": waiting, "bought": bought, "uploaded": uploaded, "manifest": manifest})


JOURNALS = Target("journals", 40, make, hold, frozenset({"refused", "unharmed"}))
