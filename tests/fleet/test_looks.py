"""A picture of a fleet's campaign is found by its looks, which the record knows: no image is read for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from campaign_runner.find.search import Match, by_picture
from campaign_runner.fleet.database import Database, DatabaseSettings
from campaign_runner.fleet.images.place import ImagePlace
from campaign_runner.fleet.place import FleetPlace, FleetSettings
from campaign_runner.fleet.record.looks import RecordedLooks
from campaign_runner.fleet.setup import prepare
from campaign_runner.fleet.transfer import FleetEnd, import_campaign
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.output_folder.folder import Folder
from campaign_runner.pictures.likeness import Likeness
from tests.fleet import s3
from tests.fleet.postgres import Fleet
from tests.many_images import copy_of, make

pytestmark = pytest.mark.proof
IMAGES = 6
Find = Callable[[str], tuple[list[Match], list[int]]]


@pytest.fixture(params=["folder", "bucket"])
def images(request: pytest.FixtureRequest, tmp_path: Path) -> ImagePlace:
    return s3.place(s3.new_bucket()) if request.param == "bucket" else ImagePlace.of(str(tmp_path / "images"))


@pytest.fixture
def database(fleet: Fleet) -> DatabaseSettings:
    return fleet.server.settings(fleet.server.prepared_database(fleet.prepared))


@pytest.fixture
def imported(database: DatabaseSettings, images: ImagePlace, tmp_path: Path) -> Folder:
    """A campaign that was made in a folder and moved into the fleet."""
    folder = make(tmp_path, IMAGES)
    asyncio.run(_imported(folder, database, images))
    return folder


async def _imported(folder: Folder, settings: DatabaseSettings, images: ImagePlace) -> None:
    async with SqliteJournal(folder.path) as journal:
        await journal.note({"origin": "https://firefly.example"})
    async with Database(settings) as database:
        await images.note(database.identity.id)
        assert await import_campaign(folder, FleetEnd(database, images, "account", "default/many")) == IMAGES


@pytest.fixture
def find(database: DatabaseSettings, images: ImagePlace, tmp_path: Path) -> Find:
    """`find(name of a machine)`: what a copy of the campaign's third picture is, and how many images were read."""

    async def found(machine: str) -> tuple[list[Match], list[int]]:
        copy = tmp_path / "copy.jpg"
        place, read = FleetPlace(FleetSettings(database, images, tmp_path / machine), lambda _: "account"), list[int]()
        async with place.opened() as opened:
            folders, cuts = await place.read_all(), Likeness(tmp_path / machine)
            return await by_picture(copy, folders, RecordedLooks(opened), read.append, cuts=cuts), read

    return lambda machine: asyncio.run(found(machine))


def wanted(folder: Folder, tmp_path: Path) -> str:
    """The file of the campaign's third picture, of which a copy is made."""
    file = sorted(folder.images.rglob("*.jpg"))[2]
    copy_of(file, tmp_path / "copy.jpg")
    return file.name


def told(database: DatabaseSettings, query: str) -> None:
    with psycopg.connect(database.conninfo.reveal(), autocommit=True) as connection:
        connection.execute("SET search_path = campaign_runner")
        connection.execute(query.encode())


def test_a_picture_that_came_with_a_folder_is_found_and_no_image_is_read(
    imported: Folder, find: Find, tmp_path: Path
) -> None:
    name = wanted(imported, tmp_path)
    hits, read = find("any")
    assert Path(hits[0].entry.file or "").name == name and hits[0].distance is not None and not read


def test_what_no_one_has_looked_at_is_read_by_one_machine_for_all(
    imported: Folder, find: Find, database: DatabaseSettings, tmp_path: Path
) -> None:
    name = wanted(imported, tmp_path)
    told(database, "UPDATE pictures SET looks = NULL")
    found = [find(machine) for machine in ("one", "other")]
    assert [Path(hits[0].entry.file or "").name for hits, _ in found] == [name, name]
    assert [len(read) for _, read in found] == [IMAGES, 0]


def test_what_was_recorded_before_the_database_knew_looks_is_found_after_an_upgrade(
    imported: Folder, find: Find, database: DatabaseSettings, tmp_path: Path
) -> None:
    name = wanted(imported, tmp_path)
    told(database, "DROP TABLE pictures; UPDATE meta SET value = '3' WHERE name = 'version'")
    told(database, "UPDATE meta SET value = identity()::text WHERE name = 'identity'")
    asyncio.run(prepare(database))
    hits, read = find("any")
    assert (Path(hits[0].entry.file or "").name, len(read)) == (name, IMAGES)
