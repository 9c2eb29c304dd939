"""Where the campaigns of a fleet are kept: their records in a database, their images in a store.

What a command reads is a copy of a record, a journal in the state folder: it is brought up to date before it is read,
and can be made again at any time. What a command writes goes to the database first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from campaign_runner.disk import files
from campaign_runner.errors import IntegrityError, UsageError
from campaign_runner.fleet.database import Database, DatabaseSettings
from campaign_runner.fleet.images.place import ImagePlace
from campaign_runner.fleet.images.quota_with_store import QuotaWithStore
from campaign_runner.fleet.lease import LEASE, FleetCampaign, Lease, campaign_of, holder_of
from campaign_runner.fleet.people import fetch_deliveries, keep_deliveries, share_marks
from campaign_runner.fleet.quota import FleetQuota
from campaign_runner.fleet.record.copies import RecordCopy
from campaign_runner.fleet.record.journal import FleetJournal
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.keeping import Holder
from campaign_runner.plan.cost import RateLimit
from campaign_runner.ports import CampaignJournal, Journal, OpenableQuota, Store
from campaign_runner.quota.shared_quota import QuotaLimits
from campaign_runner.run.control import Clock
from campaign_runner.tasks import in_thread

DEFAULT = "default"
"""The name of an account that has no other."""
STOPPED = "stopped by `fleet stop`; the next run goes on"


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """Where a fleet's record and images are, and the state folder in which this machine keeps copies of records.

    `lease` are the seconds for which a holder that is not heard of keeps its campaign.
    """

    database: DatabaseSettings
    images: ImagePlace
    state: Path
    account_name: str = DEFAULT
    lease: float = LEASE


class FleetPlace:
    """Keeps campaigns in a fleet, see Keeping. `account` is the digest of who pays, asked for once that matters.

    Each method reaches the database by itself; within `async with place.opened()` all share its connections.
    """

    options: Sequence[str] = ("--on", "fleet")

    def __init__(self, settings: FleetSettings, account: Callable[[], str]) -> None:
        self._settings = settings
        self._account = account
        self._images = settings.images
        self._database: Database | None = None
        self._home = settings.state
        self._held: dict[str, FleetJournal] = {}
        self._leases: dict[str, Lease] = {}
        self._holders: dict[str, Holder] = {}
        self._running: set[str] = set()
        self._known: dict[str, int] = {}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Database]:
        """The database, connected while the block runs. Raises what connecting raises."""
        if self._database is not None:
            yield self._database
            return
        async with Database(self._settings.database) as database:
            await self._images.refuse_another(database.identity.id)
            self._home = self._settings.state / "fleet" / database.identity.id / self._settings.account_name
            self._database = database
            try:
                yield database
            finally:
                self._database = None

    async def reach(self) -> None:
        """Try whether the database is there, and learn which one it is."""
        async with self.opened():
            pass

    def folder(self, campaign: str) -> Folder:
        """Where this machine keeps its copy of a campaign's record; the database was reached before."""
        return Folder(self._home / campaign, self._store, self)

    async def read(self, campaign: str, *, has_manifest: bool = False) -> Folder:
        """A campaign whose copy is brought up to date, with the manifest that lies beside its images if that is asked.

        Raises UsageError where the fleet has none of this name.
        """
        async with self.opened() as database:
            found, folder = await self._found(database, campaign), self.folder(campaign)
            await self._refreshed(database, found, folder)
            await share_marks(database, found, folder)
            await fetch_deliveries(database, found, folder)
            if has_manifest:
                await self._fetch_manifest(folder)
            return folder

    async def read_all(self) -> list[Folder]:
        """The copies of all campaigns of the account, brought up to date."""
        async with self.opened() as database:
            await self._refresh_all(database)
            return [self.folder(name) for name in self._known]

    async def stop(self, campaign: str) -> str | None:
        """Buy nothing more of a campaign until its next run; the answer is the host that works on it now, if one does.

        Raises UsageError where the fleet has none of this name.
        """
        async with self.opened() as database:
            found = await self._found(database, campaign)
            await database.call("ask_to_stop", found.id)
            return await holder_of(database, found, lease=self._settings.lease)

    async def share(self, folder: Folder) -> None:
        """What people decided on this machine, and what was delivered from it, is in the database for all."""
        async with self.opened() as database:
            found = await self._found(database, folder.path.name)
            await share_marks(database, found, folder)
            await keep_deliveries(database, found, folder)

    async def release(self, campaign: str) -> None:
        """A campaign that was held after a restore may buy again. Raises UsageError where there is none."""
        async with self.opened() as database:
            await database.call("release", (await self._found(database, campaign)).id)

    @asynccontextmanager
    async def held(self, folder: Folder, holder: Holder) -> AsyncIterator[None]:
        """See Keeping: the campaign's lease, which must be told that its holder lives."""
        name = folder.path.name
        async with self.opened() as database:
            campaign = await campaign_of(database, self._account(), self._prefix(name))
            files.make_folder(folder.path, mode=0o700)
            lease = Lease(
                database,
                campaign,
                lost=holder.lost,
                stop=lambda: holder.asked(STOPPED),
                is_run=holder.buys,
                seconds=self._settings.lease,
            )
            self._holders[name] = holder
            async with lease, self._recorded(folder, database, campaign, lease):
                await self._fetch_manifest(folder)  # what nothing changed is not written anew
                yield

    def is_held(self, folder: Folder) -> bool:
        """Whether a run held the campaign when it was read last."""
        return folder.path.name in self._running

    @asynccontextmanager
    async def journal(self, folder: Folder, now: Callable[[], datetime]) -> AsyncIterator[CampaignJournal]:
        """The record, in the hands of who holds the campaign. Times are the database's."""
        yield self._held[folder.path.name]

    async def refresh(self, folder: Folder) -> None:
        """See Keeping: the copies of the account's other campaigns."""
        async with self.opened() as database:
            await self._refresh_all(database, but=folder.path.name)

    async def publish(self, folder: Folder) -> None:
        """See Keeping: the manifest is put where the images are, by who still holds the campaign."""

        async def manifest() -> bytes:
            await self._leases[folder.path.name].refuse_others()
            return await in_thread(folder.manifest.read_bytes)

        await self._images.publish(f"{self._prefix(folder.path.name)}/{folder.manifest.name}", manifest)

    def buying(self, folder: Folder, journal: CampaignJournal, left: set[str]) -> Journal | None:
        """See Keeping: the database looks at all campaigns of the account before it grants."""
        name = folder.path.name
        return self._held[name].sharing(left, lambda: self._holders[name].asked(STOPPED))

    def quota(self, rate: RateLimit, clock: Clock) -> OpenableQuota:
        """The allowance of the account over all machines, which `rate` may only lower."""
        if self._database is None:
            raise LookupError("an allowance is asked for before the database was reached")
        limits = QuotaLimits(rate.per_minute, rate.per_day)
        return QuotaWithStore(FleetQuota(self._database, self._account(), limits=limits), self._images)

    def _store(self, path: Path) -> Store:
        return self._images.store(self._prefix(path.name))

    def _prefix(self, campaign: str) -> str:
        return f"{self._settings.account_name}/{campaign}"

    @asynccontextmanager
    async def _recorded(
        self, folder: Folder, database: Database, campaign: FleetCampaign, lease: Lease
    ) -> AsyncIterator[None]:
        """The record of a campaign that is held, open to be written to while the block runs."""
        files.empty(folder.staging)
        opened = FleetJournal(database, campaign, epoch=lease.epoch, folder=folder.path, home=self._home)
        async with opened as journal:
            name = folder.path.name
            self._held[name], self._leases[name] = journal, lease
            try:
                yield
            finally:
                del self._held[name], self._leases[name]

    async def _found(self, database: Database, campaign: str) -> FleetCampaign:
        """Raises UsageError where the fleet has none of this name."""
        found = await database.call("find_campaign", self._prefix(campaign))
        if found is None:
            raise UsageError(f"the fleet has no campaign named '{campaign}': it was never run there")
        return FleetCampaign(**found)

    async def _fetch_manifest(self, folder: Folder) -> None:
        content = await self._images.content(f"{self._prefix(folder.path.name)}/{folder.manifest.name}")
        if content is None:
            await in_thread(files.remove, folder.manifest)
        else:
            await in_thread(files.write_durably, folder.manifest, content)

    async def _refresh_all(self, database: Database, but: str = "") -> None:
        """The copies of all campaigns of the account to which something was added since they were read."""
        for found, last in await database.call("find_campaigns", self._prefix("")):
            campaign = FleetCampaign(**found)
            name = _name_of(campaign)
            if name != but and self._known.get(name) != last:
                await self._refreshed(database, campaign, self.folder(name))
                self._known[name] = last

    async def _refreshed(self, database: Database, campaign: FleetCampaign, folder: Folder) -> None:
        async with RecordCopy(folder.path, campaign.id, database.identity) as copy:
            await copy.refresh(database)
        self._running.discard(folder.path.name)
        if await holder_of(database, campaign, lease=self._settings.lease) is not None:
            self._running.add(folder.path.name)


def _name_of(campaign: FleetCampaign) -> str:
    """The name of a campaign, which ends its prefix. Raises IntegrityError for what leads elsewhere."""
    name = campaign.prefix.rpartition("/")[2]
    if name in ("", ".", "..") or "\\" in name:
        raise IntegrityError(f"the database has a campaign with an impossible name ({campaign.prefix!r})")
    return name
