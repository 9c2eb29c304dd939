"""The output folder: where it lies, who holds it, whose it is."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
from pathlib import Path

import pytest

from campaign_runner.errors import Busy, IntegrityError, StoreError, UsageError
from campaign_runner.output_folder.folder import Folder, home_of
from tests.campaigns import plan, written
from tests.recorded import record

HOMES = [
    ("campaigns/spring.yaml", "output"),  # beside the folder campaigns
    ("client/campaigns/2026/spring.yaml", "client/output"),  # also from further down
    ("spring.yaml", "output"),  # else beside the file
    ("client/spring.yaml", "client/output"),
]


@pytest.mark.parametrize(("file", "home"), HOMES)
def test_output_lies_beside_campaigns_wherever_the_command_is_given(
    file: str, home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert home_of(tmp_path / file) == tmp_path / home
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir((tmp_path / file).parent)
    assert home_of(Path(Path(file).name)) == tmp_path / home


def test_a_folder_is_held_by_one_run(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "almond")
    assert not folder.is_held()
    with folder.locked():
        assert folder.is_held()
        with pytest.raises(Busy, match="another run is already working on this campaign"), Folder(folder.path).locked():
            pass
    assert not folder.is_held()
    assert (folder.path / ".lock").exists()  # never removed: two runs would hold two files of one name


def test_what_a_killed_run_left_half_written_is_gone_once_the_folder_is_held(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "almond")
    folder.staging.mkdir(parents=True)
    (folder.staging / ".manifest.json.1f2e.tmp").write_bytes(b"half")
    with folder.locked():
        assert list(folder.staging.iterdir()) == []


def test_a_link_in_the_place_of_the_staging_folder_is_refused_and_nothing_is_removed(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "almond")
    folder.path.mkdir()
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    folder.staging.symlink_to(tmp_path / "precious")
    with pytest.raises(IntegrityError, match="is a symbolic link"), folder.locked():
        pass
    assert (tmp_path / "precious" / "file").exists()


async def test_a_run_killed_before_its_journal_had_tables_left_no_record(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "almond")
    folder.path.mkdir()
    sqlite3.connect(folder.path / "journal.sqlite").execute("PRAGMA journal_mode = WAL").connection.close()
    assert (folder.path / "journal.sqlite").stat().st_size > 0
    assert not folder.has_journal
    await folder.refuse_orphans()
    with pytest.raises(UsageError, match="nothing was run there yet"):
        folder.ledger()


def test_looking_whether_a_run_holds_a_folder_makes_nothing(tmp_path: Path) -> None:
    assert not Folder(tmp_path).is_held()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_a_matter_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "output").touch()
    with pytest.raises((StoreError, IntegrityError)), Folder(tmp_path / "output" / "almond").locked():
        pass


@pytest.mark.parametrize("error", [errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK])
def test_a_disk_that_cannot_lock_is_refused(error: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(handle: int, operation: int) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(StoreError, match=r"cannot be locked .*use a folder on a local disk"), Folder(tmp_path).locked():
        pass


@pytest.mark.parametrize("left", ["manifest.json", "images/candle/hero.jpg", "images/unexpected/x.png"])
async def test_images_without_a_journal_are_not_bought_again(left: str, tmp_path: Path) -> None:
    file = tmp_path / left
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    with pytest.raises(IntegrityError, match=r"its journal is gone; nothing was sent"):
        await Folder(tmp_path).refuse_orphans()


async def test_an_empty_folder_has_no_orphans(tmp_path: Path) -> None:
    (tmp_path / "images" / "candle").mkdir(parents=True)
    await Folder(tmp_path).refuse_orphans()


async def refuse(tmp_path: Path, *, origin: str = "https://firefly-api.adobe.io", file: Path) -> None:
    folder = Folder(tmp_path / "almond")
    with folder.ledger() as ledger:
        folder.refuse_strangers(ledger, origin=origin, file=file, campaign="almond")


async def recorded_folder(tmp_path: Path) -> Path:
    file = written(tmp_path)
    await record(tmp_path / "almond", plan(tmp_path), ["stored"])
    from_folder = Folder(tmp_path / "almond").relative(file)
    assert from_folder == "../almond.yaml"
    return file


async def test_a_folder_knows_its_file(tmp_path: Path) -> None:
    await refuse(tmp_path, file=await recorded_folder(tmp_path))


async def test_another_service_is_refused(tmp_path: Path) -> None:
    file = await recorded_folder(tmp_path)
    with pytest.raises(IntegrityError, match=r"this run would use sandbox; nothing was sent"):
        await refuse(tmp_path, origin="sandbox", file=file)


async def test_another_file_of_the_same_campaign_is_refused_while_both_exist(tmp_path: Path) -> None:
    file = await recorded_folder(tmp_path)
    other = written(tmp_path, "copy.yaml")
    with pytest.raises(UsageError, match=r"belongs to .*almond\.yaml.*Give copy\.yaml another campaign name"):
        await refuse(tmp_path, file=other)
    file.write_text(file.read_text().replace('"almond"', '"renamed"  # was almond'))
    await refuse(tmp_path, file=other)
    file.unlink()
    await refuse(tmp_path, file=other)
