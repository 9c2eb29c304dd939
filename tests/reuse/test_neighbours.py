"""The journals beside ours: what they begin is seen, and what did not change is not read again."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from campaign_runner.errors import StoreError
from campaign_runner.journal.ledger import Ledger
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.reuse import neighbours, offers
from campaign_runner.reuse.neighbours import GRAIN, Neighbours
from campaign_runner.reuse.offers import ReuseQuery, search
from tests.campaigns import campaign
from tests.recorded import record

ADOBE = "https://firefly-api.adobe.io"
LATER = 3600 * 10**9


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the folders whose journals were opened."""
    names: list[str] = []

    def watched(folder: Path, **options: Any) -> Ledger:
        names.append(folder.name)
        return Ledger(folder, **options)

    monkeypatch.setattr(neighbours, "Ledger", watched)
    return names


def plan(folder: Path, name: str) -> Plan:
    return Plan(campaign(folder, file_name=f"{name}.yaml", campaign=name))


def recorded(folder: Path, name: str, states: list[str]) -> None:
    asyncio.run(record(folder / "output" / name, plan(folder, name), states))


def beside(folder: Path, warnings: list[str] | None = None) -> Neighbours:
    """What is beside us, as it was when we planned."""
    ours = plan(folder, "almond")
    wish = ReuseQuery(folder / "output" / "almond", ADOBE)
    found = search(PlanStatus(ours), wish)
    heard: list[str] = [] if warnings is None else warnings
    return Neighbours(lambda: wish, found.read, heard.append)


def keys(folder: Path) -> list[str]:
    return list(plan(folder, "almond").keys())


def now() -> int:
    return time.time_ns() + LATER  # long after every file was written


def test_what_others_had_when_we_planned_is_the_plans_matter(tmp_path: Path) -> None:
    recorded(tmp_path, "spring", ["stored"] * 4)
    found = beside(tmp_path)
    found.look(now())
    assert not found.holding(keys(tmp_path))


@pytest.mark.parametrize(
    ("state", "is_held"),
    [
        ("stored", True),
        ("accepted", True),
        ("in_doubt", True),
        ("submitting", True),
        ("failed", False),
        ("refused", False),
    ],
)
def test_what_others_began_since_is_held_until_it_failed(tmp_path: Path, state: str, is_held: bool) -> None:
    recorded(tmp_path, "autumn", ["new"] * 4)
    found = beside(tmp_path)
    recorded(tmp_path, "spring", [state, "new", "new", "new"])
    found.look(now())
    first, *_ = keys(tmp_path)
    assert found.holding(keys(tmp_path)) == ({first} if is_held else set())


def test_of_a_journal_that_did_not_change_nothing_is_read_again(tmp_path: Path, opened: list[str]) -> None:
    for name in ("autumn", "spring"):
        recorded(tmp_path, name, ["stored", "new", "new", "new"])
    found = beside(tmp_path)
    found.look(now())
    assert sorted(opened) == ["autumn", "spring"]
    found.look(now())
    assert len(opened) == 2
    recorded(tmp_path, "summer", ["submitting", "new", "new", "new"])
    found.look(now())
    assert opened[2:] == ["summer"]


def test_within_the_grain_of_the_times_of_files_what_looks_unchanged_is_read_again(
    tmp_path: Path, opened: list[str]
) -> None:
    recorded(tmp_path, "spring", ["stored", "new", "new", "new"])
    found = beside(tmp_path)
    found.look(0)
    files = (tmp_path / "output" / "spring" / name for name in ("journal.sqlite", "journal.sqlite-wal"))
    moment = max(file.stat().st_mtime_ns for file in files if file.exists())
    opened.clear()
    for look in (moment, moment + GRAIN, moment + GRAIN + 1, moment + GRAIN + 2, moment + GRAIN + 3):
        found.look(look)
    assert len(opened) == 3


def test_a_journal_that_takes_the_place_of_another_is_read_from_its_beginning(tmp_path: Path) -> None:
    recorded(tmp_path, "spring", ["failed"] * 4)
    found = beside(tmp_path)
    found.look(now())
    recorded(tmp_path, "summer", ["stored", "new", "new", "new"])
    (tmp_path / "output" / "summer" / "journal.sqlite").replace(tmp_path / "output" / "spring" / "journal.sqlite")
    shutil.rmtree(tmp_path / "output" / "summer")
    found.look(now())
    assert len(found.holding(keys(tmp_path))) == 1


def test_of_a_campaign_whose_record_breaks_all_it_began_is_left_alone(tmp_path: Path) -> None:
    warnings: list[str] = []
    recorded(tmp_path, "autumn", ["new"] * 4)
    found = beside(tmp_path, warnings)
    recorded(tmp_path, "spring", ["failed", "new", "new", "new"])
    found.look(now())
    (tmp_path / "output" / "spring" / "journal.sqlite").write_bytes(b"not a database at all" * 500)
    first, *_ = keys(tmp_path)
    assert found.holding(keys(tmp_path)) == {first}
    assert [warning.startswith("spring cannot be read now") for warning in warnings] == [True]


@pytest.mark.parametrize("where", [offers, neighbours], ids=["while we plan", "at a look"])
def test_what_the_disk_refuses_once_is_looked_at_again(
    where: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passed over for good, all that it has would be bought again."""

    class RefusedLedger(Ledger):
        def __init__(self, folder: Path, **_: Any) -> None:
            raise StoreError(f"{folder} cannot be opened")

    recorded(tmp_path, "spring", ["stored", "new", "new", "new"])
    with monkeypatch.context() as patch:
        patch.setattr(where, "Ledger", RefusedLedger)
        found = beside(tmp_path)
        if where is neighbours:
            recorded(tmp_path, "summer", ["new", "stored", "new", "new"])
            found.look(now())
    found.look(now())
    assert len(found.holding(keys(tmp_path))) == 1


def test_our_own_journal_and_what_holds_none_are_passed_over(tmp_path: Path, opened: list[str]) -> None:
    recorded(tmp_path, "almond", ["stored", "new", "new", "new"])
    found = beside(tmp_path)
    (tmp_path / "output" / "notes.txt").touch()
    (tmp_path / "output" / "empty").mkdir()
    (tmp_path / "output" / "dangling").symlink_to(tmp_path / "nowhere")
    found.look(now())
    assert opened == []


def test_where_no_one_wrote_of_late_no_one_holds_more_than_what_was_seen(tmp_path: Path) -> None:
    recorded(tmp_path, "idle", ["pending"])
    found = beside(tmp_path)
    assert found.may_hold(["another"])  # nothing was looked at
    recorded(tmp_path, "spring", ["accepted"])
    found.look(time.time_ns())
    assert found.may_hold(["another"])
    found.look(now())
    assert found.may_hold(keys(tmp_path)) and not found.may_hold(["another"])
