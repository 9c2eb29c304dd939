"""Files of an output folder that no record knows."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from campaign_runner.disk import files
from campaign_runner.errors import IntegrityError
from campaign_runner.journal.tables import FILE
from campaign_runner.output_folder.delivery_record import FILE as DELIVERIES
from campaign_runner.output_folder.delivery_record import OLD, TARGET
from campaign_runner.output_folder.folder import DAMAGED, DECISIONS, REVIEW, REVIEW_PAGE, SHEET
from campaign_runner.output_folder.manifest_writer import KEPT
from campaign_runner.store import stored_file

COMPARISON = ("comparison.json", "comparison.html")
_RECORD = ("manifest.json", FILE, f"{FILE}-wal", f"{FILE}-shm", ".lock")
OURS = frozenset((*_RECORD, SHEET, REVIEW_PAGE, DELIVERIES, *COMPARISON))
_OUR_FOLDERS = frozenset((".staging", DAMAGED, REVIEW, DECISIONS, TARGET, OLD))
_LEFT_BY_SYSTEMS = frozenset((".ds_store", "thumbs.db", "desktop.ini"))
_SIDECAR = ".xmp"  # what picture programs write beside a picture they were told to rate


def strangers(root: Path, known: Collection[str]) -> Iterator[str]:
    """The names below `root` that are neither ours, nor among `known`, nor what systems and picture programs leave.

    Links are named, not followed. Raises StoreError.
    """
    for name, is_folder in _below(root, ""):
        if is_folder or name in OURS or KEPT.fullmatch(name) or name in known or _is_left_behind(name):
            continue
        yield name


def misplaced(root: Path, names: Collection[str], lost: Mapping[str, int]) -> dict[str, str]:
    """Which of the files `names` holds the bytes of a lost image: its name by their SHA-256.

    `lost` are the lengths in bytes of the lost ones by their SHA-256; files of other lengths are not read.
    """
    found: dict[str, str] = {}
    for name in names if lost else ():
        with suppress(FileNotFoundError, IntegrityError), stored_file(root, name) as file:
            if os.fstat(file.fileno()).st_size in lost.values():
                found.setdefault(hashlib.file_digest(file, "sha256").hexdigest(), name)
    return {sha256: name for sha256, name in found.items() if sha256 in lost}


def _below(root: Path, folder: str) -> Iterator[tuple[str, bool]]:
    with files.translating(root / folder), os.scandir(root / folder) as found:
        entries = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in found)
    for name, is_folder in entries:
        if folder or not (is_folder and name in _OUR_FOLDERS):
            yield f"{folder}{name}", is_folder
            if is_folder:
                yield from _below(root, f"{folder}{name}/")


def _is_left_behind(name: str) -> bool:
    last = name.rpartition("/")[2].lower()
    return last in _LEFT_BY_SYSTEMS or last.endswith(_SIDECAR)
