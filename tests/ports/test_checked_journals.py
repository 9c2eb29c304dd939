"""What was checked of a journal is remembered for its bytes; whatever else stands in its place is checked whole."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from campaign_runner.errors import IntegrityError
from campaign_runner.events import Uploaded
from campaign_runner.journal import checked, consistency
from campaign_runner.journal.checked import CheckedJournals
from campaign_runner.journal.consistency import Sums, first_contradiction, sums
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.journal.tables import FILE
from campaign_runner.model import variation_key
from tests.ports.test_journal import NOW, accepted, attempt, stored
from tests.ports.test_sqlite_journal import CONTRADICTIONS, a_small_journal

IMAGES = 40


@dataclass
class Machine:
    """A journal, what this machine remembers of it, and how many images were looked at when it was opened."""

    folder: Path
    state: Path
    looked_at: int = 0
    days: float = 0.0
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1000)))

    @property
    def journal(self) -> Path:
        return self.folder / FILE

    async def store(self, images: int, meanwhile: Callable[[], None] = lambda: None) -> int:
        """Open the journal, store so many images, close it; how many images were looked at when it was opened."""
        self.looked_at = 0
        now, checks = NOW + timedelta(days=self.days), CheckedJournals(self.state)
        async with SqliteJournal(self.folder, now=lambda: now, checks=checks) as journal:
            looked_at = self.looked_at
            for number in (next(self.numbers) for _ in range(images)):
                one = attempt(f"a{number}", number)
                await journal.intend([one])
                await journal.record([accepted(one), stored(one)])
            meanwhile()
        return looked_at

    def change(self, statement: str) -> None:
        with closing(sqlite3.connect(self.journal, isolation_level=None)) as db:
            assert db.execute(statement).rowcount > 0


@pytest.fixture
async def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Its journal has forty images, and was checked whole once."""
    (tmp_path / "output").mkdir()
    made = Machine(tmp_path / "output", tmp_path / "state")

    def counted(recipe: str, seed: int) -> str:
        made.looked_at += 1
        return variation_key(recipe, seed)

    monkeypatch.setattr(checked, "SMALLEST_BYTES", 0)
    monkeypatch.setattr(consistency, "variation_key", counted)
    assert await made.store(IMAGES) == 0
    assert await made.store(0) >= IMAGES
    return made


async def test_what_was_checked_is_not_checked_again_and_what_came_since_is(machine: Machine) -> None:
    assert await machine.store(2) == 0
    assert 2 <= await machine.store(0) <= 4
    assert await machine.store(0) == 0


def patched(machine: Machine) -> None:
    """One letter of an image's digest, in the table alone; size and times are as they were."""
    content, before = bytearray(machine.journal.read_bytes()), machine.journal.stat()
    at = content.rindex(b"ab" * 32)
    content[at : at + 2] = b"cd"
    machine.journal.write_bytes(content)
    os.utime(machine.journal, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert machine.journal.stat().st_size == before.st_size


def cut(machine: Machine) -> None:
    os.truncate(machine.journal, machine.journal.stat().st_size - 4096)


DAMAGE: dict[str, Callable[[Machine], None]] = {
    "a letter": patched,
    "a page less": cut,
    "a row less": lambda machine: machine.change("DELETE FROM events WHERE seq = 3"),
    "an image less": lambda machine: machine.change("DELETE FROM variations WHERE number = 7"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
async def test_damage_to_what_was_checked_is_refused(damage: Callable[[Machine], None], machine: Machine) -> None:
    damage(machine)
    with pytest.raises(IntegrityError, match="damaged"):
        await machine.store(0)


async def test_damage_while_a_command_had_the_journal_open_is_refused_by_the_next(machine: Machine) -> None:
    await machine.store(0, lambda: machine.change("DELETE FROM events WHERE seq = 3"))
    with pytest.raises(IntegrityError, match="an event is missing"):
        await machine.store(0)


async def test_an_older_journal_in_its_place_is_checked_whole(machine: Machine, tmp_path: Path) -> None:
    shutil.copy(machine.journal, tmp_path / "backup")
    await machine.store(1)
    shutil.copy(tmp_path / "backup", machine.journal)
    assert await machine.store(0) >= IMAGES


async def test_the_same_journal_in_another_place_is_checked_whole(machine: Machine, tmp_path: Path) -> None:
    machine.folder = machine.folder.rename(tmp_path / "moved")
    assert await machine.store(0) >= IMAGES


async def test_a_journal_with_a_wal_beside_it_is_checked_whole(machine: Machine) -> None:
    with closing(sqlite3.connect(machine.journal)) as db:
        db.execute("INSERT INTO meta VALUES ('x', 'x')")
        db.commit()
        shutil.copy(f"{machine.journal}-wal", machine.state / "wal")
    shutil.copy(machine.state / "wal", f"{machine.journal}-wal")
    assert await machine.store(0) >= IMAGES


@pytest.mark.parametrize("days", [8, -1])
async def test_a_whole_check_counts_for_a_week_and_never_before_it_was_made(days: int, machine: Machine) -> None:
    machine.days = days
    assert await machine.store(0) >= IMAGES
    assert await machine.store(0) == 0


async def test_a_week_begins_with_the_whole_check_not_with_the_last_opening(machine: Machine) -> None:
    looked_at = []
    for machine.days in (4, 8, 9):
        looked_at.append(await machine.store(0) >= IMAGES)
    assert looked_at == [False, True, False]


async def test_a_version_that_checks_something_else_checks_everything(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checked, "_HOW", "another")
    assert await machine.store(0) >= IMAGES


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
async def test_what_is_remembered_may_be_lost(content: bytes, machine: Machine) -> None:
    (machine.state / "journals.sqlite").write_bytes(content)
    assert await machine.store(0) >= IMAGES


async def test_a_small_journal_is_not_remembered(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checked, "SMALLEST_BYTES", 1 << 20)
    await machine.store(1)
    assert await machine.store(0) >= IMAGES


async def test_a_command_that_failed_remembers_nothing(machine: Machine) -> None:
    with pytest.raises(OSError, match="power"):
        await machine.store(1, lambda: _raise(OSError("power")))
    assert await machine.store(0) >= IMAGES


def _raise(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(("what", "change"), [each for each in CONTRADICTIONS if "epoch" not in each[1]])
async def test_contradictions_in_what_came_since_are_found_alone(what: str, change: str, tmp_path: Path) -> None:
    await a_small_journal(tmp_path)
    async with SqliteJournal(tmp_path) as journal:
        await journal.record([Uploaded("ab" * 32, "upload-1")])
    before = Sums(last=1)  # of the first event, which is none of a request
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as db:
        assert first_contradiction(db, before) is None
        assert sums(db, before) == sums(db)
        assert db.execute(change).rowcount > 0
        found = first_contradiction(db, before)
    assert found is not None and found.startswith(what)
