"""Whether the files of a delivery are still as they were delivered; and which image a delivered file came from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from campaign_runner.disk import files
from campaign_runner.errors import CampaignError
from campaign_runner.output_folder.delivery_record import OLD, DeliveredFile, beside, read_record, target_folder
from campaign_runner.text import joined, plural

_NAMED = 4


def delivery_notes(home: Path, *, reads_all: bool) -> list[str]:
    """What is missing or changed of the deliveries of an output folder, in sentences; nothing if nothing is.

    `reads_all` reads every file; otherwise only one that is not as long or as old as it was.
    """
    try:
        record = read_record(home)
    except CampaignError as error:
        return [str(error)]
    if record is None:
        return []
    targets = dict.fromkeys(file.target for file in record.files if file.state == "current")
    return [
        note
        for target in targets
        for note in _notes(
            target_folder(home, target),
            [file for file in record.files if file.state == "current" and file.target == target],
            reads_all=reads_all,
        )
    ]


def delivered_as(home: Path) -> Iterator[tuple[DeliveredFile, Path]]:
    """Every file ever delivered from an output folder, with the place where it is now; none of a damaged record."""
    with suppress(CampaignError):
        record = read_record(home)
        for file in record.files if record is not None else ():
            target = target_folder(home, file.target)
            if file.old is None:
                yield file, target / file.file
            else:
                own = home / OLD / file.old
                yield file, own if file.target is None or own.exists() else beside(target) / file.old


def _notes(folder: Path, delivered: list[DeliveredFile], *, reads_all: bool) -> Iterator[str]:
    if not folder.is_dir():
        yield f"the folder of a delivery is not there: {folder} ({plural(len(delivered), 'file')})"
        return
    states = {file.file: _state(folder, file, reads_all=reads_all) for file in delivered}
    for word, verb, advice in (
        ("gone", "gone from", ""),
        ("changed", "changed in", "move away what was changed, then "),
    ):
        names = [name for name, state in states.items() if state == word]
        if names:
            was = "was" if len(names) == 1 and word == "changed" else "is" if len(names) == 1 else "were"
            listed = f"{plural(len(names), 'delivered file')} {was} {verb} {folder}: {joined(names, most=_NAMED)}"
            yield f"{listed}; {advice}`deliver` makes {'it' if len(names) == 1 else 'them'} again"


def _state(folder: Path, file: DeliveredFile, *, reads_all: bool) -> str:
    """`gone`, `changed` or `whole`. A link, a pipe or a folder is none of ours, so it is a change."""
    path = folder / file.file
    try:
        seen = path.lstat()
        if (seen.st_size, seen.st_mtime_ns) == (file.bytes, file.modified_ns) and not reads_all:
            return "whole"
        with files.open_folder(path.parent) as at, at.read(path.name) as content:
            return "whole" if hashlib.file_digest(content, "sha256").hexdigest() == file.sha256 else "changed"
    except FileNotFoundError:
        return "gone"
    except (OSError, CampaignError):
        return "changed"
