"""The journal in SQLite: shared commits, failing disks, files that are not ours, a person's decisions."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.errors import CampaignError, IntegrityError, StoreError, UsageError
from campaign_runner.events import (
    Doubted,
    ModelResolved,
    Refused,
    SetAside,
    Uploaded,
)
from campaign_runner.journal import journal as journal_module
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.journal.tables import FILE, SUBMITTING, open_for_writing, refuse_damage
from campaign_runner.model import Cause, CustomModel, State
from tests.ports.test_journal import REFUSED, SILENCE, accepted, attempt, failed, stored

MODEL = CustomModel("urn:aaid:sc:1", "Warm Custom Model", "3", "etag-3", "candle")


def entries(folder: Path, *states: State) -> list[Entry]:
    with Ledger(folder) as ledger:
        return list(ledger.in_states(*(states or State)))


def events(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / FILE)) as db:
        return [kind for (kind,) in db.execute("SELECT kind FROM events ORDER BY seq")]


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Everything SQLite executes for journals opened from here on."""
    traced: list[str] = []

    def opened(path: Path) -> sqlite3.Connection:
        connection = open_for_writing(path)
        connection.set_trace_callback(traced.append)
        return connection

    monkeypatch.setattr(journal_module, "open_for_writing", opened)
    return traced


async def test_many_callers_share_a_commit(tmp_path: Path, statements: list[str]) -> None:
    async with SqliteJournal(tmp_path) as journal:
        statements.clear()
        async with asyncio.TaskGroup() as group:
            for number in range(500):
                group.create_task(journal.intend([attempt(f"a{number}", number)]))
    assert statements.count("COMMIT") <= 3
    assert len(entries(tmp_path)) == 500


async def test_a_journal_is_closed_also_where_who_closes_it_is_cancelled(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    await journal.__aenter__()
    assert (tmp_path / f"{FILE}-wal").exists()
    leaving = asyncio.create_task(journal.__aexit__(None, None, None))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert not (tmp_path / f"{FILE}-wal").exists()  # SQLite removes it with the last connection


async def test_a_fact_that_changes_nothing_appends_no_event(tmp_path: Path) -> None:
    one = attempt("a", 1)
    async with SqliteJournal(tmp_path) as journal:
        await journal.intend([one])
        await journal.record([accepted(one), stored(one)] * 3)
        await journal.record([Doubted(one, SILENCE), Refused(one, REFUSED), failed(one)])
    assert events(tmp_path) == ["submitting", "accepted", "stored"]


async def test_how_an_answer_in_doubt_began_is_kept_beside_the_reason_until_the_doubt_ends(tmp_path: Path) -> None:
    told, silent, late = attempt("a", 1), attempt("b", 2), attempt("c", 3)
    async with SqliteJournal(tmp_path) as journal:
        await journal.intend([told, silent, late])
        await journal.record([Doubted(told, SILENCE, '{"jobId'), Doubted(silent, SILENCE), Doubted(late, SILENCE, "x")])
        await journal.record([accepted(late)])
    with Ledger(tmp_path) as ledger:
        assert ledger.unread_answers() == {told.job.keys[0]: '{"jobId'}
        assert [entry.reason for entry in ledger.in_states(State.IN_DOUBT)] == [SILENCE, SILENCE]
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        details = [json.loads(detail) for (detail,) in db.execute("SELECT detail FROM events WHERE kind = 'in_doubt'")]
    assert details[1] == {"code": SILENCE.code, "message": SILENCE.message}  # as earlier versions wrote it
    async with SqliteJournal(tmp_path):
        pass  # and the journal agrees with itself


async def test_a_failing_write_reaches_every_caller_and_later_ones_work(tmp_path: Path) -> None:
    async with SqliteJournal(tmp_path) as journal:
        await journal.intend([attempt("a", 1), attempt("b", 2)])
        clash = stored(attempt("b", 2))
        object.__setattr__(clash, "file", stored(attempt("a", 1)).file)  # one file for two images: refused
        writes = [journal.record([fact]) for fact in (stored(attempt("a", 1)), clash, accepted(attempt("a", 1)))]
        answers = await asyncio.gather(*writes, return_exceptions=True)
        assert [type(answer) for answer in answers] == [StoreError] * 3
        await journal.record([stored(attempt("a", 1))])
    assert [entry.state for entry in entries(tmp_path)] == ["stored", "in_doubt"]


async def test_a_bug_in_one_write_leaves_nobody_waiting(tmp_path: Path) -> None:
    async with SqliteJournal(tmp_path) as journal:
        writes = [journal.record([object()]), journal.intend([attempt("a", 1)])]  # type: ignore[list-item]
        answers = await asyncio.gather(*writes, return_exceptions=True)
        assert all(isinstance(answer, AttributeError) for answer in answers)
        assert len(await journal.intend([attempt("a", 1)])) == 1


async def test_a_full_disk_is_told_and_what_was_there_stays(
    tmp_path: Path, file_size_limit: Callable[[int], AbstractContextManager[None]]
) -> None:
    async with SqliteJournal(tmp_path) as journal:
        await journal.intend([attempt("a", 1)])
        with file_size_limit(200_000), pytest.raises(StoreError):
            await journal.intend([attempt(f"b{number}", number + 10, prompt="x" * 4000) for number in range(200)])
        await journal.record([accepted(attempt("a", 1))])
    assert [entry.state for entry in entries(tmp_path)] == ["accepted"]


async def test_a_journal_that_may_not_grow_says_that_the_disk_is_full(tmp_path: Path) -> None:
    async with SqliteJournal(tmp_path) as journal:
        await journal._committer.write(lambda db: db.execute("PRAGMA max_page_count = 1").fetchone())
        with pytest.raises(StoreError, match="the disk is full"):
            await journal.intend([attempt(f"b{number}", number, prompt="x" * 4000) for number in range(20)])


async def test_a_disk_without_room_for_a_journal_is_told(
    tmp_path: Path, file_size_limit: Callable[[int], AbstractContextManager[None]]
) -> None:
    with file_size_limit(4096), pytest.raises(StoreError):
        async with SqliteJournal(tmp_path):
            pass
    async with SqliteJournal(tmp_path) as journal:  # what was begun there is in nobody's way
        assert len(await journal.intend([attempt("a", 1)])) == 1


async def test_a_closed_journal_says_so(tmp_path: Path) -> None:
    async with SqliteJournal(tmp_path) as journal:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        await journal.intend([attempt("a", 1)])


def newer(db: sqlite3.Connection) -> None:
    db.execute("UPDATE meta SET value = '2' WHERE name = 'version'")


def unnamed(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM meta WHERE name = 'version'")


def others(db: sqlite3.Connection) -> None:
    for table in ("events", "variations", "attempts", "recipes", "meta"):
        db.execute(f"DROP TABLE {table}")
    db.execute("CREATE TABLE meta (key TEXT)")


STRANGERS = [
    pytest.param(newer, "another version", id="newer"),
    pytest.param(unnamed, "not a journal of campaign_runner", id="without a version"),
    pytest.param(others, "not a journal of campaign_runner", id="of another program"),
]


@pytest.mark.parametrize(("change", "message"), STRANGERS)
async def test_a_file_of_somebody_else_is_refused_untouched(
    change: Callable[[sqlite3.Connection], None], message: str, tmp_path: Path
) -> None:
    async with SqliteJournal(tmp_path) as journal:
        await journal.intend([attempt("a", 1)])
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as db:
        change(db)
    before = (tmp_path / FILE).read_bytes()
    for refused in (lambda: Ledger(tmp_path), lambda: refuse_damage(tmp_path / FILE)):
        with pytest.raises(IntegrityError, match=message):
            refused()
    assert (tmp_path / FILE).read_bytes() == before


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
async def test_what_is_no_database_is_refused_untouched(content: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(IntegrityError, match="nothing was sent"):
        await SqliteJournal(tmp_path).__aenter__()
    assert (tmp_path / FILE).read_bytes() == content


async def test_an_empty_file_is_a_journal_never_begun(tmp_path: Path) -> None:
    (tmp_path / FILE).touch()
    async with SqliteJournal(tmp_path) as journal:
        assert len(await journal.intend([attempt("a", 1)])) == 1


# What SQLite notes before it makes a new file: its mark, no page kept, a nonce, that there was no page before, the size
# of a sector and that of a page; filled up to a sector.
HALF_MADE = bytes.fromhex("d9d505f920a163d7 00000000 2a2a2a2a 00000000 00000200 00001000").ljust(512, b"\0")


def all_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def half_made(folder: Path) -> None:
    """What is left where a run is killed while SQLite makes the file of its journal."""
    with closing(sqlite3.connect(folder / FILE)) as db:
        db.execute("PRAGMA journal_mode = WAL")
    (folder / f"{FILE}-journal").write_bytes(HALF_MADE)
    reading = closing(sqlite3.connect(f"{(folder / FILE).as_uri()}?mode=ro", uri=True))
    with reading as db, pytest.raises(sqlite3.OperationalError) as refused:
        db.execute("SELECT * FROM sqlite_schema")
    assert refused.value.sqlite_errorname == "SQLITE_READONLY_ROLLBACK"  # who only reads cannot take it back


async def test_a_file_that_a_killed_run_was_just_making_is_a_journal_never_begun(tmp_path: Path) -> None:
    half_made(tmp_path)
    with pytest.raises(UsageError, match="nothing was run there yet"):
        Ledger(tmp_path)
    async with SqliteJournal(tmp_path) as journal:
        assert len(await journal.intend([attempt("a", 1)])) == 1
    assert len(entries(tmp_path)) == 1
    assert not (tmp_path / f"{FILE}-journal").exists()


@pytest.mark.parametrize("is_home", [True, False], ids=["in the file", "in its -wal"])
async def test_a_journal_that_holds_anything_is_never_taken_for_one_just_being_made(
    is_home: bool, tmp_path: Path
) -> None:
    """SQLite would take it back to nothing as soon as somebody may write."""
    async with SqliteJournal(tmp_path) as journal:
        await journal.intend([attempt("a", 1)])
        there = all_files(tmp_path)  # as a kill leaves it: the -wal holds it all
    if not is_home:
        for name, content in there.items():
            (tmp_path / name).write_bytes(content)
    (tmp_path / f"{FILE}-journal").write_bytes(HALF_MADE)
    left = all_files(tmp_path)
    with pytest.raises(StoreError):
        await SqliteJournal(tmp_path).__aenter__()
    assert all_files(tmp_path) | {FILE + "-shm": b""} == left | {FILE + "-shm": b""}


async def a_small_journal(folder: Path) -> bytes:
    async with SqliteJournal(folder) as journal:
        await journal.record([ModelResolved(MODEL)])
        every = [attempt(f"a{number}", number, prompt=f"prompt {number}") for number in range(30)]
        await journal.intend(every)
        await journal.record([accepted(one) for one in every[:20]])
        await journal.record([stored(one) for one in every[:10]])
    return (folder / FILE).read_bytes()


def read_everything(folder: Path) -> None:
    with Ledger(folder) as ledger:
        keys = [entry.variation.key for entry in ledger.in_states(*State)]
        ledger.entries(keys)
        ledger.states(keys)
        assert ledger.custom_model is None or ledger.custom_model.id
        ledger.requests(), ledger.counts(), ledger.oldest_waiting()


async def test_a_flipped_byte_is_refused_or_harmless_and_never_a_crash(tmp_path: Path) -> None:
    whole = await a_small_journal(tmp_path)
    outcomes = set()
    schema = whole.index(b"CREATE"), whole.rindex(b"CREATE")
    for at in (*range(*schema, 53), *range(0, len(whole), 331)):
        damaged = bytearray(whole)
        damaged[at] ^= 0x80 if at % 2 else 0x01
        (tmp_path / FILE).write_bytes(damaged)
        try:
            read_everything(tmp_path)
            outcomes.add("harmless")
        except CampaignError as error:
            outcomes.add(type(error).__name__)
        assert (tmp_path / FILE).read_bytes() == damaged
    assert outcomes == {"harmless", "IntegrityError"}


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
async def test_a_cut_file_is_refused(kept: float, tmp_path: Path) -> None:
    whole = await a_small_journal(tmp_path)
    (tmp_path / FILE).write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(IntegrityError, match="damaged"):
        read_everything(tmp_path)


CONTRADICTIONS = [
    ("an event is missing", "DELETE FROM events WHERE seq = 3"),
    ("a request is missing", "DELETE FROM attempts WHERE number = 7"),
    ("an image is missing", "DELETE FROM variations WHERE number = 7"),
    ("an image is missing", "DELETE FROM variations WHERE number = 30"),  # the last: no gap
    ("a recipe or a key", "UPDATE recipes SET text = replace(text, 'prompt 7', 'prompt X')"),
    ("a recipe or a key", "UPDATE variations SET seed = 77 WHERE number = 7"),
    ("a recipe or a key", "DELETE FROM recipes WHERE rowid = 7"),
    ("a request is not what", "DELETE FROM events WHERE seq >= (SELECT max(seq) FROM events WHERE kind = 'stored')"),
    ("a request is not what", "UPDATE attempts SET job_id = 'another' WHERE number = 7"),
    ("a request is not what", "UPDATE attempts SET status_url = 'https://x/another' WHERE number = 7"),
    ("a request is not what", "UPDATE attempts SET outcome = 'refused' WHERE number = 7"),
    ("a request is not what", "UPDATE attempts SET images = 0 WHERE number = 7"),
    ("an image is not where", "UPDATE variations SET state = 'pending' WHERE number = 7"),
    ("an image is not where", "UPDATE variations SET sha256 = 'another' WHERE number = 7"),
    (
        "an image is not where",
        "UPDATE events SET kind = 'x' WHERE seq = (SELECT max(seq) FROM events WHERE kind = 'stored')",
    ),
    ("the state of an image", "UPDATE variations SET state = 'pending' WHERE number = 17"),  # accepted: it is paid for
    ("the state of an image", "UPDATE variations SET state = 'abandoned' WHERE number = 17"),
    ("the state of an image", "UPDATE variations SET attempt = 'a18' WHERE number = 17"),
    ("the custom model", "UPDATE meta SET value = replace(value, 'urn:', 'urx:') WHERE name = 'model'"),
    ("the custom model", "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)"),
    ("the custom model", "UPDATE uploads SET upload_id = 'another'"),
    ("a row cannot be read", "UPDATE events SET detail = '{' WHERE kind = 'accepted'"),
    ("a row has a value that was never written", "UPDATE meta SET value = 'x' WHERE name = 'epoch'"),
]


@pytest.mark.parametrize(("what", "change"), CONTRADICTIONS)
async def test_a_journal_that_contradicts_itself_is_refused_before_anything_is_sent(
    what: str, change: str, tmp_path: Path
) -> None:
    await a_small_journal(tmp_path)
    async with SqliteJournal(tmp_path) as journal:  # what was never answered is in doubt by then
        await journal.record([Uploaded("ab" * 32, "upload-1")])
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as db:
        assert db.execute(change).rowcount > 0
    with pytest.raises(IntegrityError, match=f"damaged.*{what}.*nothing was sent"):
        await SqliteJournal(tmp_path).__aenter__()


DECISIONS: list[Any] = [
    ("resubmit", (State.IN_DOUBT,), State.PENDING, ["stored", "pending", "failed", "accepted"]),
    ("retry", (State.FAILED,), State.PENDING, ["stored", "in_doubt", "pending", "accepted"]),
    ("abandon", (State.IN_DOUBT, State.FAILED), State.ABANDONED, ["stored", "abandoned", "abandoned", "accepted"]),
]


@pytest.mark.parametrize(("word", "states", "into", "after"), DECISIONS)
async def test_a_decision_moves_only_what_it_is_about(
    word: str, states: tuple[State, ...], into: State, after: list[str], tmp_path: Path
) -> None:
    a, b, c, d = (attempt(name, number) for number, name in enumerate("abcd"))
    async with SqliteJournal(tmp_path) as journal:
        await journal.intend([a, b, c, d])
        await journal.record(
            [accepted(a), stored(a), Doubted(b, SILENCE), Refused(c, REFUSED, for_good=True), accepted(d)]
        )
        keys = [entry.variation.key for entry in entries(tmp_path)]
        moved = await journal.decide(Cause(word, "a person said so"), [*keys, "0" * 64], states=states, into=into)
        again = await journal.decide(Cause(word, "a person said so"), keys, states=states, into=into)
    assert [entry.state for entry in entries(tmp_path)] == after
    assert (moved, again) == (after.count(into), 0)
    assert events(tmp_path)[-moved:] == [word] * moved


async def test_what_is_ordered_again_is_granted_and_counted_again(tmp_path: Path) -> None:
    async with SqliteJournal(tmp_path) as journal:
        await journal.intend([attempt("a", 1)])
        await journal.record([Doubted(attempt("a", 1), SILENCE)])
        key = attempt("a", 1).job.keys
        await journal.decide(Cause("resubmit", "again"), key, states=(State.IN_DOUBT,), into=State.PENDING)
        assert len(await journal.intend([attempt("b", 1)])) == 1
        await journal.record([accepted(attempt("b", 1)), stored(attempt("b", 1))])
    with Ledger(tmp_path) as ledger:
        assert ledger.requests().bought == 2
        assert ledger.requests().submitted == 2


async def test_an_answer_to_what_was_ordered_again_meanwhile_is_not_bought_twice(tmp_path: Path) -> None:
    one = attempt("a", 1)
    async with SqliteJournal(tmp_path) as journal:
        await journal.intend([one])
        await journal.record([Doubted(one, SILENCE)])
        await journal.decide(Cause("resubmit", "again"), one.job.keys, states=(State.IN_DOUBT,), into=State.PENDING)
        await journal.record([accepted(one)])
        assert await journal.intend([attempt("b", 1)]) == []


async def test_what_an_ended_sandbox_held_is_pending_again(tmp_path: Path) -> None:
    async with SqliteJournal(tmp_path) as journal:
        await journal.intend([attempt("a", 1), attempt("b", 2)])
        await journal.record([accepted(attempt("a", 1))])
    async with SqliteJournal(tmp_path) as journal:
        assert await journal.forget_unfinished() == 2
        assert len(await journal.intend([attempt("c", 1, 2)])) == 1


async def test_a_running_journal_shows_what_is_awaited_and_a_dead_one_doubts(tmp_path: Path) -> None:
    async with SqliteJournal(tmp_path) as journal:
        await journal.intend([attempt("a", 1)])
        for is_running, state, code in ((True, State.PENDING, "no_answer_yet"), (False, State.IN_DOUBT, "unanswered")):
            with Ledger(tmp_path, is_running=is_running) as ledger:
                (entry,) = ledger.in_states(state)
                assert entry.reason is not None
                assert (entry.reason.code, ledger.counts()[state]) == (code, 1)
                assert ledger.states(attempt("a", 1).job.keys) == {attempt("a", 1).job.keys[0]: state}


async def test_the_model_an_image_was_made_with_is_kept_with_it(tmp_path: Path) -> None:
    retrained = CustomModel(MODEL.id, MODEL.name, "4", "etag-4", "candle")
    async with SqliteJournal(tmp_path) as journal:
        await journal.record([ModelResolved(MODEL)])
        await journal.intend([attempt("a", 1)])
        await journal.record([ModelResolved(retrained)])
        await journal.intend([attempt("b", 2)])
    assert [entry.model_version for entry in entries(tmp_path)] == ["3", "4"]
    with Ledger(tmp_path) as ledger:
        assert ledger.custom_model == retrained


async def test_an_entry_tells_everything_that_was_recorded(tmp_path: Path) -> None:
    one = attempt("a", 9, 3)
    async with SqliteJournal(tmp_path) as journal:
        await journal.intend([one])
        await journal.record([accepted(one), stored(one, 1)])
        await journal.record([SetAside(one, "images/unexpected/x.jpg", "cd" * 32, 5, Cause("unexpected", "seed 4"))])
    first, second = entries(tmp_path)
    assert (first.state, first.reason, first.file) == ("accepted", None, None)
    assert (second.variation, second.recipe) == (one.job.variations[1], one.job.recipe)
    assert (second.job_id, second.job_seeds, second.bytes) == ("job-a", (9, 3), 1000)
    assert (second.media_type, second.warnings) == ("image/jpeg", ("a word",))
    assert events(tmp_path)[-1] == "set_aside"


async def test_the_events_hold_no_url_but_those_of_the_ticket(tmp_path: Path) -> None:
    await a_small_journal(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        told = db.execute("SELECT kind, detail FROM events").fetchall()
    for kind, detail in told:
        assert ("://" in detail) == (kind == "accepted")
    names = {name for _, detail in told for name in json.loads(detail)}
    assert names == {"seeds", "job_id", "status_url", "cancel_url", "file", "sha256", "bytes", "media_type", "warnings",
                     "id", "name", "version", "etag", "concept"}  # fmt: skip


async def test_reading_changes_no_byte(tmp_path: Path) -> None:
    await a_small_journal(tmp_path)
    before = sha256((tmp_path / FILE).read_bytes()).digest()
    read_everything(tmp_path)
    assert sha256((tmp_path / FILE).read_bytes()).digest() == before


def test_without_a_journal_there_is_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing was run there yet"):
        Ledger(tmp_path)
    assert list(tmp_path.iterdir()) == []


async def test_the_table_takes_exactly_the_states_there_are(tmp_path: Path) -> None:
    async with SqliteJournal(tmp_path) as journal:
        await journal.intend([attempt("a", 1)])
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        for state in (*State, SUBMITTING):
            connection.execute("UPDATE variations SET state = ?", (state,))
            assert connection.execute("SELECT state FROM variations").fetchall() == [(str(state),)]
        for word in ("", "Stored", "refused"):
            with pytest.raises(sqlite3.IntegrityError):
                connection.execute("UPDATE variations SET state = ?", (word,))
