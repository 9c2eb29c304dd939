"""Marks and deliveries of a fleet: rows that every machine adds to, and that leave with their campaign."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from campaign_runner.errors import IntegrityError
from campaign_runner.fleet import people
from campaign_runner.fleet.database import Database
from campaign_runner.fleet.lease import FleetCampaign, campaign_of
from campaign_runner.output_folder.folder import DECISIONS, Folder
from campaign_runner.review.decisions_file import file_name, lines, read_file
from campaign_runner.review.decisions_folder import each_file, keep_file
from campaign_runner.review.marks import Mark, Note, Reviewer
from tests.fleet.postgres import Fleet

pytestmark = pytest.mark.proof
START = datetime(2026, 11, 29, 12, tzinfo=UTC)
ANNA, BEN = Reviewer("anna", "Anna"), Reviewer("ben", "Ben")


@pytest.fixture
async def database(fleet: Fleet) -> AsyncIterator[Database]:
    async with Database(fleet.server.settings(fleet.with_turned_clock)) as opened:
        yield opened


@pytest.fixture
async def campaign(database: Database) -> FleetCampaign:
    account = uuid.uuid4().hex
    return await campaign_of(database, account, f"{account}/spring")


def machine(tmp_path: Path, name: str) -> Folder:
    folder = Folder(tmp_path / name / "spring")
    folder.path.mkdir(parents=True)
    return folder


def say(folder: Folder, who: Reviewer, number: int) -> None:
    mark = Mark(
        f"{number:016x}",
        "a" * 64,
        "b" * 64,
        None,
        "note",
        Note(f"note {number}"),
        (),
        f"{START:%Y-%m-%dT%H:%M:%S}Z",
        who,
    )
    keep_file(folder, file_name("spring", who, START), b"".join(lines("spring", who, [mark])))


def said(folder: Folder) -> set[tuple[str, str]]:
    """Each mark: who made it, and its id."""
    found = each_file(folder.path / DECISIONS, read_file)
    assert [file.problems for file in found] == [()] * len(found)
    return {(mark.reviewer.id, mark.id) for file in found for mark in file.marks}


async def test_each_machine_sees_the_marks_of_all(database: Database, campaign: FleetCampaign, tmp_path: Path) -> None:
    here, there = machine(tmp_path, "here"), machine(tmp_path, "there")
    say(here, ANNA, 1)
    say(there, BEN, 2)
    for folder in (here, there, here, there):
        await people.share_marks(database, campaign, folder)
    assert said(here) == said(there) == {("anna", f"{1:016x}"), ("ben", f"{2:016x}")}


async def test_of_two_deliveries_at_once_one_is_refused(
    database: Database, campaign: FleetCampaign, tmp_path: Path
) -> None:
    here, there = machine(tmp_path, "here"), machine(tmp_path, "there")
    (here.path / "deliver.json").write_text('{"of": "here"}')
    (there.path / "deliver.json").write_text('{"of": "there"}')
    await people.keep_deliveries(database, campaign, here)
    await people.keep_deliveries(database, campaign, here)
    with pytest.raises(IntegrityError, match="another machine delivered"):
        await people.keep_deliveries(database, campaign, there)
    await people.fetch_deliveries(database, campaign, there)
    assert (there.path / "deliver.json").read_text() == '{"of": "here"}'
    (there.path / "deliver.json").write_text('{"of": "both"}')
    await people.keep_deliveries(database, campaign, there)


async def test_a_damaged_record_of_deliveries_is_refused_by_name(
    database: Database, campaign: FleetCampaign, tmp_path: Path
) -> None:
    came = machine(tmp_path, "came")
    (came.path / "deliver.json").write_bytes(b"\xff")
    with pytest.raises(IntegrityError, match=r"deliver\.json is damaged"):
        await people.bring(database, campaign, came)


async def test_what_people_said_in_the_fleet_leaves_with_the_campaign(
    database: Database, campaign: FleetCampaign, tmp_path: Path
) -> None:
    came, here, left = (machine(tmp_path, name) for name in ("came", "here", "left"))
    say(came, ANNA, 1)
    (came.path / "deliver.json").write_text("{}")
    await people.bring(database, campaign, came)
    say(here, BEN, 2)
    await people.share_marks(database, campaign, here)
    await people.take_along(database, campaign, left)
    assert said(left) == {("anna", f"{1:016x}"), ("ben", f"{2:016x}")}
    assert (left.path / "deliver.json").read_text() == "{}"
