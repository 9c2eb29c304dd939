"""How the images of a fleet look, as its database knows and compares them.

A run tells it of each image that it stores. What no one has told (of images that came with a folder's record, or were
recorded by a run that had not put them) the first `find` on any machine learns from the image, for all machines.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from campaign_runner.fleet.database import Database
from campaign_runner.pictures.likeness import NEAR, as_signed
from campaign_runner.portions import batched

_MOST = 100
"""So many images that look alike are told."""
_AT_ONCE = 5_000


class RecordedLooks:
    """A PictureIndex of all images that are on record in a fleet. Methods raise what `Database.call` raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def unknown(self, digests: Collection[str]) -> list[str]:
        """Those of `digests` at whose images no one has looked."""
        wanted = set(digests)
        return [sha256 for sha256 in await self._database.call("unseen") if sha256 in wanted]

    async def add(self, hashes: Mapping[str, int]) -> None:
        """Take in difference hashes, for all machines."""
        for some in batched(hashes.items(), _AT_ONCE):
            await self._database.call("see", {sha256: as_signed(bits) for sha256, bits in some})

    async def nearest(self, bits: int, among: Collection[str]) -> list[tuple[int, str]]:
        """Those `among` digests that look like `bits`, compared by the database; see PictureIndex."""
        wanted = set(among)
        told = await self._database.call("alike", as_signed(bits), NEAR, _MOST)
        return [(distance, sha256) for distance, sha256 in told if sha256 in wanted]
