"""The files of a delivery made, original by original, and published a few dozen at a time.

While some are published, others are cut. What was cut just so before is taken from where it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import groupby

from campaign_runner.deliver.arrangement import LeftOut, Slot
from campaign_runner.deliver.cuts.cutting import Cutter, Staged
from campaign_runner.deliver.cuts.encoding import NotMade
from campaign_runner.deliver.handover.publishing import MadeFile, Publisher
from campaign_runner.deliver.request import DeliveryRequest, DeliveryResult, Progress
from campaign_runner.deliver.work import ToMake
from campaign_runner.errors import IntegrityError
from campaign_runner.journal.ledger import Entry
from campaign_runner.store import content_of
from campaign_runner.tasks import in_thread, map_concurrently

_AT_ONCE = 64
"""Files that are entered in the record and given their names together: that costs a few syncs each time."""


class Production:
    """Makes the files of one delivery; what came of it goes into `result`."""

    def __init__(self, publisher: Publisher, request: DeliveryRequest, result: DeliveryResult) -> None:
        self._publisher = publisher
        self._request = request
        self._result = result
        self._unpublished: list[MadeFile] = []
        self._not_made: set[Slot] = set()
        self._done = 0
        self._account_lock = asyncio.Lock()  # one thread at a time reads or changes the account

    async def make_all(self, to_make: Sequence[ToMake], progress: Progress) -> set[Slot]:
        """Make and publish them; the answer is where there is no file. Raises StoreError, IntegrityError."""
        by_original = sorted(to_make, key=_key)
        originals = [list(planned) for _, planned in groupby(by_original, key=_key)]
        async with Cutter(self._publisher.staging, len(originals), self._request.processes) as cutter:

            async def make(planned: list[ToMake]) -> None:
                await self._make(cutter, planned)
                self._done += len(planned)
                progress(self._done, len(to_make))

            await map_concurrently(make, originals, cutter.at_once)
        await self._publish(at_least=1)
        return self._not_made

    async def _make(self, cutter: Cutter, planned: list[ToMake]) -> None:
        """All files of one original."""
        async with self._account_lock:
            borrowed = [(each, await in_thread(self._publisher.borrowed, each)) for each in planned]
        self._unpublished += [MadeFile(each, staged) for each, staged in borrowed if staged is not None]
        missing = [each for each, staged in borrowed if staged is None]
        if missing:
            await self._cut(cutter, missing)
        await self._publish(at_least=_AT_ONCE)

    async def _cut(self, cutter: Cutter, planned: Sequence[ToMake]) -> None:
        content = await self._original(planned[0].wanted.chosen.entry)
        if content is None:
            self._leave_out(planned, "its original cannot be used")
            return
        made = await cutter.cut(content, [each.request for each in planned])
        for each, found in zip(planned, made, strict=True):
            match found:
                case Staged():
                    self._unpublished.append(MadeFile(each, found))
                case NotMade(reason):
                    self._leave_out([each], reason)

    async def _original(self, entry: Entry) -> bytes | None:
        """The bytes that were stored; None, and said, where the file is gone or holds others."""
        try:
            return await content_of(self._request.folder.store, entry.file or "", entry.sha256 or "")
        except IntegrityError as error:
            self._result.damaged.append(str(error))
            return None

    async def _publish(self, *, at_least: int) -> None:
        async with self._account_lock:
            if len(self._unpublished) >= at_least:
                made, self._unpublished = self._unpublished, []
                entered, replaced = await in_thread(self._publisher.publish, made)
                self._result.made += entered
                self._result.replaced += replaced

    def _leave_out(self, planned: Sequence[ToMake], reason: str) -> None:
        for each in planned:
            self._result.left_out.append(LeftOut(each.wanted.slot[0], each.wanted.channel.id, reason))
            self._not_made.add(each.wanted.slot)


def _key(planned: ToMake) -> str:
    """Of its original."""
    return planned.wanted.chosen.entry.key
