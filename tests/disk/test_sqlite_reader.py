"""Reading a SQLite file of someone else: nothing beside it changes, and what is read is what was committed last."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from campaign_runner.disk import sqlite, sqlite_reader
from campaign_runner.disk.sqlite_reader import SqliteReader, refuse_further_journal
from campaign_runner.errors import IntegrityError, StoreError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file in WAL mode, closed, that holds 1."""
    path = tmp_path / "kept.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE kept (number INTEGER)")
        db.execute("INSERT INTO kept VALUES (1)")
    return path


def crashed(path: Path) -> None:
    """What is left of one that adds 2 and dies: closing would tidy up, so all is put back as it was before that."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute("INSERT INTO kept VALUES (2)")
        left = {file: file.read_bytes() for file in path.parent.glob(f"{path.name}*")}
    for file, content in left.items():
        file.write_bytes(content)


def numbers(reader: SqliteReader) -> list[int]:
    return reader.run(lambda db: [number for (number,) in db.execute("SELECT number FROM kept ORDER BY number")])


def looks(folder: Path) -> dict[str, tuple[int, int, int]]:
    found = {each.name: each.stat() for each in (folder, *folder.iterdir())}
    return {name: (look.st_ino, look.st_size, look.st_mtime_ns) for name, look in found.items()}


def without_shm(path: Path) -> None:
    crashed(path)
    path.with_name("kept.sqlite-shm").unlink()


def with_a_header_alone(path: Path) -> None:
    """Left by one that died after it had made its `-wal` and before the first frame of it."""
    crashed(path)
    os.truncate(path.with_name("kept.sqlite-wal"), 32)


WAYS: dict[str, tuple[Callable[[Path], object], list[int]]] = {
    "closed": (lambda path: None, [1]),
    "closed, with an empty -wal": (lambda path: path.with_name("kept.sqlite-wal").touch(), [1]),
    "left by a crash": (crashed, [1, 2]),
    "left by a crash before its first frame": (with_a_header_alone, [1]),
    "left by a crash, copied without its -shm": (without_shm, [1, 2]),
}


@pytest.mark.parametrize("way", WAYS)
def test_reading_leaves_everything_as_it_was(way: str, path: Path) -> None:
    make, kept = WAYS[way]
    make(path)
    before = looks(path.parent)
    with SqliteReader(path) as reader:
        assert numbers(reader) == kept
        assert looks(path.parent) == before
    assert looks(path.parent) == before


@pytest.mark.parametrize("way", WAYS)
def test_behind_a_link_it_is_the_same(way: str, path: Path, tmp_path: Path) -> None:
    make, kept = WAYS[way]
    make(path)
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "journal.sqlite"
    link.symlink_to(path)
    before = looks(tmp_path)
    with SqliteReader(link) as reader:
        assert numbers(reader) == kept
    assert looks(tmp_path) == before and [each.name for each in link.parent.iterdir()] == [link.name]


def test_what_a_run_writes_meanwhile_is_read(path: Path) -> None:
    """Also after its last connection was closed, which leaves no `-wal` behind."""
    with SqliteReader(path) as reader:
        assert numbers(reader) == [1]
        with closing(sqlite3.connect(path, isolation_level=None)) as run:
            run.execute("INSERT INTO kept VALUES (2)")
            assert numbers(reader) == [1, 2]
            run.execute("INSERT INTO kept VALUES (3)")
            assert numbers(reader) == [1, 2, 3]
        assert numbers(reader) == [1, 2, 3]
        with closing(sqlite3.connect(path, isolation_level=None)) as run:
            run.execute("INSERT INTO kept VALUES (4)")
        assert numbers(reader) == [1, 2, 3, 4]


def many(path: Path, numbers: Iterator[int] | range) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as run:
        run.execute("BEGIN")
        run.executemany("INSERT INTO kept VALUES (?)", ((number,) for number in numbers))
        run.execute("COMMIT")


def test_what_its_writer_closes_before_the_first_look_is_read(path: Path) -> None:
    """What was beside it when it was looked at is gone then."""
    with closing(sqlite3.connect(path, isolation_level=None)) as run:
        run.execute("INSERT INTO kept VALUES (2)")
        reader = SqliteReader(path)
    with reader:
        assert numbers(reader) == [1, 2]


def test_rows_that_are_read_by_and_by_come_once_each_whatever_is_written_meanwhile(path: Path) -> None:
    many(path, range(2, 1201))
    found = []
    with SqliteReader(path) as reader:
        for number, *_ in reader.each("SELECT number, number FROM kept ORDER BY number"):
            found.append(number)
            if number == 700:
                many(path, range(1201, 1301))
            if number == 800:
                assert len(numbers(reader)) == 1300
    assert found == list(range(1, 1301))


def test_what_is_written_again_and_again_is_given_up_after_five_seconds(path: Path) -> None:
    def written(db: sqlite3.Connection) -> None:
        db.execute("SELECT number FROM kept").fetchall()
        os.utime(path)

    waits: list[float] = []
    with SqliteReader(path, sleep=waits.append) as reader, pytest.raises(StoreError, match="written again and again"):
        reader.run(written)
    assert sum(waits) == pytest.approx(5)


def test_what_others_write_meanwhile_is_read_once_they_are_done(path: Path) -> None:
    waits: list[float] = []

    def written(db: sqlite3.Connection) -> int:
        db.execute("SELECT number FROM kept").fetchall()
        if sum(waits) < 2:
            os.utime(path)
        return len(waits)

    with SqliteReader(path, sleep=waits.append) as reader:
        assert reader.run(written) == len(waits) > 5


def test_what_this_process_begins_to_write_while_it_would_be_copied_is_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_shm(path)
    with ExitStack() as stack:

        @contextmanager
        def written_just_then() -> Iterator[None]:
            stack.enter_context(closing(sqlite.connect(path, wal=True)))
            yield

        monkeypatch.setattr(sqlite, "no_writer_begins", written_just_then)
        with SqliteReader(path) as reader:
            assert numbers(reader) == [1, 2]


def test_an_error_of_a_file_that_did_not_change_is_its_own(path: Path) -> None:
    with SqliteReader(path) as reader, pytest.raises(sqlite3.OperationalError, match="no such table"):
        reader.run(lambda db: db.execute("SELECT * FROM others"))


@pytest.mark.parametrize("is_of_sqlite", [True, False])
def test_an_error_of_a_file_that_changed_meanwhile_is_none(is_of_sqlite: bool, path: Path) -> None:
    tries: list[int] = []

    def work(db: sqlite3.Connection) -> int:
        tries.append(1)
        if len(tries) == 1:
            many(path, range(2, 3))
            if is_of_sqlite:
                db.execute("SELECT * FROM others")
            raise IntegrityError("its rows contradict each other")
        return len(tries)

    with SqliteReader(path) as reader:
        assert reader.run(work) == 2


def terabyte(at: Path) -> None:
    at.touch()
    os.truncate(at, 1 << 40)


HOSTILE: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a link to a device": lambda at: at.symlink_to("/dev/zero"),
    "a folder": lambda at: at.mkdir(),
    "a terabyte of nothing": terabyte,
}


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_what_has_no_end_is_refused(kind: str, suffix: str, path: Path) -> None:
    at = path.with_name(f"{path.name}{suffix}")
    at.unlink(missing_ok=True)
    HOSTILE[kind](at)
    with pytest.raises((IntegrityError, StoreError), match="what belongs there"), SqliteReader(path) as reader:
        numbers(reader)


def test_a_value_larger_than_any_of_ours_is_damage(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_reader, "LARGEST_VALUE", 1000)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("CREATE TABLE texts (text TEXT)")
        db.execute("INSERT INTO texts VALUES (?)", ("x" * 2000,))
    refused = pytest.raises(IntegrityError, match="larger than any of ours")
    with SqliteReader(path) as reader, refused, sqlite.translating(path):
        reader.run(lambda db: db.execute("SELECT text FROM texts").fetchall())


def test_a_journal_that_names_a_further_one_is_refused(path: Path, tmp_path: Path) -> None:
    """SQLite would remove the file that is named there."""
    precious = tmp_path / "precious"
    precious.write_text("keep me")
    name = str(precious).encode()
    head = bytes.fromhex("d9d505f920a163d7") + bytes(500)
    tail = len(name).to_bytes(4, "big") + sum(name).to_bytes(4, "big") + bytes.fromhex("d9d505f920a163d7")
    path.with_name(f"{path.name}-journal").write_bytes(head + bytes(4) + name + tail)
    with pytest.raises(IntegrityError, match="not what a run writes"):
        refuse_further_journal(path)
    with SqliteReader(path) as reader, pytest.raises(sqlite3.OperationalError):
        numbers(reader)
    assert precious.read_text() == "keep me"


def test_what_this_process_reads_it_may_begin_to_write_once_it_was_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite lets all connections of a process share what the first of them may do."""
    crashed(path)
    reader = SqliteReader(path)
    assert numbers(reader) == [1, 2]
    monkeypatch.setattr(time, "sleep", lambda seconds: reader.close())
    with closing(sqlite.connect(path, wal=True)) as writer:
        writer.execute("INSERT INTO kept VALUES (3)")
        with SqliteReader(path) as again:
            assert numbers(again) == [1, 2, 3]


def test_a_reader_of_this_process_that_does_not_end_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crashed(path)
    monkeypatch.setattr(sqlite, "WAITS", (0.0,))
    with SqliteReader(path) as reader:
        assert numbers(reader) == [1, 2]
        with pytest.raises(StoreError, match="still being read by this very process"):
            sqlite.connect(path, wal=True)


def test_who_is_in_the_way_of_others_for_a_moment_is_asked_again(path: Path) -> None:
    refusals = [sqlite3.OperationalError("locking protocol"), sqlite3.OperationalError("locking protocol")]

    def work(db: sqlite3.Connection) -> list[tuple[int]]:
        if refusals:
            error = refusals.pop()
            error.sqlite_errorname = "SQLITE_PROTOCOL"
            raise error
        return db.execute("SELECT number FROM kept").fetchall()

    with SqliteReader(path) as reader:
        assert reader.run(work) == [(1,)] and not refusals


@pytest.mark.proof  # SQLite itself tries for ten seconds
def test_what_cannot_be_read_in_place_and_is_written_no_more_is_read_from_a_copy(path: Path) -> None:
    """A `-wal` whose header is none has nothing in it, but who may not write is refused for ever."""
    crashed(path)
    with path.with_name("kept.sqlite-wal").open("r+b") as wal:
        wal.write(b"none")
    before = looks(path.parent)
    with SqliteReader(path) as reader:
        assert numbers(reader) == [1]
    assert looks(path.parent) == before
