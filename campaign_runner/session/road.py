"""The steps that `run` and `rerun` share, from the open journal to the end of the scheduler.

A step takes the state so far and returns the next one, or None if nothing changed. After a step that refuses, no
step that may buy is taken.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self, TypeVar

from campaign_runner.errors import AccountRefused, CampaignError
from campaign_runner.firefly.client import FireflyClient
from campaign_runner.firefly.references import WithReferences
from campaign_runner.journal.ledger import Ledger
from campaign_runner.journal.request_counts import RequestCounts
from campaign_runner.model import Bought, State
from campaign_runner.output_folder.folder import Folder
from campaign_runner.plan.cost import RateLimit
from campaign_runner.ports import Allowance, CampaignJournal, Journal, OpenableQuota, Quota
from campaign_runner.quota.shared_quota import QuotaLimits, SharedQuota
from campaign_runner.run.control import Clock, Control
from campaign_runner.run.limits import Limits, Ports
from campaign_runner.run.stop import Level
from campaign_runner.session.preflight import patiently
from campaign_runner.session.request import ServiceAccess, UserInterface

R = TypeVar("R", bound="Road")
Step = Callable[[R], Awaitable[R | None]]
BYTES_AN_IMAGE = 8 << 20
"""Free space that buying asks for each image that can be under way at once, and for the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Road(ABC):
    """The state of a run between two steps. The caller holds the lock of `folder`, where the images go.

    `before` are the requests of earlier runs.

    `refusal` is why nothing may be bought; what is paid for is fetched all the same. `is_over`: no step is left.
    `allowance` is what is left of it at the end, None if it was not asked for. `opened` closes client and allowance.
    """

    folder: Folder
    rate: RateLimit
    limits: Limits
    access: ServiceAccess
    ui: UserInterface
    journal: CampaignJournal
    ledger: Ledger
    before: RequestCounts
    opened: AsyncExitStack = field(default_factory=AsyncExitStack)
    firefly: FireflyClient | None = None
    refusal: CampaignError | None = None
    allowance: Allowance | None = None
    is_over: bool = False

    @property
    def control(self) -> Control:
        return self.ui.control

    @property
    def bought(self) -> Bought:
        """What this run has bought so far."""
        return self.ledger.requests().since(self.before)

    @property
    def waiting(self) -> int:
        """How many images are paid for and not fetched yet."""
        return self.ledger.counts()[State.ACCEPTED]

    @property
    def service(self) -> FireflyClient:
        """The client, for the steps behind `reach_service`."""
        if self.firefly is None:
            raise LookupError("the service is asked before it is reached")
        return self.firefly

    @abstractmethod
    def goes_on_after(self, refusal: CampaignError) -> bool:
        """Whether a refusal is only kept, and part of how it ends; otherwise it is raised."""

    @abstractmethod
    def at_once(self) -> int:
        """How many of the images that it may buy can be under way at once."""

    async def ports(self, journal: Journal, references: Mapping[str, Path]) -> Ports:
        """The parts of one run, for the scheduler; the images' folder is tried. Raises StoreError, IntegrityError.

        How much room there is is not asked: what is paid for takes what it takes.
        """
        store = self.folder.store
        await store.ready()
        await store.check_writable()
        provider = WithReferences(self.service, self.journal, references)
        quota = quota_of(self.access, self.rate, self.control.clock)
        return Ports(provider, store, journal, await self.opened.enter_async_context(quota))

    async def take(self, step: Callable[[Self], Awaitable[Self | None]]) -> Self:
        """How far one is after a step, or why it refuses; raises that where nothing is to be done after it."""
        try:
            return await step(self) or self
        except CampaignError as refusal:
            if not self.goes_on_after(refusal):
                raise
            return replace(self, refusal=refusal)

    async def reach_service(self) -> Self:
        """Get a client; it is over where the credentials are missing."""
        try:
            settings = self.access.settings()
        except AccountRefused as error:
            self.control.failed(error)
            return replace(self, is_over=True)
        clock, steady = self.control.clock.now, asyncio.get_running_loop().time
        client = FireflyClient(settings, clock=clock, steady=steady, jobs=self.journal)
        return replace(self, firefly=await self.opened.enter_async_context(client))

    async def agree(self, steps: Sequence[Callable[[Self], Awaitable[Self | None]]]) -> Self:
        """Take the steps before the first purchase, unless it is refused already; a refusal is part of how it ends.

        A signal ends them, and the road, at once: what was under way costs nothing.
        """
        road, stop = self, self.control.stop
        for step in steps:
            if road.refusal is None and not stop.reached(Level.INTERRUPTED):
                road = await stop.until(Level.INTERRUPTED, road.take(step)) or road
        if road.refusal is not None:
            self.control.failed(road.refusal)
        return replace(road, is_over=stop.reached(Level.INTERRUPTED))

    async def check_room(self) -> None:
        """Before anything is bought: the disk takes what can be under way at once.

        Raises StoreError, IntegrityError.
        """
        store = self.folder.store
        await store.ready()
        await store.check_writable(BYTES_AN_IMAGE * self.at_once())

    async def sign_in(self) -> None:
        """Who we are: wrong credentials are known before anything is recorded as sent. Raises ProviderError."""
        await patiently(self.service.sign_in, self.control)

    async def end(self, quota: Quota, remember: Callable[[], None] = lambda: None) -> Self:
        """Once everything is made and on record: note what was bought, where that is noted, and what is left of the
        allowance.

        The allowance is None where the state folder is lost by then.
        """
        try:
            await self.journal.catch_up()
            remember()
            return replace(self, allowance=await quota.allowance())
        except CampaignError as error:  # what was made is recorded and told all the same
            self.control.failed(error)
            return self


def quota_of(access: ServiceAccess, rate: RateLimit, clock: Clock) -> OpenableQuota:
    """The allowance: that of `access`, otherwise the one that all processes of this machine share.

    Raises what the settings lack.
    """
    if access.quota is not None:
        return access.quota(rate, clock)
    limits, wall = QuotaLimits(rate.per_minute, rate.per_day), lambda: clock.now().timestamp()
    return SharedQuota(access.state, access.account(), limits=limits, clock=wall, uptime=clock.uptime)


@asynccontextmanager
async def open_record(
    folder: Folder, access: ServiceAccess, ui: UserInterface, owner: Mapping[str, str]
) -> AsyncIterator[tuple[CampaignJournal, Ledger]]:
    """The record of a locked folder, which notes whose it is; what an ended sandbox still held becomes pending."""
    checks = access.memory.checks if access.memory is not None else None
    async with folder.with_checks(checks).journal(ui.control.clock.now) as journal:
        await journal.note({**owner, "origin": access.origin})
        if access.is_sandbox:
            await journal.forget_unfinished()
        with Ledger(folder.path, is_checked=True) as ledger:
            yield journal, ledger
