"""How many images are fetched at once: a few of any size, and more within a bound of bytes in memory.

Far from the service a download takes its time, so a few at once would keep a fast allowance waiting. How large an image
is, is known only once it comes; so each place beyond the first few has a size that no image may exceed there, a little
more than the images seen so far. One that does is fetched again in a place for any size.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from campaign_runner.ports import LARGEST_BYTES

WHOLE = 4
"""Downloads at once of images of any size."""
BYTES = 64 << 20
"""Together, the further ones hold no more than these."""
MOST = 64
"""Further ones at once at the very most: connections are the service's, too."""
_SMALLEST = 1 << 20
_REMEMBERED = 64


@dataclass(slots=True)
class DownloadPlace:
    """Room for one download: no more than `most_bytes`."""

    most_bytes: int

    @property
    def takes_any(self) -> bool:
        return self.most_bytes >= LARGEST_BYTES


class DownloadRoom:
    """The places of the downloads of all runs of a process. First come, first served."""

    def __init__(self) -> None:
        self._whole = WHOLE
        self._small = 0
        self._bytes = 0  # that small places hold
        self._seen: deque[int] = deque(maxlen=_REMEMBERED)
        self._waiting: deque[tuple[asyncio.Future[DownloadPlace], bool]] = deque()

    @asynccontextmanager
    async def place(self, *, for_any: bool = False) -> AsyncIterator[DownloadPlace]:
        """A place as soon as there is one; `for_any`: one for an image of any size."""
        found = await self._taken(for_any=for_any)
        try:
            yield found
        finally:
            self._left(found)

    def learn(self, size: int) -> None:
        """An image has `size` bytes."""
        self._seen.append(size)

    async def _taken(self, *, for_any: bool) -> DownloadPlace:
        if not self._waiting and (found := self._free(for_any=for_any)) is not None:
            return found
        waiting: asyncio.Future[DownloadPlace] = asyncio.get_running_loop().create_future()
        self._waiting.append((waiting, for_any))
        try:
            return await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():
                self._left(waiting.result())
            raise

    def _free(self, *, for_any: bool) -> DownloadPlace | None:
        if self._whole:
            self._whole -= 1
            return DownloadPlace(LARGEST_BYTES)
        size = self._small_size()
        if for_any or size is None or self._small >= MOST or self._bytes + size > BYTES:
            return None
        self._small += 1
        self._bytes += size
        return DownloadPlace(size)

    def _small_size(self) -> int | None:
        """What a further image may have: half as much again as the largest of late; None before any is known."""
        return max(_SMALLEST, max(self._seen) * 3 // 2) if self._seen else None

    def _left(self, place: DownloadPlace) -> None:
        if place.takes_any:
            self._whole += 1
        else:
            self._small -= 1
            self._bytes -= place.most_bytes
        while self._waiting:
            waiting, for_any = self._waiting[0]
            found = None if waiting.cancelled() else self._free(for_any=for_any)
            if found is None and not waiting.cancelled():
                return
            self._waiting.popleft()
            if found is not None:
                waiting.set_result(found)
