"""What SQLite is asked for wherever a record of money is committed: it must survive a power cut.

Its syncs are made below Python, where nothing here can count them (`power.py` does not model its files). So every
connection of a whole run is asked, each time that it commits, what it would do now.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures import Begin
from tests.rerun.again import again

FULL = 2  # of PRAGMA synchronous: a commit returns once it is on the disk; 1 and 0 promise less
PROMISED = {
    ("journal.sqlite", "wal", FULL),
    ("quota.sqlite", "delete", FULL),
    ("campaigns.sqlite", "delete", FULL),
}
CHANGES = ("COMMIT", "INSERT", "UPDATE", "DELETE", "CREATE")
Found = set[tuple[str, str, int]]


def asking(found: Found) -> type[sqlite3.Connection]:
    """Connections that note what they would do: the file's name, its journal mode, how far it is synced."""

    class Asked(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if sql.lstrip().startswith(CHANGES):
                self._note()
            return super().execute(sql, *values)

        def executescript(self, sql: str) -> sqlite3.Cursor:
            self._note()
            return super().executescript(sql)

        def _note(self) -> None:
            file, mode, synced = (
                super(Asked, self).execute(f"PRAGMA {word}").fetchone()
                for word in ("database_list", "journal_mode", "synchronous")
            )
            if file[2]:  # else it has no name, and is gone with its connection: no one relies on it
                found.add((Path(file[2]).name, mode[0], synced[0]))

    return Asked


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Found:
    """What every connection that commits something from now on was asked for."""
    found: Found = set()
    connect, connection = sqlite3.connect, asking(found)
    monkeypatch.setattr(sqlite3, "connect", lambda *place, **how: connect(*place, factory=connection, **how))
    return found


async def test_every_commit_of_a_run_and_of_a_rerun_is_on_the_disk_when_it_returns(begin: Begin, found: Found) -> None:
    night = await begin()
    assert (await night.run(night.custom("Warm Custom Model"))).code == 0
    assert found == PROMISED
    night.resolved |= set(night.ledger.charged)
    found.clear()
    assert (await again(night)).code == 0
    assert {each for each in PROMISED if each[0] != "campaigns.sqlite"} <= found <= PROMISED
