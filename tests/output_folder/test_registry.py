"""What is remembered outside the output folder, so that a moved one is not bought again."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from campaign_runner.errors import IntegrityError, UsageError
from campaign_runner.output_folder.registry import RunRegistry


@pytest.fixture
def memory(tmp_path: Path) -> RunRegistry:
    return RunRegistry(tmp_path / "state")


def test_what_never_ran_may_run_anywhere(memory: RunRegistry, tmp_path: Path) -> None:
    memory.refuse_elsewhere(tmp_path / "a.yaml", tmp_path / "output" / "a")


def test_what_was_bought_elsewhere_is_not_bought_here(memory: RunRegistry, tmp_path: Path) -> None:
    there = tmp_path / "there" / "a"
    there.mkdir(parents=True)
    (there / "journal.sqlite").touch()
    memory.remember(tmp_path / "a.yaml", there, 1200, 1)
    with pytest.raises(UsageError) as refused:
        memory.refuse_elsewhere(tmp_path / "a.yaml", tmp_path / "output" / "a")
    assert str(refused.value) == (
        f"a.yaml last ran into {there}: 1,200 images were bought there; nothing was sent. "
        f"Say where they are with --output {there.parent}, or buy them again with --start-over"
    )


def test_a_folder_that_is_gone_is_told_as_gone(memory: RunRegistry, tmp_path: Path) -> None:
    memory.remember(tmp_path / "a.yaml", tmp_path / "a", 1, 1)
    with pytest.raises(UsageError, match=r"which is gone: 1 image was bought there.*--output DIR if they are in DIR/a"):
        memory.refuse_elsewhere(tmp_path / "a.yaml", tmp_path / "a")


def test_where_nothing_was_bought_nothing_is_lost(memory: RunRegistry, tmp_path: Path) -> None:
    memory.remember(tmp_path / "a.yaml", tmp_path / "there", 0, 1)
    memory.refuse_elsewhere(tmp_path / "a.yaml", tmp_path / "here")


async def test_a_journal_with_fewer_requests_than_ever_left_from_its_folder_is_refused(
    memory: RunRegistry, tmp_path: Path
) -> None:
    file, folder = tmp_path / "a.yaml", tmp_path / "a"
    memory.refuse_older(file, folder, 0)  # never ran
    memory.remember(file, folder, 12, 1)
    memory.refuse_older(file, folder, 1)
    async with memory.begun(file, folder) as begun:
        await begun.note(3)
        await begun.note(2)  # two requests of one moment may be told in any order
    memory.refuse_older(file, tmp_path / "another", 0)
    memory.refuse_older(file, folder, 3)
    with pytest.raises(IntegrityError) as refused:
        memory.refuse_older(file, folder, 2)
    assert str(refused.value) == (
        f"the journal of {folder} has 2 requests, but 3 were made from there: it is older than the last run, or was "
        "copied without its -wal file; nothing was sent. Put the newer one back, or continue from this one and buy the "
        "others again with --start-over"
    )
    memory.remember(file, folder, 12, 1)  # with --start-over
    memory.refuse_older(file, folder, 1)


def test_each_folder_of_a_file_has_its_own_count(memory: RunRegistry, tmp_path: Path) -> None:
    file, one, two = tmp_path / "a.yaml", tmp_path / "one", tmp_path / "two"
    memory.remember(file, one, 4, 5)
    memory.remember(file, two, 4, 1)
    memory.refuse_older(file, two, 1)
    with pytest.raises(IntegrityError, match="has 4 requests, but 5"):
        memory.refuse_older(file, one, 4)


def test_a_memory_of_an_earlier_version_is_read_and_goes_on(memory: RunRegistry, tmp_path: Path) -> None:
    file, folder = tmp_path / "a.yaml", tmp_path / "a"
    memory.remember(file, folder, 4, 1)
    with closing(sqlite3.connect(memory.folder / "campaigns.sqlite")) as db:
        db.execute("DROP TABLE begun")
    memory.refuse_older(file, folder, 0)
    with pytest.raises(UsageError, match="4 images were bought there"):
        memory.refuse_elsewhere(file, folder)


@pytest.mark.parametrize(("journal", "said"), [(None, "its journal is gone"), (b"", "its journal is empty")])
def test_a_folder_that_stands_there_without_its_record_is_not_called_gone(
    memory: RunRegistry, journal: bytes | None, said: str, tmp_path: Path
) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "notes.txt").touch()
    if journal is not None:
        (folder / "journal.sqlite").write_bytes(journal)
    memory.remember(tmp_path / "a.yaml", folder, 32, 8)
    with pytest.raises(IntegrityError, match=f"last ran into {folder}: 32 images were bought there, but {said}"):
        memory.refuse_elsewhere(tmp_path / "a.yaml", folder)


def test_the_last_place_counts(memory: RunRegistry, tmp_path: Path) -> None:
    memory.remember(tmp_path / "a.yaml", tmp_path / "one", 5, 1)
    memory.remember(tmp_path / "a.yaml", tmp_path / "two", 7, 1)
    with pytest.raises(UsageError, match=r"/two.*7 images"):
        RunRegistry(memory.folder).refuse_elsewhere(tmp_path / "a.yaml", tmp_path / "one")


def test_a_file_is_known_by_its_absolute_path(
    memory: RunRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    memory.remember(Path("a.yaml"), tmp_path / "one", 5, 1)
    memory.refuse_elsewhere(tmp_path / "other" / "a.yaml", tmp_path / "two")
    with pytest.raises(UsageError):
        memory.refuse_elsewhere(tmp_path / "a.yaml", tmp_path / "two")


def test_a_name_that_cannot_be_recorded_is_refused_in_a_sentence(memory: RunRegistry, tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"caf\xe9") / "a.yaml"
    with pytest.raises(UsageError, match="is not UTF-8"):
        memory.refuse_elsewhere(file, tmp_path / "output")
    with pytest.raises(UsageError, match="is not UTF-8"):
        memory.remember(tmp_path / "a.yaml", file.parent / "output", 1, 1)


def test_the_state_folder_is_for_its_owner_alone(memory: RunRegistry, tmp_path: Path) -> None:
    memory.remember(tmp_path / "a.yaml", tmp_path / "one", 5, 1)
    assert memory.folder.stat().st_mode & 0o077 == 0


def test_a_damaged_memory_is_told(memory: RunRegistry, tmp_path: Path) -> None:
    memory.remember(tmp_path / "a.yaml", tmp_path / "one", 5, 1)
    (memory.folder / "campaigns.sqlite").write_bytes(b"no database" * 500)
    with pytest.raises(IntegrityError):
        memory.refuse_elsewhere(tmp_path / "a.yaml", tmp_path / "two")
