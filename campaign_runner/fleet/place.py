"""Where the campaigns of a fleet are kept: their records in a database, their images in a store.

What a command reads is a copy of a record, a journal in the state folder: it is brought up to date before it is read,
and can be made again at any time. What a command writes goes to the database first.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from campaign_runner.disk import files
from campaign_runner.errors import IntegrityError, UsageError
from campaign_runner.fleet.database import Database, DatabaseSettings
from campaign_runner.fleet.images.place import ImagePlace
from campaign_runner.fleet.images.quota_with_store import QuotaWithStore
from campaign_runner.fleet.images.references import put_references
from campaign_runner.fleet.lease import LEASE, FleetCampaign, Lease, campaign_of, holder_of
from campaign_runner.fleet.people import fetch_deliveries, keep_deliveries, share_marks
from campaign_runner.fleet.quota import FleetQuota
from campaign_runner.fleet.record.copies import RecordCopy
from campaign_runner.fleet.record.journal import FleetJournal
from campaign_runner.fleet.record.untold import tell_again
from campaign_runner.output_folder.folder import REFERENCES, Folder
from campaign_runner.output_folder.keeping import Holder
from campaign_runner.plan.cost import RateLimit
from campaign_runner.ports import CampaignJournal, Journal, OpenableQuota, Store
from campaign_runner.quota.shared_quota import QuotaLimits
from campaign_runner.run.control import Clock
from campaign_runner.run.limits import Ceiling
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
    lease: float = LEASE


class FleetPlace:
    """Keeps campaigns in a fleet, see Keeping. `account` gives the digest of an account by its name, once that matters.

    A campaign is called `spring`, or `acme/spring` where the account `acme` pays for it. Each method reaches the
    database by itself; within `async with place.opened()` all share its connections. `run_options` are what a run that
    goes on has to be given besides. `goes_on`: runs here go on with what a person began elsewhere, so that a stop which
    was asked for holds.
    """

    options: Sequence[str] = ("--on", "fleet")

    def __init__(
        self,
        settings: FleetSettings,
        account: Callable[[str], str],
        *,
        run_options: Sequence[str] = (*options, "--here"),
        goes_on: bool = False,
    ) -> None:
        self.run_options = run_options
        self._goes_on = goes_on
        self._settings = settings
        self._account = account
        self._images = settings.images
        self._database: Database | None = None
        self._home = settings.state
        self._held: dict[str, FleetJournal] = {}
        self._leases: dict[str, Lease] = {}
        self._holders: dict[str, Holder] = {}
        self._epochs: dict[str, int] = {}
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
            self._home = self._settings.state / "fleet" / database.identity.id
            self._database = database
            try:
                yield database
            finally:
                self._database = None

    async def reach(self) -> None:
        """Try whether the database is there, and learn which one it is."""
        async with self.opened():
            pass

    @property
    def lease(self) -> float:
        """Seconds for which a holder that is not heard of keeps its campaign."""
        return self._settings.lease

    async def settle_in(self) -> None:
        """Try whether images can be put where they are kept, and tell what the database did not take from this machine.

        Raises StoreError, StoreSilent, and what the database raises.
        """
        async with self.opened() as database:
            await self._images.check()
            await tell_again(database, self._home)

    @asynccontextmanager
    async def following(self, folder: Folder) -> AsyncIterator[RecordCopy]:
        """The copy of a campaign's record, to be brought up to date again and again. Raises UsageError without one."""
        async with self.opened() as database:
            found = await self._found(database, prefix_of(folder.path))
            async with RecordCopy(folder.path, found.id, database.identity) as copy:
                yield copy

    async def fetch_references(self, folder: Folder, digests: Iterable[str]) -> dict[str, Path]:
        """Those of a campaign's reference images that are in the store, by their SHA-256, on this machine's disk."""
        found = {}
        for digest in digests:
            content = await self._images.content(f"{prefix_of(folder.path)}/{REFERENCES}/{digest}")
            if content is not None and hashlib.sha256(content).hexdigest() == digest:
                files.make_folder(folder.path / REFERENCES, mode=0o700)
                found[digest] = folder.path / REFERENCES / digest
                await in_thread(files.write_durably, found[digest], content)
        return found

    async def hand_over(self, folder: Folder, digest: str, terms: Mapping[str, Any]) -> int:
        """Leave a campaign that is held here to the workers, see Lease; the number of its run."""
        return await self._leases[prefix_of(folder.path)].hand_over(digest, terms)

    def last_epoch(self, prefix: str) -> int | None:
        """The epoch in which a campaign was held here last; None where it was not, and from now on."""
        return self._epochs.pop(prefix, None)

    def folder(self, prefix: str) -> Folder:
        """Where this machine keeps its copy of a campaign's record; the database was reached before."""
        return Folder(self._home.joinpath(*prefix.split("/")), self._store, self)

    async def read(self, called: str, *, has_manifest: bool = False) -> Folder:
        """A campaign whose copy is brought up to date, with the manifest that lies beside its images if that is asked.

        Raises UsageError where the fleet has none that is called so.
        """
        async with self.opened() as database:
            found = await self._found(database, called)
            folder = self.folder(_checked(found.prefix))
            await self._refreshed(database, found, folder)
            await share_marks(database, found, folder)
            await fetch_deliveries(database, found, folder)
            if has_manifest:
                await self._fetch_manifest(folder)
            return folder

    async def read_all(self) -> list[Folder]:
        """The copies of all campaigns of all accounts, brought up to date."""
        async with self.opened() as database:
            for found in await self._refresh_all(database):
                await fetch_deliveries(database, found, self.folder(found.prefix))
            return [self.folder(prefix) for prefix in self._known]

    async def stop(self, called: str) -> str | None:
        """Buy nothing more of a campaign until its next run; the answer is the host that works on it now, if one does.

        Raises UsageError where the fleet has none that is called so.
        """
        async with self.opened() as database:
            found = await self._found(database, called)
            await database.call("ask_to_stop", found.id)
            return await holder_of(database, found, lease=self._settings.lease)

    async def share_marks(self, folder: Folder) -> None:
        """What people decided on this machine is in the database for all, and here what they did on others."""
        async with self.opened() as database:
            await share_marks(database, await self._found(database, prefix_of(folder.path)), folder)

    async def share_deliveries(self, folder: Folder) -> None:
        """What was delivered from this machine is in the database for all."""
        async with self.opened() as database:
            await keep_deliveries(database, await self._found(database, prefix_of(folder.path)), folder)

    async def release(self, called: str) -> None:
        """A campaign that was held after a restore may buy again. Raises UsageError where there is none."""
        async with self.opened() as database:
            await database.call("release", (await self._found(database, called)).id)

    def called(self, folder: Folder) -> str:
        """See Keeping: its name, which means the account without a name first of all; else with the account's."""
        account, _, name = prefix_of(folder.path).rpartition("/")
        return name if account == DEFAULT else f"{account}/{name}"

    @asynccontextmanager
    async def held(self, folder: Folder, holder: Holder) -> AsyncIterator[None]:
        """See Keeping: the campaign's lease, which must be told that its holder lives."""
        prefix = prefix_of(folder.path)
        async with self.opened() as database:
            campaign = await campaign_of(database, self._account(folder.path.parent.name), prefix)
            files.make_folder(folder.path, mode=0o700)
            lease = Lease(
                database,
                campaign,
                lost=holder.lost,
                stop=lambda: holder.asked(STOPPED),
                is_run=holder.buys and not self._goes_on,
                seconds=self._settings.lease,
            )
            self._holders[prefix] = holder
            async with lease, self._recorded(folder, database, campaign, lease):
                self._epochs[prefix] = lease.epoch
                await self._fetch_manifest(folder)  # what nothing changed is not written anew
                yield

    def is_held(self, folder: Folder) -> bool:
        """Whether a run held the campaign when it was read last."""
        return prefix_of(folder.path) in self._running

    @asynccontextmanager
    async def journal(self, folder: Folder, now: Callable[[], datetime]) -> AsyncIterator[CampaignJournal]:
        """The record, in the hands of who holds the campaign. Times are the database's."""
        yield self._held[prefix_of(folder.path)]

    async def refresh(self, folder: Folder) -> None:
        """See Keeping: the copies of the account's other campaigns."""
        async with self.opened() as database:
            await self._refresh_all(database, f"{folder.path.parent.name}/", but=prefix_of(folder.path))

    async def keep_references(self, folder: Folder, references: Mapping[str, Path]) -> None:
        """See Keeping: they are put beside the images, where they are not yet."""
        await put_references(folder.store, references)

    async def publish(self, folder: Folder) -> None:
        """See Keeping: the manifest is put where the images are, by who still holds the campaign."""

        async def manifest() -> bytes:
            await self._leases[prefix_of(folder.path)].refuse_others()
            return await in_thread(folder.manifest.read_bytes)

        await self._images.publish(f"{prefix_of(folder.path)}/{folder.manifest.name}", manifest)

    def buying(self, folder: Folder, journal: CampaignJournal, ceiling: Ceiling, left: set[str]) -> Journal | None:
        """See Keeping: the database looks at all campaigns of the account before it grants."""
        prefix = prefix_of(folder.path)
        return self._held[prefix].sharing(left, lambda: self._holders[prefix].asked(STOPPED), ceiling=ceiling)

    def quota(self, account: str, rate: RateLimit, clock: Clock) -> OpenableQuota:
        """The allowance of the account of this name over all machines, which `rate` may only lower."""
        if self._database is None:
            raise LookupError("an allowance is asked for before the database was reached")
        limits = QuotaLimits(rate.per_minute, rate.per_day)
        return QuotaWithStore(FleetQuota(self._database, self._account(account), limits=limits), self._images)

    def _store(self, path: Path) -> Store:
        return self._images.store(prefix_of(path))

    @asynccontextmanager
    async def _recorded(
        self, folder: Folder, database: Database, campaign: FleetCampaign, lease: Lease
    ) -> AsyncIterator[None]:
        """The record of a campaign that is held, open to be written to while the block runs."""
        files.empty(folder.staging)
        looks, own = self._images.looks.taken, folder.path
        opened = FleetJournal(database, campaign, epoch=lease.epoch, folder=own, home=self._home, looks=looks)
        async with opened as journal:
            prefix = prefix_of(folder.path)
            self._held[prefix], self._leases[prefix] = journal, lease
            try:
                yield
            finally:
                del self._held[prefix], self._leases[prefix]

    async def _found(self, database: Database, called: str) -> FleetCampaign:
        """The campaign of a prefix, or of a name: of the account without a name, else of the only one that has it.

        Raises UsageError where the fleet has none.
        """
        prefix = called if "/" in called else f"{DEFAULT}/{called}"
        if (found := await database.call("find_campaign", prefix)) is not None:
            return FleetCampaign(**found)
        every = [each for each, _ in await database.call("find_campaigns", "")] if prefix != called else []
        named = [each for each in every if each["prefix"].rpartition("/")[2] == called]
        if len(named) == 1:
            return FleetCampaign(**named[0])
        if named:
            which = " or ".join(each["prefix"] for each in named)
            raise UsageError(f"several accounts have a campaign named '{called}': say {which}")
        raise UsageError(f"the fleet has no campaign named '{called}': it was never run there")

    async def _fetch_manifest(self, folder: Folder) -> None:
        content = await self._images.content(f"{prefix_of(folder.path)}/{folder.manifest.name}")
        if content is None:
            await in_thread(files.remove, folder.manifest)
        else:
            await in_thread(files.write_durably, folder.manifest, content)

    async def _refresh_all(self, database: Database, beginning: str = "", but: str = "") -> list[FleetCampaign]:
        """The campaigns whose prefix begins so; the copies of those to which something was added are read again."""
        told = await database.call("find_campaigns", beginning)
        every = [(FleetCampaign(**found), last) for found, last in told]
        for campaign, last in every:
            prefix = _checked(campaign.prefix)
            if prefix != but and self._known.get(prefix) != last:
                await self._refreshed(database, campaign, self.folder(prefix))
                self._known[prefix] = last
        return [campaign for campaign, _ in every]

    async def _refreshed(self, database: Database, campaign: FleetCampaign, folder: Folder) -> None:
        async with RecordCopy(folder.path, campaign.id, database.identity) as copy:
            await copy.refresh(database)
        self._running.discard(campaign.prefix)
        if await holder_of(database, campaign, lease=self._settings.lease) is not None:
            self._running.add(campaign.prefix)


def prefix_of(copy: Path) -> str:
    """Of the files of a campaign, by where the copy of its record is: the account's name and its own."""
    return f"{copy.parent.name}/{copy.name}"


def _checked(prefix: str) -> str:
    """A prefix of the database, for a path. Raises IntegrityError for what leads elsewhere."""
    parts = prefix.split("/")
    if len(parts) != 2 or any(part in ("", ".", "..") or "\\" in part for part in parts):
        raise IntegrityError(f"the database has a campaign with an impossible name ({prefix!r})")
    return prefix
