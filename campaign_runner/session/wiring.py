"""The adapters of a run, joined for the scheduler: the same ones for a campaign and for a manifest made again."""

from __future__ import annotations

from dataclasses import dataclass

from campaign_runner.output_folder.folder import Folder
from campaign_runner.plan.cost import RateLimit
from campaign_runner.ports import Journal, Provider
from campaign_runner.quota import QuotaLimits as Allowed
from campaign_runner.quota import SharedQuota
from campaign_runner.run.control import Clock
from campaign_runner.run.limits import Limits, Ports
from campaign_runner.session.request import ServiceAccess
from campaign_runner.store import FolderStore

BYTES_AN_IMAGE = 8 << 20
"""Free space that buying asks for each image a run may hold at once, and for the journal."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where images are made: the folder they go to (its lock is held), the service, the allowance, how far to go."""

    folder: Folder
    access: ServiceAccess
    rate: RateLimit
    limits: Limits

    async def ports(self, provider: Provider, journal: Journal, clock: Clock) -> Ports:
        """The parts of one run; the images' folder is made ready and tried. Raises StoreError, IntegrityError.

        How much room there is is not asked: what is paid for takes what it takes.
        """
        store = await FolderStore.prepare(self.folder.images, self.folder.staging)
        await store.check_writable()
        return Ports(provider, store, journal, self._quota(clock))

    async def check_room(self) -> None:
        """Before anything is bought: the disk takes what a run holds at once. Raises StoreError, IntegrityError."""
        store = await FolderStore.prepare(self.folder.images, self.folder.staging)
        await store.check_writable(BYTES_AN_IMAGE * self.limits.concurrency)

    def _quota(self, clock: Clock) -> SharedQuota:
        limits = Allowed(self.rate.per_minute, self.rate.per_day)
        access = self.access
        account, wall = access.account(), lambda: clock.now().timestamp()
        return SharedQuota(access.state, account, limits=limits, clock=wall, uptime=clock.uptime)
