"""Images put back in the campaign's folder, where they are again what was recorded.

What is in the place of one is moved aside, never overwritten; the campaign's journal records what was done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from campaign_runner.campaign_file.loader import load
from campaign_runner.errors import CampaignFileError, IntegrityError, StoreError, UsageError
from campaign_runner.events import Placed
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.model import IMAGES, Cause
from campaign_runner.output_folder.folder import DAMAGED, Folder
from campaign_runner.output_folder.opened import rewrite_manifest
from campaign_runner.plan.plan import Plan
from campaign_runner.ports import Put, Store
from campaign_runner.rerun.comparison import Pair, Sides
from campaign_runner.session.last_text import recalled
from campaign_runner.store import content_of


@dataclass(frozen=True, slots=True)
class PutBack:
    """What happened to one image: `words` say it, `is_done` whether it is in its place."""

    pair: Pair
    words: str
    is_done: bool


async def put_back(pairs: Sequence[Pair], home: Folder, sides: Sides) -> AsyncIterator[PutBack]:
    """Put those of `pairs` that are the same again in their place. The caller holds the lock of `home`.

    What keeps one from its place is told of it. Raises StoreError, IntegrityError.
    """
    await home.store.ready()
    async with SqliteJournal(home.path) as journal:
        with Ledger(home.path) as ledger:
            asked = [(pair, ledger.entries([pair.recorded.key]).get(pair.recorded.key)) for pair in pairs]
        restorer = _Restorer(sides, journal)
        for pair, entry in asked:
            yield await restorer.put(pair, entry)
        with Ledger(home.path) as ledger:
            await _tell_manifest(home, ledger)


async def _tell_manifest(home: Folder, ledger: Ledger) -> None:
    """Other bytes have another digest. Where the campaign's file cannot be loaded it is that of the last run."""
    file = home.campaign_file(ledger)
    try:
        plan = Plan(load(file) if file is not None else recalled(home, ledger), ledger.custom_model)
    except (CampaignFileError, UsageError):
        plan = Plan(recalled(home, ledger, file), ledger.custom_model)
    await rewrite_manifest(home, ledger, plan)


@dataclass(frozen=True, slots=True)
class _Restorer:
    """Where images are put back, and where that is recorded."""

    sides: Sides
    journal: SqliteJournal

    async def put(self, pair: Pair, entry: Entry | None) -> PutBack:
        """One image; what keeps it from its place is told, and the others go on."""
        why = _obstacle(pair, entry)
        try:
            if why is None:
                return PutBack(pair, await self._place(pair), is_done=True)
        except (IntegrityError, StoreError) as error:
            why = str(error)
        return PutBack(pair, f"{pair.recorded.file} was not put back: {why}", is_done=False)

    async def _place(self, pair: Pair) -> str:
        """Move aside what is there, publish the image, record it; the answer says so."""
        made, key, media_type = _known(pair.made), pair.recorded.key, str(pair.recorded.media_type)
        name, sha256 = str(pair.recorded.file), str(made.sha256)
        content = await content_of(self.sides.made, str(made.file), sha256)
        aside = await _move_aside(self.sides.recorded, name, sha256)
        if await self.sides.recorded.put_new(name, content, sha256) is Put.DIFFERENT:
            raise IntegrityError("another file is in its place by now; it was left alone")
        how = "the same bytes" if pair.verdict == "identical_bytes" else "the same pixels"
        reason = Cause("restored", f"made again: {how}")
        await self.journal.record([Placed(key, name, sha256, len(content), media_type, reason)])
        moved = f"; the previous file is now {aside}" if aside is not None else ""
        return f"{name} is back, {how}{moved}"


def _obstacle(pair: Pair, entry: Entry | None) -> str | None:
    """Why an image cannot be put back; None if it can."""
    recorded, made = pair.recorded, pair.made
    if not pair.is_same or made is None:
        return pair.why or f"it is {pair.verdict}, {pair.distance} % apart"
    if entry is None or (entry.file, entry.sha256) != (recorded.file, recorded.sha256):
        return "the campaign's journal and the manifest disagree; `verify` says where"
    if not str(recorded.file).startswith(f"{IMAGES}/"):
        return "it was moved out of the campaign"
    if made.media_type != recorded.media_type:
        return f"it came as {made.media_type}, not as {recorded.media_type}"
    return None


def _known(made: Entry | None) -> Entry:
    if made is None or made.file is None:
        raise IntegrityError("an image that was not made cannot be put back")
    return made


async def _move_aside(store: Store, name: str, sha256: str) -> str | None:
    """Give what is under `name` another one; None where nothing does, or the very image. Nothing is overwritten.

    Raises IntegrityError where the other name is taken by something else, StoreError: then it stays where it was.
    """
    digest = await store.digest(name)
    if digest is None or digest == sha256:
        return None
    place = PurePosixPath(name.removeprefix(f"{IMAGES}/"))
    aside = f"{DAMAGED}/{place.with_name(f'{place.stem}.{digest[:8]}{place.suffix}')}"
    await store.ready(DAMAGED)
    match await store.second_name(aside, digest, source=store, file=name, is_one_file=True):
        case Put.NEW | Put.SAME:
            await store.remove(name, digest)
            return aside
        case Put.DIFFERENT:
            raise IntegrityError(
                f"{store.where(aside)} already exists with different content; move it away and run again"
            )
        case None:
            raise IntegrityError("the file in its place was changed meanwhile; run again")
