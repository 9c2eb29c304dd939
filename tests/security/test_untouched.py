"""Whatever is typed about one campaign, the folders of all others are as they were: names, sizes and times."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from campaign_runner.cli import run_command
from tests.security.every_command import CAMPAIGN, test_it_is_every_command, typed

__all__ = ["test_it_is_every_command"]
LEAVE = """
import os, sqlite3, sys
journal = sqlite3.connect(sys.argv[1], isolation_level=None)
journal.execute("PRAGMA wal_autocheckpoint = 0")
journal.execute("INSERT OR REPLACE INTO meta VALUES ('written', 'late')")
os._exit(0)
"""
"""A run that dies in the middle: what it wrote last is in the `-wal`, with its `-shm` beside it."""


def crashed(folder: Path) -> None:
    subprocess.run([sys.executable, "-c", LEAVE, str(folder / "journal.sqlite")], check=True)
    assert (folder / "journal.sqlite-wal").stat().st_size and (folder / "journal.sqlite-shm").exists()


def copied_without_shm(folder: Path) -> None:
    crashed(folder)
    (folder / "journal.sqlite-shm").unlink()


def with_empty_wal(folder: Path) -> None:
    (folder / "journal.sqlite-wal").touch()


def for_reading_alone(folder: Path) -> None:
    crashed(folder)
    for file in folder.glob("journal.sqlite*"):
        file.chmod(0o444)


def damaged(folder: Path) -> None:
    with (folder / "journal.sqlite").open("r+b") as journal:
        journal.truncate(journal.seek(0, 2) // 2)


NEIGHBOURS: dict[str, Callable[[Path], object]] = {
    "settled": lambda folder: None,
    "crashed": crashed,
    "copied": copied_without_shm,
    "emptied": with_empty_wal,
    "guarded": for_reading_alone,
    "damaged": damaged,
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `spring` was rehearsed, beside what became of others like it; one is behind a link."""
    home = tmp_path_factory.mktemp("spring")
    (home / "spring.yaml").write_text(CAMPAIGN, encoding="utf-8")
    assert run_command(["run", "--sandbox", str(home / "spring.yaml"), "--quiet"]) == 0
    for name, become in NEIGHBOURS.items():
        folder = home / "output" / f"{name}.sandbox"
        shutil.copytree(home / "output" / "spring.sandbox", folder)
        become(folder)
    away = shutil.copytree(home / "output" / "crashed.sandbox", home / "away")
    (home / "output" / "linked.sandbox").symlink_to(away)
    return home


@pytest.fixture
def home(ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = shutil.copytree(ran, tmp_path / "home", symlinks=True)
    (home / "output" / "linked.sandbox").unlink()
    (home / "output" / "linked.sandbox").symlink_to(home / "away")
    monkeypatch.chdir(home)
    monkeypatch.setenv("CAMPAIGN_RUNNER_STATE_DIR", str(home / "state"))
    return home


def looks(home: Path) -> dict[str, tuple[int, ...]]:
    """How every file and folder of the neighbours looks: which it is, how long, of when, under how many names."""
    others = [folder for folder in (home / "output").iterdir() if folder.is_dir() and folder.name in OTHERS]
    places = [each for folder in (*others, home / "away") for each in (folder, *sorted(folder.rglob("*")))]
    return {str(each): _look(each.lstat()) for each in places}


OTHERS = {f"{name}.sandbox" for name in (*NEIGHBOURS, "linked")}


def _look(found: os.stat_result) -> tuple[int, ...]:
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_nlink, found.st_mode


@contextmanager
def leaving_others_alone(home: Path, what: str) -> Iterator[None]:
    before = looks(home)
    yield
    after = looks(home)
    changed = {name: (before.get(name), after.get(name)) for name in before.keys() | after.keys()}
    changed = {name: looks for name, looks in changed.items() if looks[0] != looks[1]}
    assert not changed, f"{what} changed {changed}"


def test_no_command_leaves_a_trace_in_the_folders_of_others(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(looks(home)) > 50
    for name, arguments in typed(home):
        with leaving_others_alone(home, name):
            status = run_command(arguments)
        said = capsys.readouterr()
        assert status != 1, (name, said)


def test_a_run_that_takes_their_images_over_leaves_no_trace_either(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "summer.yaml").write_text(CAMPAIGN.replace("spring", "summer"), encoding="utf-8")
    with leaving_others_alone(home, "run"):
        assert run_command(["run", "--sandbox", "summer.yaml"]) == 0
    assert "4 images of " in capsys.readouterr().err
