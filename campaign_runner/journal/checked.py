"""What this machine remembers of the journals it checked, so that the next opening looks only at what came since.

What is remembered holds for bytes, not for a place: a command notes the SHA-256 of the journal as it leaves it, and up
to which event that was checked when it was opened. A journal of any other byte (edited, restored, replaced, cut, copied
from elsewhere) is checked whole. So is one that something else wrote to meanwhile, one whose last whole check is a week
ago, and each of less than a mebibyte.

What this can miss is damage that happens to the file between the check of an opening and the end of that same command,
past SQLite: what was bought by then followed from what was checked. Pages are still looked at at each opening, `verify`
checks everything, and so does an opening a week later.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, astuple, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from campaign_runner.disk import files, sqlite
from campaign_runner.disk.regular_files import sha256_at
from campaign_runner.disk.sqlite_reader import beside
from campaign_runner.errors import CampaignError
from campaign_runner.journal.consistency import CHECK, NOTHING, Sums

SMALLEST_BYTES = 1 << 20
"""Of a journal that is remembered."""
KEPT = timedelta(days=7)
"""How long a whole check counts."""
_TABLE = """CREATE TABLE IF NOT EXISTS checked (
    journal TEXT PRIMARY KEY, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, how TEXT NOT NULL, at TEXT NOT NULL,
    last INTEGER NOT NULL, begun INTEGER NOT NULL, accepted INTEGER NOT NULL, refused INTEGER NOT NULL,
    in_doubt INTEGER NOT NULL, kept INTEGER NOT NULL)"""
_HOW = f"{CHECK} {sqlite3.sqlite_version}"


@dataclass(frozen=True, slots=True)
class Checked:
    """Up to which event a journal agreed with itself when it was opened, and when it was last checked whole (UTC)."""

    sums: Sums
    at: datetime


@dataclass(frozen=True, slots=True)
class CheckedJournals:
    """It is kept in the state folder `folder`. Nothing is raised: what cannot be remembered is checked again."""

    folder: Path

    def known(self, journal: Path, now: datetime) -> Checked:
        """What was checked of these very bytes: nothing, by `now`, where that is not known, or too long ago."""
        found = None
        with suppress(CampaignError, OSError, ValueError):
            if self._path.exists() and _is_whole(journal):
                found = self._known(journal, now)
        return found or Checked(NOTHING, now)

    def note(self, journal: Path, checked: Checked) -> None:
        """Remember what was checked of a journal that only its own command wrote since, and that no one has open."""
        with suppress(CampaignError, OSError, ValueError):
            size = journal.stat().st_size
            if size >= SMALLEST_BYTES and checked.sums != NOTHING and _is_whole(journal):
                about = (_name(journal), sha256_at(journal), size, _HOW, checked.at.isoformat())
                with self._open() as db:
                    marks = ", ".join("?" * (len(about) + len(asdict(NOTHING))))
                    db.execute(f"INSERT OR REPLACE INTO checked VALUES ({marks})", (*about, *astuple(checked.sums)))

    def _known(self, journal: Path, now: datetime) -> Checked | None:
        with self._open() as db:
            row = db.execute("SELECT * FROM checked WHERE journal = ?", (_name(journal),)).fetchone()
        if row is None:
            return None
        _, digest, size, how, at, *counts = row
        when = datetime.fromisoformat(at)
        if how != _HOW or not timedelta() <= now - when <= KEPT:
            return None
        if journal.stat().st_size != size or sha256_at(journal) != digest:
            return None
        return Checked(Sums(*counts), when)

    @property
    def _path(self) -> Path:
        return self.folder / "journals.sqlite"

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        files.make_folder(self.folder, mode=0o700)
        with sqlite.small(self._path, _TABLE) as db:
            yield db


def _name(journal: Path) -> str:
    return os.fsencode(os.path.realpath(journal)).hex()


def _is_whole(journal: Path) -> bool:
    """Whether the file alone is the record: nothing beside it is still to be brought home, or taken back."""
    others = (beside(journal, suffix) for suffix in ("-wal", "-journal"))
    return not any(other.exists() and other.stat().st_size for other in others)
