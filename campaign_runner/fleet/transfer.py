"""A campaign moves between a folder of one machine and the fleet, and nothing is bought for it.

One place is live at a time: the place it leaves is marked as moved first, everything is copied and compared, and the
place it comes to is opened last. After a crash neither is live, and the same command goes on.
"""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from campaign_runner.disk import files
from campaign_runner.disk.image_names import IMAGE_FOLDERS
from campaign_runner.disk.regular_files import content_of, open_regular
from campaign_runner.disk.sqlite_reader import SqliteReader
from campaign_runner.errors import Busy, IntegrityError, UsageError
from campaign_runner.fleet.database import Database
from campaign_runner.fleet.images.place import ImagePlace
from campaign_runner.fleet.images.references import bring_references
from campaign_runner.fleet.lease import LEASE, FleetCampaign, this_host, this_worker
from campaign_runner.fleet.people import bring, take_along
from campaign_runner.fleet.record.copies import RecordCopy
from campaign_runner.fleet.record.entries import TABLES, is_of_place
from campaign_runner.fleet.record.looks import RecordedLooks
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.journal.tables import FILE, MOVED, reading
from campaign_runner.output_folder.folder import DAMAGED, REFERENCES, Folder
from campaign_runner.output_folder.manifest_reader import LARGEST_BYTES as LARGEST_MANIFEST
from campaign_runner.portions import batched
from campaign_runner.ports import LARGEST_BYTES, Content, Put, Store
from campaign_runner.tasks import in_thread, map_concurrently

_ROWS = 1000  # of an entry
_AT_ONCE = 8  # files
_IMPORTS = "it is being imported from "
"""How the fleet begins to say where a campaign is that has not arrived."""
_CARRIED = (*IMAGE_FOLDERS, DAMAGED, REFERENCES)
"""How the names of the files begin that go along; what else is in a folder is told, or drawn again."""


@dataclass(frozen=True, slots=True)
class FleetEnd:
    """Where a campaign is in the fleet: its account (the digest of who pays), and the prefix of its files."""

    database: Database
    images: ImagePlace
    account: str
    prefix: str

    @property
    def name(self) -> str:
        """How the folder's journal names this place."""
        return f"the fleet as {self.prefix} (database {self.database.identity.id})"


async def import_campaign(folder: Folder, fleet: FleetEnd) -> int:
    """Move the campaign of `folder` into the fleet; how many files went along.

    Raises UsageError where the fleet has one of that name or the folder has none, Busy while a run goes on in it,
    IntegrityError where it is elsewhere or what arrived differs, StoreError, DatabaseGone.
    """
    if not folder.has_journal or folder.is_sandbox:
        raise UsageError(f"{folder.path} has no campaign that can be imported; nothing was changed")
    with folder.locked():
        moved = await in_thread(_moved, folder.path)
        if moved not in (None, fleet.name):
            raise IntegrityError(f"the campaign of {folder.path} is elsewhere: {moved}; nothing was changed")
        why = f"{_IMPORTS}{this_host()}:{folder.path}"
        imports = None if moved is None else _IMPORTS
        told = await fleet.database.call("begin_import", fleet.account, fleet.prefix, why, imports)
        if "elsewhere" in told:
            raise IntegrityError(f"the campaign is elsewhere: {told['elsewhere']}; nothing was changed")
        if "refused" in told and moved is not None:
            return len([name async for name in _carried(folder.store)])  # it arrived, and no one was told
        if "refused" in told:
            raise UsageError(f"the fleet has a campaign {fleet.prefix} already; nothing was changed")
        if moved is None:
            async with SqliteJournal(folder.path) as journal:  # what has no answer is in doubt now
                await journal.note({MOVED: fleet.name})
        copied = await _copied_in(folder, fleet, int(told["campaign"]))
        await fleet.database.call("end_import", told["campaign"], why)
        return copied


async def export_campaign(fleet: FleetEnd, folder: Folder) -> int:
    """Move a campaign of the fleet into `folder`; how many files went along.

    Raises UsageError where the fleet has none of that name or the folder holds another one, Busy while a run goes on,
    IntegrityError where it is elsewhere or what arrived differs, StoreError, DatabaseGone.
    """
    found = await fleet.database.call("campaigns_of", fleet.account)
    campaign = next((FleetCampaign(**each) for each in found if each["prefix"] == fleet.prefix), None)
    if campaign is None:
        raise UsageError(f"the fleet has no campaign {fleet.prefix} of this account; nothing was changed")
    with folder.locked():
        if folder.has_journal and await in_thread(_moved, folder.path) != fleet.name:
            raise UsageError(f"{folder.path} holds a campaign already; nothing was changed. Use another --output")
        why = f"it is in {folder.path} on {this_host()}"
        told = await fleet.database.call("begin_export", campaign.id, why, LEASE)
        if "busy" in told:
            raise Busy(f"a run on {told['busy']['host']} is working on this campaign; nothing was changed")
        if "refused" in told:
            raise IntegrityError(f"the campaign is elsewhere: {told['refused']}; nothing was changed")
        return await _copied_out(fleet, campaign, folder)


async def _copied_in(folder: Folder, fleet: FleetEnd, campaign: int) -> int:
    await _told_rows(folder.path, fleet, campaign)
    copied = await _copied_files(folder.store, fleet.images.store(fleet.prefix))
    await RecordedLooks(fleet.database).add(fleet.images.looks.taken_all())
    await bring_references(folder, fleet.images.store(fleet.prefix))
    await bring(fleet.database, FleetCampaign(campaign, fleet.account, fleet.prefix, "", ""), folder)
    if (manifest := await in_thread(_manifest_of, folder)) is not None:

        async def same() -> bytes:
            return manifest

        await fleet.images.publish(f"{fleet.prefix}/{folder.manifest.name}", same)
    with TemporaryDirectory() as place:
        async with RecordCopy(Path(place), campaign, fleet.database.identity) as copy:
            await copy.refresh(fleet.database)
        await in_thread(_refuse_differences, folder.path, Path(place))
    return copied


async def _copied_out(fleet: FleetEnd, campaign: FleetCampaign, folder: Folder) -> int:
    files.make_folder(folder.staging)
    with TemporaryDirectory(dir=folder.staging) as place:
        async with RecordCopy(Path(place), campaign.id, fleet.database.identity) as copy:
            await copy.refresh(fleet.database)
            await copy.committer.write(lambda db: _as_folders(db, fleet.name))
        await in_thread(_put_journal, Path(place) / FILE, folder.path / FILE)

    copied = await _copied_files(fleet.images.store(fleet.prefix), folder.store)
    await take_along(fleet.database, campaign, folder)
    if (manifest := await fleet.images.content(f"{fleet.prefix}/{folder.manifest.name}")) is not None:
        await in_thread(files.write_durably, folder.manifest, manifest)
    with _written(folder.path / FILE) as db:
        db.execute("DELETE FROM meta WHERE name = ?", (MOVED,))
    return copied


async def _told_rows(folder: Path, fleet: FleetEnd, campaign: int) -> None:
    """Tell the fleet every row of a journal, after which it has no other."""

    async def tell(body: dict[str, Any]) -> None:
        told = await fleet.database.call("import_rows", campaign, str(uuid.uuid4()), this_worker(), body)
        if "refused" in told:
            raise IntegrityError("the campaign was opened meanwhile; run the same command again")

    await tell({"table": ""})
    with SqliteReader(folder / FILE) as reader, reading(folder / FILE):
        for table in TABLES:
            portions = batched(_rows(reader, table), _ROWS)
            while rows := await in_thread(lambda found: next(found, None), portions):
                await tell({"table": table, "rows": rows})


async def _copied_files(source: Store, target: Store) -> int:
    """Copy what goes along; every file is there afterwards. Raises IntegrityError where another image is."""
    await target.ready()
    names = [name async for name in _carried(source)]

    async def copy(name: str) -> None:
        content = await source.open(name, _read)
        if await target.put_new(name, content, (await in_thread(sha256, content)).hexdigest()) is Put.DIFFERENT:
            raise IntegrityError(
                f"{target.where(name)} is another image than {source.where(name)}; move it away and run the same "
                "command again"
            )

    await map_concurrently(copy, names, _AT_ONCE)
    return len(names)


async def _carried(store: Store) -> AsyncIterator[str]:
    async for name in store.names():
        if name.split("/")[0] in _CARRIED:
            yield name


def _read(content: Content) -> bytes:
    return content.read(LARGEST_BYTES)


def _manifest_of(folder: Folder) -> bytes | None:
    return content_of(folder.manifest, LARGEST_MANIFEST) if folder.manifest.exists() else None


def _moved(folder: Path) -> str | None:
    """Where the campaign of a folder is now; None where it is there. Raises StoreError, IntegrityError."""
    with SqliteReader(folder / FILE) as reader, reading(folder / FILE):
        row = reader.run(lambda db: db.execute("SELECT value FROM meta WHERE name = ?", (MOVED,)).fetchone())
    return None if row is None else str(row[0])


def _rows(reader: SqliteReader, table: str) -> Iterator[dict[str, Any]]:
    """The rows of a table of a journal, by and by, in the order in which they were written."""
    columns = reader.run(lambda db: [name for _, name, *_ in db.execute(f"PRAGMA table_info({table})")])
    for values in reader.each(f"SELECT rowid, * FROM {table} ORDER BY rowid"):
        row = dict(zip(columns, values, strict=True))
        if table != "meta" or not is_of_place(row["name"]):
            yield row


def _refuse_differences(ours: Path, theirs: Path) -> None:
    with SqliteReader(ours / FILE) as one, SqliteReader(theirs / FILE) as other, reading(ours / FILE):
        for table in TABLES:
            if any(row != copy for row, copy in zip_longest(_rows(one, table), _rows(other, table))):
                raise IntegrityError(f"what arrived in the fleet differs ({table}); run the same command again")


def _as_folders(db: sqlite3.Connection, origin: str) -> None:
    """Let a copy of a record be the journal of a folder, on its way."""
    names = [name for (name,) in db.execute("SELECT name FROM meta").fetchall() if is_of_place(name)]
    db.executemany("DELETE FROM meta WHERE name = ? AND name <> 'version'", [(name,) for name in names])
    db.execute("INSERT INTO meta VALUES (?, ?)", (MOVED, origin))


def _put_journal(copy: Path, path: Path) -> None:
    """A journal, complete and durable, in the place of the one that was left when the campaign moved."""
    for suffix in ("-wal", "-shm", "-journal"):
        files.remove(path.with_name(f"{path.name}{suffix}"))
    with files.replacing(path) as file, open_regular(copy) as source:
        shutil.copyfileobj(source, file)


@contextmanager
def _written(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        with reading(path):
            connection.execute("PRAGMA synchronous = FULL")
            yield connection
    finally:
        connection.close()
