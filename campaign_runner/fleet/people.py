"""What people decided about images and what was delivered, shared by all machines: rows of the database.

Commands read and write the files they know (`decisions/`, `deliver.json`) in the copy of a record; here both ways
between those and the rows. Marks are only ever added; of two deliveries at the same time one is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from campaign_runner.disk import files
from campaign_runner.disk.regular_files import content_of
from campaign_runner.errors import IntegrityError
from campaign_runner.fleet.database import Database
from campaign_runner.fleet.lease import FleetCampaign
from campaign_runner.output_folder.delivery_record import FILE
from campaign_runner.output_folder.folder import DECISIONS, Folder
from campaign_runner.review.decisions_file import SUFFIX, encoded, read_file
from campaign_runner.review.decisions_folder import each_file
from campaign_runner.review.decisions_format import head_line, mark_line
from campaign_runner.tasks import in_thread

_SHARED = "fleet-"
"""How the names of files begin that hold the marks of all machines."""
_VERSION = "deliver.version"
"""Names the version of the deliveries from which the copy's deliver.json comes."""
_LARGEST = 128 << 20


async def share_marks(database: Database, campaign: FleetCampaign, folder: Folder) -> None:
    """Keep the marks that were made on this machine, and let `decisions/` hold those of all.

    Raises what `Database.call` raises, StoreError, IntegrityError.
    """
    told = await database.call(
        "share_marks", campaign.id, await in_thread(lambda: list(marks_of(folder, besides=_SHARED)))
    )
    await in_thread(_keep_marks, folder, told)


async def bring(database: Database, campaign: FleetCampaign, folder: Folder) -> None:
    """A campaign that comes into the fleet brings the marks and deliveries of its folder."""
    await database.call("share_marks", campaign.id, await in_thread(lambda: list(marks_of(folder))))
    if (content := await in_thread(_content, folder)) is not None:
        there = await database.call("delivered", campaign.id)
        await database.call("deliver", campaign.id, there["version"] if there else 0, content)


async def take_along(database: Database, campaign: FleetCampaign, folder: Folder) -> None:
    """A campaign that leaves for `folder` takes along all marks, and what was delivered."""
    await share_marks(database, campaign, folder)
    if (there := await database.call("delivered", campaign.id)) is not None:
        await in_thread(files.write_durably, folder.path / FILE, there["content"].encode())


async def fetch_deliveries(database: Database, campaign: FleetCampaign, folder: Folder) -> None:
    """Let deliver.json say what was delivered from any machine; what a killed delivery here left is kept."""
    told = await database.call("delivered", campaign.id)
    if told is not None and told["version"] != await in_thread(_known_version, folder):
        await in_thread(files.write_durably, folder.path / FILE, told["content"].encode())
        await in_thread(_note_version, folder, told["version"])


async def keep_deliveries(database: Database, campaign: FleetCampaign, folder: Folder) -> None:
    """What was delivered here is in the database. Raises IntegrityError where another machine was quicker."""
    content = await in_thread(_content, folder)
    if content is None:
        return
    known = await in_thread(_known_version, folder)
    version = await database.call("deliver", campaign.id, known, content)
    if version is None:
        raise IntegrityError(
            "another machine delivered this campaign at the same time, and its record is the one that counts: "
            "compare the two folders, then deliver again"
        )
    await in_thread(_note_version, folder, version)


def marks_of(folder: Folder, *, besides: str | None = None) -> Iterator[tuple[str, str, str]]:
    """The id of each mark, the first line of its file, and its own; but for files whose names begin with `besides`."""
    for file in each_file(folder.path / DECISIONS, read_file):
        if file.campaign is None or file.reviewer is None or (besides and file.path.name.startswith(besides)):
            continue
        head = encoded(head_line(file.campaign, file.reviewer)).decode().rstrip("\n")
        yield from ((mark.id, head, encoded(mark_line(mark)).decode().rstrip("\n")) for mark in file.marks)


def _keep_marks(folder: Folder, told: Sequence[Sequence[str]]) -> None:
    """One file for each of the reviewers."""
    lines: dict[str, list[str]] = {}
    for head, line in told:
        lines.setdefault(head, []).append(line)
    if lines:
        files.make_folder(folder.path / DECISIONS)
    for head, marks in lines.items():
        path = folder.path / DECISIONS / f"{_SHARED}{hashlib.sha256(head.encode()).hexdigest()[:16]}{SUFFIX}"
        content = "".join(f"{line}\n" for line in (head, *marks)).encode()
        if not path.exists() or content_of(path, _LARGEST) != content:
            files.write_durably(path, content)


def _content(folder: Folder) -> str | None:
    path = folder.path / FILE
    try:
        with files.translating(path), suppress(FileNotFoundError):
            return content_of(path, _LARGEST).decode()
    except UnicodeDecodeError as error:
        raise IntegrityError(f"{path} is damaged (it is not UTF-8); restore it from a backup") from error
    return None


def _known_version(folder: Folder) -> int:
    """Which version the copy's deliver.json comes from; 0 for none."""
    path: Path = folder.path / _VERSION
    with files.translating(path), suppress(FileNotFoundError, ValueError):
        return int(json.loads(content_of(path, 100))["version"])
    return 0


def _note_version(folder: Folder, version: int) -> None:
    files.write_durably(folder.path / _VERSION, json.dumps({"version": version}).encode())
