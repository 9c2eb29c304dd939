"""One campaign's run from its lock to its report: the adapters are opened here, in the order that loses nothing.

Lock, whose folder it is, journal, plan, credentials, custom model, budget, the question, then the
scheduler; afterwards the manifest and the report. Whatever is refused is refused before anything is sent.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

from campaign_runner.authoring.since_last_run import note_of, refuse_large_loss, sentences
from campaign_runner.errors import AccountRefused, CampaignError, ProviderError, UsageError
from campaign_runner.events import Adopted, Edited, ModelResolved, Reused, Started, Warned
from campaign_runner.firefly.client import FireflyClient
from campaign_runner.firefly.references import ReferenceFiles, WithReferences
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.journal.ledger import Ledger
from campaign_runner.model import CustomModel
from campaign_runner.output_folder.ownership import refuse_wrong_folder
from campaign_runner.plan.cost import Estimate, estimate
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.plan.selection import EVERYTHING
from campaign_runner.ports import Allowance
from campaign_runner.reuse.adoption import take_over
from campaign_runner.reuse.claims import Claiming
from campaign_runner.reuse.neighbours import Neighbours
from campaign_runner.reuse.offers import NOTHING, ReuseOffers, ReuseQuery, existing, search
from campaign_runner.reuse.takeover import Takeover, not_made
from campaign_runner.run.runner import Runner
from campaign_runner.run.stop import Level
from campaign_runner.session.last_text import recalled
from campaign_runner.session.preflight import (
    patiently,
    refuse_files_of_before,
    refuse_long_names,
    refuse_over_budget,
    refuse_unfit_prompts,
    settle_model,
)
from campaign_runner.session.preview import outlook
from campaign_runner.session.request import RunRequest, ServiceAccess, UserInterface
from campaign_runner.session.result import RunResult, close
from campaign_runner.session.wiring import Workshop
from campaign_runner.store import FolderStore
from campaign_runner.tasks import in_thread


async def run_campaign(order: RunRequest, access: ServiceAccess, ui: UserInterface) -> int:
    """Make what is due and fetch what is accepted; the answer is the exit status.

    Raises CampaignError for what is refused before anything was sent.
    """
    began = asyncio.get_running_loop().time()
    with order.folder.locked():
        refuse_to_run(order, access)
        async with SqliteJournal(order.folder.path, now=ui.control.clock.now) as journal:
            await _claim(journal, order, access)
            with Ledger(order.folder.path) as ledger:
                session = _session(order, access, ui, journal=journal, ledger=ledger)
                allowance = await session.work()
                seconds = asyncio.get_running_loop().time() - began
                return await close(session.order, ui, ledger, RunResult(session.plan, allowance, seconds))


def refuse_to_run(order: RunRequest, access: ServiceAccess) -> None:
    """What keeps a run from buying in its folder; `--start-over` buys what only another record knows."""
    memory = None if order.start_over else access.memory
    refuse_wrong_folder(order.folder, order.campaign, origin=access.origin, memory=memory, reuse=order.reuse)


async def _claim(journal: SqliteJournal, order: RunRequest, access: ServiceAccess) -> None:
    """Note whose folder this is; what an ended sandbox still held becomes pending."""
    campaign = order.campaign
    file = order.folder.relative(campaign.path)
    await journal.note({"campaign": campaign.campaign, "origin": access.origin, "file": file})
    if access.is_sandbox:
        await journal.forget_unfinished()


def _session(
    order: RunRequest, access: ServiceAccess, ui: UserInterface, *, journal: SqliteJournal, ledger: Ledger
) -> Session:
    """The session of an order; one that only fetches where it cannot be planned and paid images wait.

    Raises UsageError where none do.
    """
    try:
        return Session(order, access, ui, journal=journal, ledger=ledger)
    except UsageError as refusal:
        if not ledger.counts()["accepted"]:
            raise
        campaign = recalled(order.folder, ledger, order.campaign.path)
        order = replace(order, campaign=campaign, only=EVERYTHING, forbidden=refusal)
        return Session(order, access, ui, journal=journal, ledger=ledger)


class Session:
    """The part of a run that may speak to the service. The caller holds the folder's lock. Use once."""

    def __init__(
        self, order: RunRequest, access: ServiceAccess, ui: UserInterface, *, journal: SqliteJournal, ledger: Ledger
    ) -> None:
        self._order = order
        self._access = access
        self._control = ui.control
        self._ui = ui
        self._journal = journal
        self._ledger = ledger
        self._status = self._planned(ledger.custom_model)
        self._refusal: CampaignError | None = None
        self._workshop = Workshop(order.folder, access, order.rate, order.limits)
        self._found = NOTHING
        self._left: set[str] = set()  # keys that are left to other campaigns
        self._began = asyncio.get_running_loop().time()

    @property
    def order(self) -> RunRequest:
        """What the run was asked to do."""
        return self._order

    @property
    def plan(self) -> Plan:
        """The plan the run works on."""
        return self._status.plan

    async def work(self) -> Allowance | None:
        """Nobody is asked where nothing is due and nothing waits. The answer is what is left of the allowance.

        A signal before the scheduler begins ends it at once: what was under way costs nothing.

        Raises CampaignFileError, IntegrityError or StoreError for what is refused before anything was sent; what the
        service refuses is part of how the run ended.
        """
        waiting = self._ledger.counts()["accepted"]
        try:
            await self._look_around()
        except CampaignError as refusal:
            if not waiting:
                raise
            self._refusal = refusal
        if not self._status.due and not waiting:
            await self._journal.note(note_of(self.plan))
            await self._ui.wait_for_others()
            await self._take_over()
            return None
        try:
            settings = self._access.settings()
        except AccountRefused as error:
            self._control.failed(error)
            return None
        clock, steady = self._control.clock.now, asyncio.get_running_loop().time
        async with FireflyClient(settings, clock=clock, steady=steady, jobs=self._journal) as firefly:
            asking = self._may_submit(firefly, is_awaited=waiting > 0)
            may_submit = await self._control.stop.until(Level.INTERRUPTED, asking)
            if self._control.stop.reached(Level.INTERRUPTED):
                return None
            return await self._schedule(firefly, may_submit=bool(may_submit)) if may_submit or waiting else None

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
        if self._status.due and not await self._may_buy(firefly):
            self._control.stop_asked("you said no; nothing was bought")
            return
        await self._journal.note(note_of(self.plan))

    async def _may_buy(self, firefly: FireflyClient) -> bool:
        await self._workshop.check_room()
        await patiently(firefly.sign_in, random=self._control.clock.random, tell=self._control.tell)
        await self._settle_model(firefly)
        figures = self._figures()
        if not self._access.is_sandbox:
            refuse_over_budget(self._order.campaign, figures)
        if not self._status.due:
            return True
        await in_thread(refuse_long_names, self._status, self._order.folder.images, self._order.folder.staging)
        if self._order.limits.guards_files:
            await refuse_files_of_before(self._status, (await self._store()).holds)
        return self._ui.confirm_purchase(figures)

    def _figures(self) -> Estimate:
        """What this run may buy, within its own limits."""
        limits, bought = self._order.limits, self._ledger.requests().bought
        most = self._status.bounded(limits.max_images, limits.max_requests)
        now = self._control.clock.now().astimezone()
        return estimate(self._status, self._order.rate, bought=bought, now=now, most=most)

    async def _look_around(self) -> None:
        """Tell what the file is warned of and what changed since the last run; use what other campaigns have stored.

        An edit that leaves much behind wants a person's word. Raises what the order is forbidden for, UsageError,
        IntegrityError, StoreError.
        """
        order = self._order
        if order.forbidden is not None:
            raise order.forbidden
        for warning in order.campaign.warnings:
            self._control.observe(Warned(warning.sentence))
        seen = outlook(self._status, self._ledger, self._wish() if order.reuse else None)
        for sentence in sentences(seen.changes, order.rate) if seen.changes else ():
            self._control.observe(Edited(sentence))
        if seen.changes is not None and seen.takes_much and not self._ui.confirm_removal(seen.changes):
            refuse_large_loss(seen.changes)
        await self._reuse(seen.found)

    async def _reuse(self, found: ReuseOffers) -> None:
        """Take what other campaigns have stored, if the person agrees, and leave them what they may have paid for."""
        self._found = found
        for warning in found.warnings:
            self._control.observe(Warned(warning))
        if found.offers:
            if self._ui.confirm_reuse(found):
                await self._take(found)
            self._status = self._fresh_stock()
        for waiting in found.waiting:
            self._status.reuse(waiting.positions)
            self._left.update(self.plan.at(position).variation.key for position in waiting.positions)

    async def _take_over(self) -> None:
        """What was left to other campaigns, as far as they store it while we wait."""
        if not self._left:
            return
        takeover = Takeover(lambda: search(self._fresh_stock(), self._wish(), self._left), self._take)
        try:
            waiting = await takeover.work(self._control, self._order.limits, began=self._began)
        except CampaignError as error:  # what was bought here is recorded and told all the same
            self._control.failed(error)
            return
        states = self._ledger.states(list(self._left))
        if missing := sum(states.get(key, "pending") == "pending" for key in self._left) - waiting:
            self._control.skip(not_made(missing))

    async def _take(self, found: ReuseOffers) -> None:
        if not found.offers:
            return
        store = await self._store()
        for offer in found.offers:
            taken = 0
            async for told in take_over(existing(offer, self.plan, self._wish()), store, self._journal):
                taken += isinstance(told, Adopted)
                self._control.observe(told if isinstance(told, Adopted) else Warned(str(told)))
            self._control.observe(Reused(taken, offer.campaign))

    async def _store(self) -> FolderStore:
        return await FolderStore.prepare(self._order.folder.images, self._order.folder.staging)

    def _fresh_stock(self) -> PlanStatus:
        return PlanStatus(self.plan, self._ledger.states, self._order.only)

    def _wish(self) -> ReuseQuery:
        return ReuseQuery(self._order.folder.path, self._access.origin, self._ledger.custom_model)

    async def _settle_model(self, firefly: FireflyClient) -> None:
        """Look the custom model up again; what its name means is recorded, and planned with."""
        name, recorded = self._order.campaign.custom_model, self._ledger.custom_model
        if name is None:
            return
        found = await patiently(
            lambda: firefly.find_models(name), random=self._control.clock.random, tell=self._control.tell
        )
        model = settle_model(name, found, recorded, accept_drift=self._order.accept_drift)
        refuse_unfit_prompts(self._order.campaign, model.concept)
        if model == recorded:
            return
        await self._journal.record([ModelResolved(model)])
        self._control.observe(ModelResolved(model))
        self._status = self._planned(model)
        if self._order.reuse:
            await self._reuse(search(self._status, self._wish()))

    async def _schedule(self, firefly: FireflyClient, *, may_submit: bool) -> Allowance | None:
        """Let the scheduler work; None where the state folder is lost at the end."""
        order, status = self._order, self._status
        due, requests = (status.due, status.requests) if may_submit else (0, 0)
        provider = WithReferences(firefly, self._journal, ReferenceFiles(self.plan.references))
        ports = await self._workshop.ports(provider, self._claiming(), self._control.clock)
        await self._ui.wait_for_others()
        self._remember(coming=due)
        waiting = self._ledger.counts()["accepted"]
        self._control.observe(Started(order.campaign.campaign, due, requests, waiting))
        runner = Runner(ports, order.limits, control=self._control, shared=order.shared)
        await runner.run(status.jobs() if may_submit else ())
        await self._take_over()
        try:
            self._remember(coming=0)
            return await ports.quota.allowance()
        except CampaignError as error:  # what was made is recorded and told all the same
            self._control.failed(error)
            return None

    def _planned(self, model: CustomModel | None) -> PlanStatus:
        return PlanStatus(Plan(self._order.campaign, model), self._ledger.states, self._order.only)

    def _claiming(self) -> Claiming:
        """The journal, which grants what no other campaign has or buys, and whose requests this machine remembers."""
        order, memory = self._order, self._access.memory
        neighbours = Neighbours(self._wish, self._found.read, lambda text: self._control.observe(Warned(text)))
        began = None if memory is None else partial(memory.began, order.campaign.path, order.folder.path)
        home = order.folder.path.parent
        beside = neighbours if order.reuse else None
        return Claiming(self._journal, home, beside, turn=self._access.claiming, left=self._left, began=began)

    def _remember(self, *, coming: int) -> None:
        """Note where this file runs before money is spent there, as if all of it were; the true number afterwards."""
        if self._access.memory is not None:
            order, requests = self._order, self._ledger.requests()
            place = order.campaign.path, order.folder.path
            self._access.memory.remember(*place, requests.bought + coming, requests.submitted)
