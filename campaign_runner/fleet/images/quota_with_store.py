"""No leave to send while the place of the images does not answer: what is bought could not be stored."""

from __future__ import annotations

from typing import Self

from campaign_runner.fleet.images.place import ImagePlace
from campaign_runner.ports import Allowance, OpenableQuota, Permit, Wait

_LOOK_EVERY = 1.0  # seconds


class QuotaWithStore:
    """A Quota that is `quota`, as long as `images` answers. `acquire` raises StoreSilent after a minute without."""

    def __init__(self, quota: OpenableQuota, images: ImagePlace) -> None:
        self._quota = quota
        self._images = images

    async def __aenter__(self) -> Self:
        await self._quota.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._quota.__aexit__(*error)

    async def acquire(self) -> Permit | Wait:
        """Leave to send one request, or how long to wait before asking again."""
        return await self._quota.acquire() if await self._images.answers() else Wait(_LOOK_EVERY, "store")

    async def settle(self, permit: Permit) -> None:
        """See Quota."""
        await self._quota.settle(permit)

    async def give_back(self, permit: Permit) -> None:
        """See Quota."""
        await self._quota.give_back(permit)

    async def block(self, seconds: float, *, told: float | None = None) -> int | None:
        """See Quota."""
        return await self._quota.block(seconds, told=told)

    async def allowance(self) -> Allowance:
        """See Quota."""
        return await self._quota.allowance()
