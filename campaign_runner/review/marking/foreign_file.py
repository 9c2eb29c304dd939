"""A decisions file of another campaign's name, taken over on a person's word: copied under this campaign's name.

The marks stay as they are, with their ids: what was taken twice counts once.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from campaign_runner.disk import files, regular_files
from campaign_runner.errors import CampaignFileError, UsageError
from campaign_runner.output_folder.folder import DECISIONS, Folder
from campaign_runner.review.decisions import Decisions
from campaign_runner.review.decisions_file import LARGEST_BYTES, SUFFIX, DecisionsFile, encoded, read_file
from campaign_runner.review.decisions_folder import keep_file


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """What such a file says, and how many of its marks are about images of this campaign and not known yet."""

    file: DecisionsFile
    content: bytes
    known: int
    new: int
    elsewhere: int

    @property
    def campaign(self) -> str:
        """The campaign that it names."""
        return self.file.campaign or ""


def looked_at(path: Path, decisions: Decisions) -> ForeignFile:
    """The file at `path`. Raises CampaignFileError for one that cannot be read whole, UsageError, StoreError."""
    if not regular_files.is_there(path):
        raise UsageError(f"there is no file {path}")
    with files.open_folder(path.absolute().parent) as folder:
        file = read_file(folder, path.name)
        if file.problems:
            raise CampaignFileError(file.problems)
        with folder.read(path.name) as stored:
            content = stored.read(LARGEST_BYTES)
    had = {mark.id for mark in decisions.gathered.marks}
    keys = {image.shot.key for row in decisions.rows for image in row.images}
    digests = {image.shot.sha256 for row in decisions.rows for image in row.images}
    unknown = [mark for mark in file.marks if mark.id not in had]
    ours = [mark for mark in unknown if mark.key in keys or mark.sha256 in digests]
    return ForeignFile(file, content, len(file.marks) - len(unknown), len(ours), len(unknown) - len(ours))


def is_there(path: Path, folder: Folder, names: Collection[str], file: DecisionsFile) -> bool:
    """Whether a file counts already, since it is where all of them do."""
    return path.resolve().parent == (folder.path / DECISIONS).resolve() and file.campaign in names


def take(folder: Folder, campaign: str, foreign: ForeignFile) -> Path:
    """Copy the file into `decisions/` under the name of `campaign`. Raises StoreError, IntegrityError."""
    first, _, rest = foreign.content.partition(b"\n")
    head = json.loads(first.decode("utf-8-sig"))
    renamed = encoded(head | {"campaign": campaign, "taken_from": head["campaign"]})
    return keep_file(folder, f"{campaign}-{head['reviewer']['id']}-taken{SUFFIX}", renamed + rest)
