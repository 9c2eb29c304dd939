"""The tables of the journal, and opening its file.

`events` is the record; `attempts` and `variations` are what it adds up to. A file of a
newer version, a damaged one, or another program's is refused and left as it is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from campaign_runner.disk import files, sqlite
from campaign_runner.disk.regular_files import open_regular
from campaign_runner.disk.sqlite import what_mends
from campaign_runner.disk.sqlite_reader import SqliteReader, refuse_further_journal
from campaign_runner.errors import IntegrityError
from campaign_runner.journal.consistency import NOTHING, Sums, first_contradiction, sums
from campaign_runner.model import Recipe

VERSION = "1"
FILE = "journal.sqlite"
MOVED = "moved"
"""What a journal notes whose campaign is elsewhere now: where."""
SUBMITTING = "submitting"
"""The state, in the table, of an image whose request was begun and has no answer yet; `State` has all others."""
IN_DOUBT = "in_doubt"
"""The word of the event that no one knows whether a request was charged."""
_ONE_PAGE = 4096
_CHANGES = bytes.fromhex("d9d505f920a163d7")
"""How the file begins in which SQLite notes what it is about to change, to take it back after a crash."""

_TABLES = f"""
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, at TEXT NOT NULL, epoch INTEGER NOT NULL, worker TEXT NOT NULL,
    kind TEXT NOT NULL, attempt TEXT, key TEXT, detail TEXT NOT NULL) STRICT;
CREATE TABLE recipes (digest TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT;
CREATE TABLE attempts (
    id TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, epoch INTEGER NOT NULL, worker TEXT NOT NULL,
    recipe TEXT NOT NULL REFERENCES recipes (digest), seeds TEXT NOT NULL, images INTEGER NOT NULL,
    model_version TEXT, model_etag TEXT, submitted_at TEXT NOT NULL, answered_at TEXT,
    outcome TEXT NOT NULL CHECK (outcome IN ('open', 'accepted', 'refused', 'in_doubt')),
    job_id TEXT UNIQUE, status_url TEXT, cancel_url TEXT) STRICT;
CREATE INDEX attempts_by_outcome ON attempts (outcome, number);
CREATE TABLE variations (
    key TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, recipe TEXT NOT NULL REFERENCES recipes (digest),
    seed INTEGER NOT NULL, product TEXT NOT NULL, prompt TEXT NOT NULL, preset TEXT NOT NULL, market TEXT,
    width INTEGER NOT NULL, height INTEGER NOT NULL, prompt_template TEXT NOT NULL,
    attempt TEXT REFERENCES attempts (id), source TEXT,
    state TEXT NOT NULL CHECK (state IN
        ('pending', 'submitting', 'accepted', 'in_doubt', 'stored', 'failed', 'abandoned')),
    code TEXT, message TEXT, file TEXT UNIQUE, sha256 TEXT, bytes INTEGER, media_type TEXT, stored_at TEXT,
    warnings TEXT NOT NULL DEFAULT '[]',
    CHECK (attempt IS NOT NULL OR source IS NOT NULL)) STRICT;
CREATE TABLE uploads (sha256 TEXT PRIMARY KEY, upload_id TEXT NOT NULL, at TEXT NOT NULL) STRICT;
CREATE INDEX variations_by_attempt ON variations (attempt);
CREATE INDEX variations_by_state ON variations (state);
INSERT INTO meta VALUES ('version', '{VERSION}');
"""
_STATEMENTS = {words for statement in _TABLES.split(";") if (words := statement.strip()).startswith("CREATE")}


def open_for_writing(path: Path) -> sqlite3.Connection:
    """The journal at `path`, which was checked, made if there is none. The caller holds the folder's lock.

    Raises IntegrityError, StoreError if the disk refuses.
    """
    refuse_further_journal(path)
    connection = sqlite.connect(path, wal=True)
    try:
        with sqlite.translating(path):
            if not _statements(connection):
                connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path, *, is_checked: bool = False) -> SqliteReader | None:
    """The journal at `path`, checked; its pages not again where `is_checked`. Raises IntegrityError, StoreError.

    None where there is none that may hold something: a run that died before it had made the tables left a file, but no
    record: nothing was ever sent.
    """
    if not path.exists() or _is_half_made(path):
        return None
    reader = SqliteReader(path)
    try:
        with reading(path):  # a damaged name of a table cannot even be decoded
            is_begun = reader.run(lambda db: _is_sound(db, path, is_checked=is_checked))
    except BaseException:
        reader.close()
        raise
    if is_begun:
        return reader
    reader.close()
    return None


def refuse_torn(path: Path) -> None:
    """Look at the pages of the journal at `path`, if there is one, as each opening does.

    Raises IntegrityError, StoreError.
    """
    reader = open_for_reading(path)
    if reader is not None:
        reader.close()


def is_begun(path: Path) -> bool:
    """Whether `path` is a journal that may hold something. Raises IntegrityError, StoreError."""
    if not path.exists() or _is_half_made(path):
        return False
    with SqliteReader(path) as reader, reading(path):
        return bool(reader.run(_statements))


def refuse_damage(path: Path, known: Callable[[], Sums] = lambda: NOTHING) -> Sums:
    """Read the whole journal: pages and indices as SQLite checks them, and whether its rows contradict one another.

    Only what came since where `known` says, of the file as it is while it is called, that all before was checked: then
    pages are for others to look at. The answer is how far it agrees with itself. A file that is not there is no one's
    damage. Raises IntegrityError for a damaged, foreign or newer file (which is not changed), StoreError.
    """
    reader = open_for_reading(path, is_checked=True)
    if reader is None:
        return NOTHING
    with reader, reading(path):
        verdict, found = reader.run(lambda db: _first_damage(db, known()))
    if verdict is not None:
        raise _damaged(path, verdict)
    return found


def _first_damage(connection: sqlite3.Connection, before: Sums) -> tuple[str | None, Sums]:
    if before == NOTHING:
        (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if verdict != "ok":
            return str(verdict), NOTHING
    contradiction = first_contradiction(connection, before)
    return contradiction, sums(connection, before) if contradiction is None else NOTHING


def _is_half_made(path: Path) -> bool:
    """Whether a run died, or is, in the middle of making the file: the next to write to it takes that back to nothing.

    Who only reads cannot, and is refused by SQLite. What holds anything has more than one page, or a `-wal`.
    """
    changes, wal = (path.with_name(f"{path.name}-{suffix}") for suffix in ("journal", "wal"))
    with files.translating(path), suppress(FileNotFoundError):
        if path.stat().st_size <= _ONE_PAGE and not (wal.exists() and wal.stat().st_size):
            with open_regular(changes) as file:
                head = file.read(20)  # https://www.sqlite.org/fileformat2.html#the_rollback_journal
                return head.startswith(_CHANGES) and head[16:] == bytes(4)  # there was no page before
    return False


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """What SQLite says inside, or a row that cannot be read, becomes StoreError or IntegrityError about `path`."""
    try:
        with sqlite.translating(path):
            yield
    except (ValueError, TypeError, KeyError) as error:
        raise _damaged(path, "a row has a value that was never written") from error


def recorded_recipe(text: str, key: str, seed: int) -> Recipe:
    """The recipe of an image as it was recorded. Raises ValueError if it is not what the image's key stands for."""
    recipe = Recipe(text)
    if recipe.key(seed) != key:
        raise ValueError(key)
    return recipe


def _statements(connection: sqlite3.Connection) -> set[str]:
    """How the tables and indices of a file were made, to the letter."""
    return {statement for (statement,) in connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")}


def _is_sound(connection: sqlite3.Connection, path: Path, *, is_checked: bool) -> bool:
    """Whether the file has its tables: these first, since a check of pages does what other tables ask for."""
    statements = _statements(connection)
    if not statements:
        return False
    _check_tables(connection, path, statements)
    if not is_checked:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise _damaged(path, verdict)
    return True


def _check_tables(connection: sqlite3.Connection, path: Path, statements: set[str]) -> None:
    row = None
    if any(statement.startswith("CREATE TABLE meta (name ") for statement in statements):
        row = connection.execute("SELECT value FROM meta WHERE name = 'version'").fetchone()
    if row is None:
        raise IntegrityError(f"{path} is not a journal of campaign_runner; nothing was sent. Use another --output")
    if row[0] != VERSION:
        raise IntegrityError(
            f"{path} was written by another version of campaign_runner (its format is {row[0]}, this one knows "
            f"{VERSION}); nothing was sent. Run it with that version"
        )
    if statements != _STATEMENTS:
        raise _damaged(path, "its tables were changed")


def _damaged(path: Path, how: str) -> IntegrityError:
    return IntegrityError(f"{path} is damaged ({how}); nothing was sent. {what_mends(path)}")
