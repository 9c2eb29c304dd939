"""`fleet import` and `fleet export`: a campaign moves with all that was bought for it, and is live in one place."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest
from PIL import Image

from campaign_runner.authoring.since_last_run import note_of
from campaign_runner.errors import CampaignError, IntegrityError
from campaign_runner.fleet import transfer
from campaign_runner.fleet.database import Database, DatabaseGone, DatabaseSettings
from campaign_runner.fleet.images.place import ImagePlace
from campaign_runner.fleet.lease import Lease, campaign_of
from campaign_runner.fleet.people import marks_of
from campaign_runner.fleet.record.entries import TABLES, is_of_place
from campaign_runner.fleet.setup import prepare
from campaign_runner.fleet.transfer import FleetEnd, export_campaign, import_campaign
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.journal.tables import FILE, refuse_damage
from campaign_runner.output_folder.folder import Folder
from campaign_runner.quota.shared_quota import account_of
from tests.campaigns import plan
from tests.cli.conftest import ask  # noqa: F401 - a fixture
from tests.cli.typed import Ask
from tests.fleet import s3
from tests.fleet.postgres import Fleet
from tests.recorded import record
from tests.review.cases import full
from tests.review.test_decisions_file import content, mark

pytestmark = pytest.mark.proof
STATES = ["stored", "in_doubt", "failed", "accepted"]
ACCOUNT = "account"
"""As a digest."""
PREFIX = "default/almond"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Four images in four states, a note, a mark and a delivery."""
    path = tmp_path / "output" / "almond"
    asyncio.run(record(path, plan(tmp_path), STATES))
    for name in ("images/candle/a.jpg", "images/soap/b.jpg", "removed/soap/c.jpg"):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(name.encode())
    (path / "manifest.json").write_bytes(b'{"images": []}\n')
    marked(Folder(path), "a")
    (path / "deliver.json").write_text("{}")
    (path / "contact-sheet.jpg").write_bytes(b"drawn again")
    return Folder(path)


def marked(folder: Folder, *labels: str) -> None:
    """Anna likes images."""
    (folder.path / "decisions").mkdir(exist_ok=True)
    marks = content(*map(mark, labels), campaign="almond")
    (folder.path / "decisions" / "anna.jsonl").write_bytes(marks)


def ids_of(folder: Folder) -> list[str]:
    """Of all marks in a folder."""
    return sorted({id for id, _, _ in marks_of(folder)})


@pytest.fixture(params=["folder", "bucket"])
def images(request: pytest.FixtureRequest, tmp_path: Path) -> ImagePlace:
    return s3.place(s3.new_bucket()) if request.param == "bucket" else ImagePlace.of(str(tmp_path / "images"))


@pytest.fixture
def database(fleet: Fleet) -> DatabaseSettings:
    settings = fleet.server.settings(fleet.server.new_database())
    asyncio.run(prepare(settings))
    return settings


def rows(folder: Folder) -> dict[str, list[Any]]:
    """All that the journal of a folder says, but for what is about its place."""
    with sqlite3.connect(folder.path / FILE) as db:
        found = {table: db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in TABLES}
    db.close()
    return found | {"meta": [row for row in found["meta"] if not is_of_place(row[0])]}


def carried(folder: Folder) -> dict[str, bytes]:
    """All files but the journal and what is drawn again."""
    names = (path for path in sorted(folder.path.rglob("*")) if path.is_file())
    told = {str(path.relative_to(folder.path)): path.read_bytes() for path in names}
    return {
        name: content
        for name, content in told.items()
        if not name.startswith((FILE, ".lock", ".staging", "contact", "decisions"))
    }


async def moved(settings: DatabaseSettings, images: ImagePlace, move: Callable[[FleetEnd], Any]) -> Any:
    async with Database(settings) as database:
        return await move(FleetEnd(database, images, ACCOUNT, PREFIX))


def opened(folder: Folder) -> None:
    async def once() -> None:
        async with SqliteJournal(folder.path):
            pass

    asyncio.run(once())


def test_what_comes_back_is_what_went_byte_for_byte(
    folder: Folder, images: ImagePlace, database: DatabaseSettings, tmp_path: Path
) -> None:
    opened(folder)  # what has no answer is in doubt from now on
    before, files = rows(folder), carried(folder)
    assert asyncio.run(moved(database, images, lambda end: import_campaign(folder, end))) == 3
    with pytest.raises(IntegrityError, match="is elsewhere now, in the fleet as default/almond"):
        opened(folder)
    back = Folder(tmp_path / "elsewhere" / "almond")
    asyncio.run(moved(database, images, lambda end: export_campaign(end, back)))
    changed = {"epoch"}  # it was opened once more, to be marked
    assert {name: [row for row in each if row[0] not in changed] for name, each in rows(back).items()} == {
        name: [row for row in each if row[0] not in changed] for name, each in before.items()
    }
    assert carried(back) == files and ids_of(back) == ids_of(folder) != []
    refuse_damage(back.path / FILE)
    opened(back)
    with pytest.raises(IntegrityError, match="is elsewhere: it is in "):
        asyncio.run(moved(database, images, lambda end: export_campaign(end, Folder(tmp_path / "third" / "almond"))))


def test_reference_images_come_along_if_they_are_what_they_were_and_go_out_again(
    images: ImagePlace, database: DatabaseSettings, tmp_path: Path
) -> None:
    for name in ("look", "lost"):
        Image.new("RGB", (16, 16), "red" if name == "look" else "blue").save(tmp_path / f"{name}.png")
    content, looks = (tmp_path / "look.png").read_bytes(), {"style_reference": "look.png"}
    planned = plan(tmp_path, defaults=looks | {"structure_reference": "lost.png"})
    folder = Folder(tmp_path / "output" / "almond")
    asyncio.run(record(folder.path, planned, STATES))
    asyncio.run(noted(folder, note_of(planned)))
    (tmp_path / "lost.png").write_bytes(b"edited since")
    asyncio.run(moved(database, images, lambda end: import_campaign(folder, end)))
    asyncio.run(moved(database, images, lambda end: export_campaign(end, folder)))
    there = {path.name: path.read_bytes() for path in (folder.path / "references").iterdir()}
    assert there == {sha256(content).hexdigest(): content}
    (tmp_path / "look.png").unlink()
    asyncio.run(moved(database, images, lambda end: import_campaign(folder, end)))


async def noted(folder: Folder, facts: dict[str, str]) -> None:
    async with SqliteJournal(folder.path) as journal:
        await journal.note(facts)


def test_it_goes_there_and_back_as_often_as_one_likes(
    folder: Folder, images: ImagePlace, database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "_ROWS", 3)
    for labels in ("a", "ab", "abc"):
        marked(folder, *labels)
        (folder.path / "deliver.json").write_text(json.dumps(labels))
        asyncio.run(moved(database, images, lambda end: import_campaign(folder, end)))
        asyncio.run(moved(database, images, lambda end: export_campaign(end, folder)))
        assert json.loads((folder.path / "deliver.json").read_text()) == labels
        (folder.path / "decisions" / "anna.jsonl").unlink()
        assert ids_of(folder) == [full(label, 16) for label in labels]
        opened(folder)


def test_a_folder_that_it_left_does_not_come_back_once_it_went_on_elsewhere(
    folder: Folder, database: DatabaseSettings, tmp_path: Path
) -> None:
    images, back = ImagePlace.of(str(tmp_path / "images")), Folder(tmp_path / "elsewhere" / "almond")
    asyncio.run(moved(database, images, lambda end: import_campaign(folder, end)))
    asyncio.run(moved(database, images, lambda end: export_campaign(end, back)))
    with pytest.raises(IntegrityError, match=r"is elsewhere: it is in .*/elsewhere/almond on .*; nothing was changed"):
        asyncio.run(moved(database, images, lambda end: import_campaign(folder, end)))
    assert not asyncio.run(fleet_is_live(database)) and is_live(back)
    asyncio.run(moved(database, images, lambda end: import_campaign(back, end)))


class Dying(Database):
    """Is gone after so many calls, as for a process that was killed: the last one may have been done."""

    calls = 0
    left = 0
    is_done = False

    async def call(self, function: str, *values: object, patience: float | None = None) -> Any:
        self.calls += 1
        if self.calls == self.left and not self.is_done:
            raise DatabaseGone("killed")
        answer = await super().call(function, *values, patience=patience)
        if self.calls == self.left:
            raise DatabaseGone("killed")
        return answer


@pytest.mark.parametrize("is_done", [False, True])
def test_wherever_it_is_killed_one_place_at_most_is_live_and_the_same_command_goes_on(
    is_done: bool, folder: Folder, database: DatabaseSettings, tmp_path: Path
) -> None:
    images, back = ImagePlace.of(str(tmp_path / "images")), Folder(tmp_path / "elsewhere" / "almond")
    before, files = rows(folder), carried(folder)

    async def go(move: Callable[[FleetEnd], Any], left: int) -> bool:
        async with Dying(database) as dying:
            dying.left, dying.is_done = left, is_done
            end = FleetEnd(dying, images, ACCOUNT, PREFIX)
            try:
                await move(end)
            except DatabaseGone:
                return False
            return True

    for source, target, move in (
        (folder, None, lambda end: import_campaign(folder, end)),
        (None, back, lambda end: export_campaign(end, back)),
    ):
        points = 0
        while not asyncio.run(go(move, points := points + 1)):
            live = [each for each in (source or target,) if each is not None and is_live(each)]
            live += ["fleet"] if asyncio.run(fleet_is_live(database)) else []  # type: ignore[list-item]
            assert len(live) <= 1
        assert points > 3
    assert (
        carried(back) == files and ids_of(back) == ids_of(folder) and rows(back)["variations"] == before["variations"]
    )


def is_live(folder: Folder) -> bool:
    try:
        if not folder.has_journal:
            return False
        opened(folder)
    except CampaignError:
        return False
    return True


async def fleet_is_live(settings: DatabaseSettings) -> bool:
    async with Database(settings) as database:
        found = await database.call("campaigns_of", ACCOUNT)
        return any(each["state"] == "open" for each in found)


def test_while_a_run_works_on_it_it_does_not_move(
    folder: Folder,
    database: DatabaseSettings,
    ask: Ask,  # noqa: F811
    tmp_path: Path,
) -> None:
    url = database.conninfo.reveal()
    variables = {"CAMPAIGN_RUNNER_DATABASE_URL": url, "CAMPAIGN_RUNNER_STORE": str(tmp_path / "images")}
    variables |= {"CUSTOM_MODELS_CLIENT_ID": "me", "CUSTOM_MODELS_CLIENT_SECRET": "hush"}
    assert ask("fleet", "init", **variables).status == 0
    with folder.locked():
        assert ask("fleet", "import", "almond").status == 11
    said = ask("fleet", "import", "almond")
    assert (said.status, said.out) == (0, "moved into the fleet: almond, with 3 files\n")
    assert ask("resolve", "almond", "--resubmit").status == 5
    account = account_of("https://firefly-api.adobe.io", "me")

    async def held() -> int:
        async with Database(database) as connected:
            campaign = await campaign_of(connected, account, PREFIX)
            async with Lease(connected, campaign, lost=lambda busy: None):
                return await asyncio.to_thread(lambda: ask("fleet", "export", "almond", "--output", "back").status)

    assert asyncio.run(held()) == 11
    said = ask("fleet", "export", "almond", "--output", "back")
    assert said.status == 0 and "moved out of the fleet" in said.out
    assert (tmp_path / "back" / "almond" / "manifest.json").read_bytes() == folder.manifest.read_bytes()
    assert ask("fleet", "export", "almond", "--output", "back").status == 2
    assert ask("fleet", "export", "nothing").status == 2


def test_an_imported_image_is_not_bought_by_another_campaign_of_the_account(
    folder: Folder, images: ImagePlace, database: DatabaseSettings
) -> None:
    asyncio.run(moved(database, images, lambda end: import_campaign(folder, end)))
    with psycopg.connect(database.conninfo.reveal()) as connection:
        query = (
            "SELECT state, count(*)::integer FROM campaign_runner.variations WHERE account = %s GROUP BY 1 ORDER BY 1"
        )
        found: dict[str, int] = dict(connection.execute(query.encode(), (ACCOUNT,)).fetchall())
    assert found == dict.fromkeys(STATES, 1)


def test_marks_go_along_from_one_fleet_to_another(
    folder: Folder, database: DatabaseSettings, fleet: Fleet, tmp_path: Path
) -> None:
    images, other = (ImagePlace.of(str(tmp_path / name)) for name in ("images", "other"))
    second = fleet.server.settings(fleet.server.new_database())
    asyncio.run(prepare(second))
    ways, back = [(database, images), (second, other)], folder
    for number, way in enumerate(ways):
        asyncio.run(moved(*way, partial(import_campaign, back)))
        back = Folder(tmp_path / f"back{number}" / "almond")
        asyncio.run(moved(*way, partial(export_campaign, folder=back)))
    assert ids_of(back) == ids_of(folder) == [full("a", 16)]
