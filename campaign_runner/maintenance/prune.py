"""Images that are no longer in the campaign, moved aside into `removed/`. Nothing is deleted.

Those that were picked or delivered stay.

An image gets its new name, then the journal names it there, then it loses the old name: a crash between
any two of these leaves it whole, and doing it again goes on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from campaign_runner.disk.image_names import REMOVED
from campaign_runner.errors import IntegrityError
from campaign_runner.events import Placed
from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.model import IMAGES, Cause, State
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.opened import OpenFolder
from campaign_runner.plan.plan import Plan
from campaign_runner.plan.selection import Selection
from campaign_runner.portions import batched
from campaign_runner.ports import Put, Store
from campaign_runner.review.protection import ChosenOnes

PRUNED = Cause("pruned", "no longer in the campaign; moved aside with `prune`")
_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Departed:
    """The stored images that are no longer in the campaign: those that may be moved, and those that people chose."""

    movable: tuple[Entry, ...]
    chosen: tuple[Entry, ...]


def no_longer_planned(ledger: Ledger, plan: Plan, only: Selection) -> Iterator[Entry]:
    """The stored images that are no longer in the campaign and that `only` selects, by the names they had."""
    for entry in ledger.departed(plan.keys()):
        variation = entry.variation
        if entry.state == State.STORED and only.matches([variation.cell], variation.seed, variation.key):
            yield entry


def departed(folder: Folder, ledger: Ledger, plan: Plan, only: Selection) -> Departed:
    """The same, apart by whether they were picked or delivered."""
    chosen = ChosenOnes(folder, ledger, plan.campaign.campaign)
    found: dict[bool, list[Entry]] = {False: [], True: []}
    for entry in no_longer_planned(ledger, plan, only):
        found[chosen.has(entry)].append(entry)
    return Departed(tuple(found[False]), tuple(found[True]))


def is_aside(entry: Entry) -> bool:
    """Whether an image was moved aside before."""
    return str(entry.file).startswith(f"{REMOVED}/")


async def prune(opened: OpenFolder, only: Selection) -> AsyncIterator[Placed | Entry]:
    """Move what departed into `removed/`: a Placed is there, an Entry stays as its file is gone or differs.

    Raises IntegrityError where something else is in the way there, StoreError.
    """
    store = opened.folder.store
    await store.ready(REMOVED)
    leaving = departed(opened.folder, opened.ledger, opened.plan, only)
    for some in batched(leaving.movable, _AT_ONCE):
        told = [await _second_name(entry, store) for entry in some if not is_aside(entry)]
        await opened.journal.record([each for each in told if isinstance(each, Placed)])
        for entry in some:
            await _drop_first_name(entry, store)
        for each in told:
            yield each


async def _second_name(entry: Entry, store: Store) -> Placed | Entry:
    file = _aside(entry)
    put = await store.second_name(file, str(entry.sha256), source=store, file=str(entry.file), is_one_file=True)
    if put is None:
        return entry
    if put is Put.DIFFERENT:
        raise IntegrityError(f"{store.where(file)} already exists with different content and was left alone")
    return Placed(entry.variation.key, file, str(entry.sha256), entry.bytes or 0, str(entry.media_type), PRUNED)


async def _drop_first_name(entry: Entry, store: Store) -> None:
    """Take the old name away where both hold the recorded bytes, also after a crash before this."""
    new, sha256 = _aside(entry), str(entry.sha256)
    old = f"{IMAGES}/{new.removeprefix(f'{REMOVED}/')}"
    if await store.digest(old) == sha256 == await store.digest(new):
        await store.remove(old, sha256)


def _aside(entry: Entry) -> str:
    """Its name below `removed/`: the one below `images/` but for that."""
    return f"{REMOVED}/{str(entry.file).partition('/')[2]}"
