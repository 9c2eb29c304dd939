"""Images that are no longer in the campaign, moved aside into `removed/`; picked ones stay. Nothing is deleted.

An image gets its new name, then the journal names it there, then it loses the old name: a crash between
any two of these leaves it whole, and doing it again goes on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from campaign_runner.disk.image_names import IMAGES, REMOVED
from campaign_runner.errors import IntegrityError
from campaign_runner.events import Cause, Placed
from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.model import State
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.opened import OpenFolder
from campaign_runner.plan.plan import Plan
from campaign_runner.plan.selection import Selection
from campaign_runner.ports import Put
from campaign_runner.review.protection import PickedOnes
from campaign_runner.store import FolderStore, digest_of, remove_stored
from campaign_runner.tasks import batched, in_thread

PRUNED = Cause("pruned", "no longer in the campaign; moved aside with `prune`")
_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Departed:
    """The stored images that are no longer in the campaign: those that may be moved, and those that somebody picked."""

    movable: tuple[Entry, ...]
    picked: tuple[Entry, ...]


def no_longer_planned(ledger: Ledger, plan: Plan, only: Selection) -> Iterator[Entry]:
    """The stored images that are no longer in the campaign and that `only` selects, by the names they had."""
    for entry in ledger.departed(plan.keys()):
        variation = entry.variation
        if entry.state == State.STORED and only.matches([variation.cell], variation.seed, variation.key):
            yield entry


def departed(folder: Folder, ledger: Ledger, plan: Plan, only: Selection) -> Departed:
    """The same, apart by whether a pick stands on them."""
    picked = PickedOnes(folder, ledger, plan.campaign.campaign)
    found: dict[bool, list[Entry]] = {False: [], True: []}
    for entry in no_longer_planned(ledger, plan, only):
        found[picked.has(entry)].append(entry)
    return Departed(tuple(found[False]), tuple(found[True]))


def is_aside(entry: Entry) -> bool:
    """Whether an image was moved aside before."""
    return str(entry.file).startswith(f"{REMOVED}/")


async def prune(opened: OpenFolder, only: Selection) -> AsyncIterator[Placed | Entry]:
    """Move what departed into `removed/`: a Placed is there, an Entry stays as its file is gone or differs.

    Raises IntegrityError where something else stands in the way there, StoreError.
    """
    home = opened.folder.path
    store = await FolderStore.prepare(home / REMOVED, opened.folder.staging)
    leaving = departed(opened.folder, opened.ledger, opened.plan, only)
    for some in batched(leaving.movable, _AT_ONCE):
        told = [await _second_name(entry, home, store) for entry in some if not is_aside(entry)]
        await opened.journal.record([each for each in told if isinstance(each, Placed)])
        for entry in some:
            await in_thread(_drop_first_name, entry, home)
        for each in told:
            yield each


async def _second_name(entry: Entry, home: Path, store: FolderStore) -> Placed | Entry:
    name = _name(entry)
    put = await store.put_existing(name, str(entry.sha256), home=home, file=str(entry.file))
    if put is None:
        return entry
    file = f"{REMOVED}/{name}"
    if put is Put.DIFFERENT:
        raise IntegrityError(f"{home / file} is in the way and holds something else; it was left as it is")
    return Placed(entry.variation.key, file, str(entry.sha256), entry.bytes or 0, str(entry.media_type), PRUNED)


def _drop_first_name(entry: Entry, home: Path) -> None:
    """Take the old name away where both hold the recorded bytes, also after a crash before this."""
    old, new, sha256 = f"{IMAGES}/{_name(entry)}", f"{REMOVED}/{_name(entry)}", str(entry.sha256)
    if digest_of(home, old) == sha256 == digest_of(home, new):
        remove_stored(home, old, sha256)


def _name(entry: Entry) -> str:
    """Its name below `images/` and below `removed/`."""
    return str(entry.file).partition("/")[2]
