"""The reference images of a manifest, found by their digest among the files of a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from campaign_runner.campaign_file.schema.reference_files import LARGEST_BYTES
from campaign_runner.disk import files
from campaign_runner.disk.regular_files import content_of
from campaign_runner.errors import UsageError
from campaign_runner.firefly.protocol.interfaces import references_of
from campaign_runner.model import Job
from campaign_runner.text import joined, plural

_MOST_FILES = 10_000


def find_references(jobs: Iterable[Job], folder: Path | None) -> Mapping[str, Path]:
    """The file of each reference image that `jobs` need, by its SHA-256. Raises UsageError where one is missing."""
    needed = {digest: job for job in jobs for digest in references_of(job.recipe)}
    found: dict[str, Path] = {}
    for path in _files(folder) if needed and folder is not None else ():
        with files.translating(path):
            digest = hashlib.sha256(content_of(path, LARGEST_BYTES)).hexdigest()
        if digest in needed:
            found.setdefault(digest, path)
    missing = [digest for digest in needed if digest not in found]
    if missing:
        where = "say where they are with --references DIR" if folder is None else f"none of them is in {folder}"
        cells = joined([f"{digest[:12]} (of {needed[digest].variations[0].cell})" for digest in missing], most=4)
        raise UsageError(
            f"{plural(len(missing), 'reference image')} with these SHA-256 are needed: {cells}; {where}. "
            "Nothing was sent"
        )
    return found


def _files(folder: Path) -> Iterator[Path]:
    """The files below `folder` that may be reference images; so many that a wrong folder does not take for ever."""
    found = list(islice(folder.rglob("*"), _MOST_FILES + 1))
    if len(found) > _MOST_FILES:
        raise UsageError(f"{folder} holds more than {_MOST_FILES:,} files; name the folder of the references")
    for path in sorted(found):
        if path.is_file() and path.stat().st_size <= LARGEST_BYTES:
            yield path
