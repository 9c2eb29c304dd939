"""The record and the money: a journal that knows less than was bought is never bought from, nor written over."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.errors import IntegrityError
from campaign_runner.events import Event, Stored, Warned
from campaign_runner.journal.ledger import Ledger
from campaign_runner.model import State
from campaign_runner.output_folder.folder import Folder
from campaign_runner.run.control import Control
from campaign_runner.verify.verification import verify
from tests.fixtures import Begin, made
from tests.night import Night
from tests.session.edits import edited


async def killed_in_its_second_run(night: Night) -> tuple[Campaign, Path]:
    """A campaign whose second run is killed; and a copy of its `journal.sqlite` alone, as a backup makes it."""
    campaign = night.campaign(requests=1)
    await night.run(campaign)
    more = edited(campaign, "p00: night mug 0\n", "p00: night mug 0\n  p01: one\n  p02: two\n")
    copy = night.home / "copy.sqlite"
    stored: list[Stored] = []

    def die(event: Event, control: Control) -> None:
        if isinstance(event, Stored):
            stored.append(event)
            if len(stored) == 6:
                shutil.copy(night.output / "journal.sqlite", copy)
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await night.run(more, watch=die)
    return more, copy


async def test_a_journal_that_lost_its_newest_part_is_refused(begin: Begin) -> None:
    night = await begin()
    campaign, copy = await killed_in_its_second_run(night)
    whole = (night.output / "journal.sqlite").read_bytes()
    shutil.copy(copy, night.output / "journal.sqlite")
    calls = dict(night.ledger.calls)
    with pytest.raises(IntegrityError, match=r"has 1 request, but 3 were made .* copied without its -wal file"):
        await night.run(campaign)
    assert night.ledger.calls == calls
    (night.output / "journal.sqlite").write_bytes(whole)
    assert (await night.run(campaign)).states == {"stored": 12}
    assert night.ledger.images_charged == 12


async def test_a_journal_without_anything_in_it_is_not_a_new_one(begin: Begin) -> None:
    night, campaign = await made(begin, requests=1)
    whole = (night.output / "journal.sqlite").rename(night.home / "whole")
    for left in ("manifest.json", "images", "contact-sheet.jpg"):  # a copy of the record alone
        (night.output / left).rename(night.home / left)
    with closing(sqlite3.connect(night.output / "journal.sqlite")) as empty:
        empty.execute("PRAGMA journal_mode = WAL")
    assert (night.output / "journal.sqlite").stat().st_size == 4096
    with pytest.raises(IntegrityError, match="4 images were bought there, but its journal is empty"):
        await night.run(campaign)
    for left in ("manifest.json", "images", "contact-sheet.jpg"):
        (night.home / left).rename(night.output / left)
    with pytest.raises(IntegrityError, match="exists, but its journal is empty"):
        await night.run(campaign)
    whole.replace(night.output / "journal.sqlite")
    assert (await night.run(campaign)).code == 0
    assert night.ledger.images_charged == 4


async def test_after_a_run_one_file_is_the_whole_record_also_beside_a_reader(begin: Begin, tmp_path: Path) -> None:
    night, campaign = await made(begin, requests=2)
    more = edited(campaign, "p00: night mug 0\n", "p00: night mug 0\n  p02: one\n")
    with Ledger(night.output) as reader:  # `status`, say, of another process

        def look(event: Event, control: Control) -> None:
            if isinstance(event, Stored):  # while there is a `-wal`: it stays open, and SQLite leaves that where it is
                reader.counts()

        await night.run(more, watch=look)
        assert reader.counts()[State.STORED] == 12
        (tmp_path / "copy").mkdir()
        shutil.copy(night.output / "journal.sqlite", tmp_path / "copy")
    with Ledger(tmp_path / "copy") as copy:
        assert copy.counts()[State.STORED] == 12


async def test_a_manifest_that_knows_more_is_kept_beside_the_new_one_and_named(begin: Begin) -> None:
    night = await begin()
    campaign, copy = await killed_in_its_second_run(night)
    await night.run(campaign)
    newer = (night.output / "journal.sqlite").read_bytes()
    manifest = (night.output / "manifest.json").read_bytes()
    shutil.copy(copy, night.output / "journal.sqlite")
    ended = await night.run(campaign, start_over=True, agree=lambda figures: False)
    kept = night.output / "manifest.kept-1.json"
    assert kept.read_bytes() == manifest
    assert ended.states == {"stored": 4, "pending": 8}
    assert [event.message for event in ended.seen(Warned) if str(kept) in event.message]
    await night.run(campaign, start_over=True, agree=lambda figures: False)
    assert [file.name for file in night.output.glob("manifest.*")] != ["manifest.json"]
    assert not (night.output / "manifest.kept-2.json").exists()  # the new one says what the journal does
    verdict = await verify(Folder(night.output))
    assert not [finding for finding in verdict.findings if "manifest" in (finding.file or "")]
    kept.unlink()
    (night.output / "journal.sqlite").write_bytes(newer)
    memory = night.access().memory
    assert memory is not None
    memory.remember(campaign.path, night.output, 12, 3)
    assert (await night.run(campaign)).states == {"stored": 12}
