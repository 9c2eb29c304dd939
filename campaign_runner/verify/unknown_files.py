"""Files of an output folder that no record knows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import suppress

from campaign_runner.disk.litter import conflict_copy_of, is_litter
from campaign_runner.errors import IntegrityError
from campaign_runner.journal.tables import FILE
from campaign_runner.output_folder.delivery_record import FILE as DELIVERIES
from campaign_runner.output_folder.delivery_record import OLD, TARGET
from campaign_runner.output_folder.folder import DAMAGED, DECISIONS, REFERENCES, REVIEW, REVIEW_PAGE, SHEETS
from campaign_runner.output_folder.manifest_writer import KEPT
from campaign_runner.ports import Store
from campaign_runner.store import length_of, sha256_of
from campaign_runner.verify.findings import Difference

COMPARISON = ("comparison.json", "comparison.html")
_RECORD = ("manifest.json", FILE, f"{FILE}-wal", f"{FILE}-shm", ".lock")
OURS = frozenset((*_RECORD, REVIEW_PAGE, DELIVERIES, *COMPARISON))
_OUR_FOLDERS = frozenset((DAMAGED, REFERENCES, REVIEW, DECISIONS, TARGET, OLD))
_SIDECAR = ".xmp"  # what picture programs write beside a picture they were told to rate


async def strangers(store: Store, known: Collection[str]) -> AsyncIterator[str]:
    """The names in `store` that are neither ours, nor among `known`, nor what systems and picture programs leave.

    Links are named, not followed. Raises StoreError.
    """
    async for name in store.names():
        folder, below, _ = name.partition("/")
        is_ours = name in OURS or SHEETS.fullmatch(name) or KEPT.fullmatch(name) or (below and folder in _OUR_FOLDERS)
        if not is_ours and name not in known and not is_litter(name) and not name.lower().endswith(_SIDECAR):
            yield name


def stranger(name: str, known: Collection[str]) -> Difference:
    """What to say of a file that is not ours: whose it is, where its name tells."""
    original = conflict_copy_of(name, OURS) or conflict_copy_of(name, known)
    if original is None:
        return Difference("unknown", "not part of this campaign (left alone)", name)
    both = "two machines changed it" if original in known else "two machines wrote this folder at the same time"
    return Difference(
        "conflict_copy", f"a sync client's conflict copy of {original} (left alone): {both}; compare them", name
    )


async def misplaced(store: Store, names: Collection[str], lost: Mapping[str, int]) -> dict[str, str]:
    """Which of the files `names` holds the bytes of a lost image: its name by their SHA-256.

    `lost` are the lengths in bytes of the lost ones by their SHA-256; files of other lengths are not read.
    """
    found: dict[str, str] = {}
    lengths = set(lost.values())
    for name in names if lost else ():
        with suppress(FileNotFoundError, IntegrityError):
            sha256 = await store.open(name, lambda file: sha256_of(file) if length_of(file) in lengths else "")
            found.setdefault(sha256, name)
    return {sha256: name for sha256, name in found.items() if sha256 in lost}
