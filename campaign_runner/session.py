"""One campaign's run from its lock to its report: the adapters are opened here, in the order that loses nothing.

Lock, whose folder it is, journal, plan, credentials, custom model, budget, the question, then the
scheduler; afterwards the manifest and the report. Whatever is refused is refused before anything is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from campaign_runner.adopting import adopt
from campaign_runner.changes import note_of, refuse_large_loss, sentences
from campaign_runner.closing import Outcome, close
from campaign_runner.errors import AccountRefused, CampaignError, ProviderError, UsageError
from campaign_runner.events import Adopted, Edited, ModelResolved, Reused, Started, Warned
from campaign_runner.firefly.client import FireflyClient
from campaign_runner.joining import Workshop
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.journal.ledger import Ledger
from campaign_runner.model import CustomModel
from campaign_runner.order import Access, Desk, Order
from campaign_runner.outlook import outlook
from campaign_runner.plan.cost import Estimate, estimate
from campaign_runner.plan.plan import Plan
from campaign_runner.plan.stock import Stock
from campaign_runner.ports import Allowance
from campaign_runner.preflight import patiently, refuse_over_budget, refuse_too_long, settle_model
from campaign_runner.referring import ReferenceFiles, Referring
from campaign_runner.reuse import Found, Wish, existing, left_to, search, stands_beside
from campaign_runner.run.crew import Level
from campaign_runner.run.runner import Runner
from campaign_runner.store import FolderStore


async def make(order: Order, access: Access, desk: Desk) -> int:
    """Make what is due and fetch what is accepted; the answer is the exit status.

    Raises CampaignError for what is refused before anything was sent.
    """
    began = asyncio.get_running_loop().time()
    with order.folder.locked():
        refuse_wrong_folder(order, access)
        async with SqliteJournal(order.folder.path, now=desk.control.clock.now) as journal:
            await _claim(journal, order, access)
            with Ledger(order.folder.path) as ledger:
                session = Session(order, access, desk, journal=journal, ledger=ledger)
                allowance = await session.work()
                seconds = asyncio.get_running_loop().time() - began
                return await close(order, desk, ledger, Outcome(session.plan, allowance, seconds))


def refuse_wrong_folder(order: Order, access: Access) -> None:
    """A folder is its campaign's, its service's and has its record. Raises UsageError, IntegrityError."""
    campaign, folder = order.campaign, order.folder
    folder.refuse_orphans()
    if folder.has_journal:
        with Ledger(folder.path) as ledger:
            folder.refuse_strangers(ledger, origin=access.origin, file=campaign.path, campaign=campaign.campaign)
            if access.memory is not None and not order.start_over:
                access.memory.refuse_older(campaign.path, folder.path, ledger.requests().bought)
    elif access.memory is not None and not order.start_over:
        access.memory.refuse_elsewhere(
            campaign.path, folder.path, but=lambda known: order.reuse and stands_beside(known, folder.path)
        )


async def _claim(journal: SqliteJournal, order: Order, access: Access) -> None:
    """Note whose folder this is; what an ended sandbox still held becomes pending."""
    campaign = order.campaign
    file = order.folder.relative(campaign.path)
    await journal.note({"campaign": campaign.campaign, "origin": access.origin, "file": file})
    if access.is_sandbox:
        await journal.forget_unfinished()


class Session:
    """The part of a run that may speak to the service. The caller holds the folder's lock. Use once."""

    def __init__(self, order: Order, access: Access, desk: Desk, *, journal: SqliteJournal, ledger: Ledger) -> None:
        self._order = order
        self._access = access
        self._control = desk.control
        self._desk = desk
        self._journal = journal
        self._ledger = ledger
        self._stock = self._planned(ledger.custom_model)
        self._refusal: UsageError | None = None
        self._ended = asyncio.Event()
        self._others: Collection[asyncio.Event] = ()

    @property
    def plan(self) -> Plan:
        """The plan the run works on."""
        return self._stock.plan

    async def work(self) -> Allowance | None:
        """Nobody is asked where nothing is due and nothing waits. The answer is what is left of the allowance.

        A signal before the scheduler begins ends it at once: what was under way costs nothing.

        Raises SpecError, IntegrityError or StoreError for what is refused before anything was sent; what the
        service refuses is part of how the run ended.
        """
        try:
            return await self._work()
        finally:
            self._ended.set()

    async def _work(self) -> Allowance | None:
        waiting = self._ledger.counts()["accepted"]
        try:
            await self._look_around()
        except UsageError as refusal:
            if not waiting:
                raise
            self._refusal = refusal
        if not self._stock.due and not waiting:
            await self._journal.note(note_of(self.plan))
            return None
        try:
            settings = self._access.settings()
        except AccountRefused as error:
            self._control.failed(error)
            return None
        steady = asyncio.get_running_loop().time
        async with FireflyClient(settings, clock=self._control.clock.now, steady=steady) as firefly:
            asking = self._may_submit(firefly, is_awaited=waiting > 0)
            may_submit = await self._control.stop.until(Level.LEAVING, asking)
            if self._control.stop.reached(Level.LEAVING):
                return None
            return await self._schedule(firefly) if may_submit or waiting else None

    async def _may_submit(self, firefly: FireflyClient, *, is_awaited: bool) -> bool:
        """Whether anything may be bought. Where accepted images wait, nothing that forbids it keeps them waiting."""
        try:
            await self._agree(firefly)
            return True
        except CampaignError as error:
            if not is_awaited and not isinstance(error, ProviderError):
                raise
            self._control.failed(error)
            return False

    async def _agree(self, firefly: FireflyClient) -> None:
        """Before money: who we are, which model is meant, what it costs, and whether that may be spent.

        Raises CampaignError where nothing may be submitted.
        """
        if self._refusal is not None:
            raise self._refusal
        if self._stock.due and not await self._may_buy(firefly):
            self._control.stop_asked("you said no; nothing was bought")
            return
        await self._journal.note(note_of(self.plan))

    async def _may_buy(self, firefly: FireflyClient) -> bool:
        await patiently(firefly.sign_in, random=self._control.clock.random, tell=self._control.tell)
        await self._settle_model(firefly)
        claims, folder = self._access.claims if self._order.reuse else None, self._order.folder.path
        if claims is not None:
            self._others = claims.leave(self._stock, folder)
        figures = self._figures()
        if not self._access.is_sandbox:
            refuse_over_budget(self._order.campaign, figures)
        if self._stock.due and not self._desk.agree(figures):
            return False
        if claims is not None:
            claims.claim(self._stock, folder, self._ended)
        return True

    def _figures(self) -> Estimate:
        """What this run may buy, within its own limits."""
        limits, bought = self._order.limits, self._ledger.requests().bought
        most = self._stock.bounded(limits.max_images, limits.max_requests)
        now = self._control.clock.now().astimezone()
        return estimate(self._stock, self._order.rate, bought=bought, now=now, most=most)

    async def _look_around(self) -> None:
        """Tell what changed since the last run, and use what other campaigns have stored.

        An edit that leaves much behind wants a person's word. Raises UsageError, IntegrityError, StoreError.
        """
        order = self._order
        seen = outlook(self._stock, self._ledger, self._wish() if order.reuse else None)
        for sentence in sentences(seen.changes, order.rate) if seen.changes else ():
            self._control.observe(Edited(sentence))
        if seen.changes is not None and seen.changes.takes_much and not self._desk.leave(seen.changes):
            refuse_large_loss(seen.changes)
        await self._reuse(seen.found)

    async def _reuse(self, found: Found) -> None:
        """Take what other campaigns have stored, if the person agrees, and leave them what they may have paid for."""
        for warning in found.warnings:
            self._control.observe(Warned(warning))
        if found.offers:
            if self._desk.use(found):
                await self._take(found)
            self._stock = self._fresh_stock()
        for waiting in found.waiting:
            self._stock.reuse(waiting.positions)
            self._control.leave(left_to(waiting))

    async def _take_from_others(self) -> None:
        """What was left to other campaigns of this run, once they have ended."""
        await self._others_ended()
        if not self._others:
            return
        try:
            await self._take(search(self._fresh_stock(), self._wish()))
        except CampaignError as error:  # what was bought here is recorded and told all the same
            self._control.failed(error)

    async def _others_ended(self) -> None:
        for ended in self._others:
            await ended.wait()

    async def _take(self, found: Found) -> None:
        store = await FolderStore.prepare(self._order.folder.images, self._order.folder.staging)
        for offer in found.offers:
            taken = 0
            async for told in adopt(existing(offer, self.plan, self._wish()), store, self._journal):
                taken += isinstance(told, Adopted)
                self._control.observe(told if isinstance(told, Adopted) else Warned(str(told)))
            self._control.observe(Reused(taken, offer.campaign))

    def _fresh_stock(self) -> Stock:
        return Stock(self.plan, self._ledger.states, self._order.only)

    def _wish(self) -> Wish:
        return Wish(self._order.folder.path, self._access.origin, self._ledger.custom_model)

    async def _settle_model(self, firefly: FireflyClient) -> None:
        """Look the custom model up again; what its name means is recorded, and planned with."""
        name, recorded = self._order.campaign.custom_model, self._ledger.custom_model
        if name is None:
            return
        found = await patiently(
            lambda: firefly.find_models(name), random=self._control.clock.random, tell=self._control.tell
        )
        model = settle_model(name, found, recorded, accept_drift=self._order.accept_drift)
        if model == recorded:
            return
        refuse_too_long(self._order.campaign, model.concept)
        await self._journal.record([ModelResolved(model)])
        self._control.observe(ModelResolved(model))
        self._stock = self._planned(model)
        if self._order.reuse:
            await self._reuse(search(self._stock, self._wish()))

    async def _schedule(self, firefly: FireflyClient) -> Allowance | None:
        """Let the scheduler work; None where the state folder is lost at the end."""
        order = self._order
        provider = Referring(firefly, self._journal, ReferenceFiles(self.plan.references))
        workshop = Workshop(order.folder, self._access, order.rate, order.limits)
        ports = await workshop.ports(provider, self._journal, self._control.clock)
        await self._desk.start()
        self._remember(coming=self._stock.due)
        waiting = self._ledger.counts()["accepted"]
        self._control.observe(Started(order.campaign.campaign, self._stock.due, self._stock.requests, waiting))
        runner = Runner(ports, order.limits, control=self._control, shared=order.shared)
        await runner.run(self._stock.jobs(), until=self._others_ended)
        await self._take_from_others()
        try:
            self._remember(coming=0)
            return await ports.quota.allowance()
        except CampaignError as error:  # what was made is recorded and told all the same
            self._control.failed(error)
            return None

    def _planned(self, model: CustomModel | None) -> Stock:
        return Stock(Plan(self._order.campaign, model), self._ledger.states, self._order.only)

    def _remember(self, *, coming: int) -> None:
        """Note where this file runs before money is spent there, as if all of it were; the true number afterwards."""
        if self._access.memory is not None:
            order, proved = self._order, self._ledger.requests().bought
            self._access.memory.remember(order.campaign.path, order.folder.path, proved, coming)
