"""The steps of a campaign's run, in the order in which they are taken: from what changed to what was left to others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Self

from campaign_runner.authoring.since_last_run import last_campaign, note_of, refuse_large_loss, sentences
from campaign_runner.errors import CampaignError, ProviderError
from campaign_runner.events import Adopted, Edited, ModelResolved, Reused, Started, Warned
from campaign_runner.model import State
from campaign_runner.plan.cost import Estimate, estimate
from campaign_runner.plan.due import PlanStatus, Purchase
from campaign_runner.plan.plan import Plan
from campaign_runner.ports import Journal
from campaign_runner.reuse.adoption import take_over
from campaign_runner.reuse.claims import Claiming
from campaign_runner.reuse.neighbours import Neighbours
from campaign_runner.reuse.offers import NOTHING, Offer, ReuseOffers, ReuseQuery, existing, search
from campaign_runner.reuse.takeover import not_made, wait_for_stored
from campaign_runner.review.marking.carry_over import carry_over, noted
from campaign_runner.review.protection import picks_that_leave
from campaign_runner.run.limits import Ceiling
from campaign_runner.run.pace import Kind
from campaign_runner.run.runner import Runner
from campaign_runner.run.stop import Level
from campaign_runner.session.preflight import (
    patiently,
    refuse_files_of_before,
    refuse_long_names,
    refuse_over_budget,
    refuse_unfit_prompts,
    settle_model,
)
from campaign_runner.session.preview import preview
from campaign_runner.session.request import RunRequest
from campaign_runner.session.road import Road, Step
from campaign_runner.tasks import in_thread


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(Road):
    """How far a run has come: what is due, what other campaigns have, and the keys that are left to them.

    `is_planned_anew`: the custom model turned out to be another one than was planned with.
    """

    order: RunRequest
    status: PlanStatus
    began: float
    found: ReuseOffers = NOTHING
    left: set[str] = field(default_factory=set)
    is_planned_anew: bool = False

    @property
    def plan(self) -> Plan:
        return self.status.plan

    @property
    def query(self) -> ReuseQuery:
        return ReuseQuery(self.folder.path, self.access.origin, self.ledger.custom_model)

    def warn(self, message: str) -> None:
        """Tell what a person should know though the run goes on."""
        self.control.observe(Warned(message))

    def goes_on_after(self, refusal: CampaignError) -> bool:
        """Where accepted images wait, nothing that forbids buying keeps them waiting."""
        return self.waiting > 0 or isinstance(refusal, ProviderError)

    def fresh_status(self, plan: Plan | None = None) -> PlanStatus:
        return PlanStatus(plan or self.plan, self.ledger.states, self.order.only)

    def at_once(self) -> int:
        """Those of as many requests as may be in progress, and no more than are bought."""
        limits = self.limits
        requests = min(limits.concurrency, limits.max_requests or limits.concurrency)
        images = self.status.at_once(requests)
        return images if limits.max_images is None else min(images, limits.max_images)

    async def look(self: Session) -> Session:
        """What needs no service and no credentials: what the order forbids, what changed, what others have."""
        run = self
        for step in LOOKING:
            run = run if run.refusal else await run.take(step)
        return run

    async def heed_order(self) -> None:
        """Raises what the order is forbidden for; tells what the file is warned of."""
        if self.order.forbidden is not None:
            raise self.order.forbidden
        for warning in self.order.campaign.warnings:
            self.control.observe(Warned(warning.sentence))

    async def tell_changes(self) -> Self:
        """Tell what changed since the last run, and look what other campaigns have.

        An edit that leaves much behind wants a person's word. Raises UsageError, IntegrityError, StoreError.
        """
        if self.order.reuse:
            await self.folder.keeping.refresh(self.folder)
        seen = preview(self.status, self.ledger, self.query if self.order.reuse else None)
        for sentence in sentences(seen.changes, self.rate) if seen.changes else ():
            self.control.observe(Edited(sentence))
        if seen.changes is not None and seen.takes_much:
            changes = replace(seen.changes, picked=self._picks_that_leave())
            if not self.ui.confirm_removal(changes):
                refuse_large_loss(changes, self.order.campaign.path)
        return replace(self, found=seen.found)

    async def reuse(self) -> Self:
        """Take what other campaigns have stored, if the person agrees, and leave them what they may have paid for."""
        found, status = self.found, self.status
        for warning in found.warnings:
            self.control.observe(Warned(warning))
        if found.offers:
            if self.ui.confirm_reuse(found):
                await self._take(found)
            status = self.fresh_status()
        for waiting in found.waiting:
            status.reuse(waiting.positions)
            self.left.update(self.plan.at(position).variation.key for position in waiting.positions)
        return replace(self, status=status)

    async def end_without_work(self) -> Self | None:
        """Over if nothing is due and nothing waits: the service is not asked."""
        if self.status.due or self.waiting:
            return None
        await self.journal.note(note_of(self.plan))
        await self.ui.wait_for_others()
        self._tell_start(Purchase(0, 0))
        await self._take_over()
        return replace(self, is_over=True)

    async def settle(self: Session) -> Session:
        """Whether anything may be bought; it is over where nothing may, and nothing waits."""
        run = await self.agree(AGREEING if self.status.due else (Session.note_plan,))
        return replace(run, is_over=run.is_over or (run.refusal is not None and not run.waiting))

    async def find_model(self) -> Self | None:
        """Look the custom model up again; what its name means is recorded, and planned with."""
        name, recorded = self.order.campaign.custom_model, self.ledger.custom_model
        if name is None:
            return None
        found = await patiently(partial(self.service.find_models, name), self.control)
        model = settle_model(name, found, recorded, accept_drift=self.order.accept_drift)
        refuse_unfit_prompts(self.order.campaign, model.concept)
        if model == recorded:
            return None
        await self.journal.record([ModelResolved(model)])
        self.control.observe(ModelResolved(model))
        return replace(self, status=self.fresh_status(Plan(self.order.campaign, model)), is_planned_anew=True)

    async def reuse_again(self) -> Self | None:
        """Keys are known only with the custom model: other campaigns may have more than was seen."""
        if not self.is_planned_anew or not self.order.reuse:
            return None
        return await replace(self, found=await self._search(self.status)).reuse()

    async def check_cost(self) -> None:
        """Raises CampaignFileError where the budget does not allow it; a sandbox costs nothing."""
        if not self.access.is_sandbox:
            refuse_over_budget(self.order.campaign, self._figures())

    async def check_names(self) -> None:
        """The disk takes the names of what is due, and none of it was bought before."""
        if self.status.due:
            await refuse_long_names(self.status, self.folder.store)
            if self.limits.guards_files:
                await refuse_files_of_before(self.status, self.folder.store)

    async def confirm(self) -> None:
        """Say what it costs, and ask whether that may be spent."""
        if self.status.due and not self.ui.confirm_purchase(self._figures()):
            self.control.stop_asked("cancelled; nothing was bought")
        else:
            await self.note_plan()

    async def note_plan(self) -> None:
        """The journal remembers what the campaign is in this run, and other machines may have what it needs."""
        await self.folder.keeping.keep_references(self.folder, self.plan.references)
        await self.journal.note(note_of(self.plan))

    async def schedule(self) -> Self:
        """Run the scheduler, then look again for what was left to others."""
        order, stop = self.order, self.control.stop
        may_submit = self.refusal is None and not stop.reached(Level.NO_SUBMITS)
        due = self.status.due if may_submit else 0
        ports = await self.ports(await self._claiming(), {**self.plan.references, **order.references})
        await self.ui.wait_for_others()
        self._remember(coming=due)
        known = self.access.memory.durations(self.access.origin) if self.access.memory is not None else {}
        self._tell_start(self._within_limits() if may_submit else Purchase(0, 0))
        runner = Runner(ports, order.limits, control=self.control, shared=order.shared, known=known)
        await runner.run(self.status.jobs() if may_submit else ())
        await self._take_over()
        return await self.end(ports.quota, partial(self._remember_all, known, runner))

    def _remember_all(self, known: dict[Kind, list[float]], runner: Runner) -> None:
        """Note what was bought, and how long jobs took, where that is more than was known."""
        self._remember(coming=0)
        if self.access.memory is not None and runner.durations != known:
            self.access.memory.note_durations(self.access.origin, runner.durations)

    async def _take_over(self) -> None:
        """What was left to other campaigns, as far as they store it while we wait."""
        if not self.left:
            return
        try:
            waiting = await wait_for_stored(self._look_again, self.folder, self.control, self.limits, began=self.began)
        except CampaignError as error:  # what was bought here is recorded and told all the same
            self.control.failed(error)
            return
        states = self.ledger.states(list(self.left))
        if missing := sum(states.get(key, State.PENDING) == State.PENDING for key in self.left) - waiting:
            self.control.skip(not_made(missing))

    async def _look_again(self) -> Sequence[Offer]:
        """Take what others have stored meanwhile; the answer is what they may still store."""
        found = await self._search(self.fresh_status(), self.left)
        await self._take(found)
        return found.waiting

    async def _search(self, status: PlanStatus, among: Collection[str] | None = None) -> ReuseOffers:
        """What other campaigns have, as their records say now."""
        await self.folder.keeping.refresh(self.folder)
        return search(status, self.query, among)

    def _picks_that_leave(self) -> tuple[str, ...]:
        """The picked images that the edit takes out of the campaign, by their names."""
        before = last_campaign(self.ledger, self.order.campaign.path)
        if before is None:
            return ()
        return picks_that_leave(self.folder, self.ledger, Plan(before, self.ledger.custom_model), self.plan)

    async def _take(self, found: ReuseOffers) -> None:
        if not found.offers:
            return
        store, adopted = self.folder.store, 0
        await store.ready()
        for offer in found.offers:
            taken = 0
            images = existing(offer, self.plan, self.query, self.folder)
            async for told in take_over(images, store, self.journal, links=self.order.link):
                taken += isinstance(told, Adopted)
                self.control.observe(told if isinstance(told, Adopted) else Warned(str(told)))
            adopted += taken
            self.control.observe(Reused(taken, offer.campaign))
        if adopted and (names := await in_thread(carry_over, self.folder, self.order.campaign.path)):
            await self.journal.note(noted(self.ledger, names))

    def _tell_start(self, most: Purchase) -> None:
        """Tell what there is to do, and how much of it this run may buy."""
        due, waiting = self.status.due, self.waiting
        self.control.observe(Started(self.order.campaign.campaign, due, most.requests, waiting, most.images))

    def _within_limits(self) -> Purchase:
        """What this run may buy, within its own limits."""
        return self.status.bounded(self.limits.max_images, self.limits.max_requests)

    def _figures(self) -> Estimate:
        """What that is and costs."""
        most = self._within_limits()
        now, bought = self.control.clock.now().astimezone(), self.ledger.requests().bought
        return estimate(self.status, self.rate, bought=bought, now=now, most=most)

    async def _claiming(self) -> Journal:
        """The journal, which grants what no other campaign has or buys, and whose requests this machine remembers."""
        order, keeping = self.order, self.folder.keeping
        ceiling = Ceiling(order.campaign.budget, order.limits, order.shared.spent)
        if (buying := keeping.buying(self.folder, self.journal, ceiling, self.left)) is not None:
            return buying
        memory, beside, began = self.access.memory, None, None
        if self.order.reuse:
            beside = Neighbours(lambda: self.query, self.found.read, lambda text: self.control.observe(Warned(text)))
        if memory is not None:
            begun = memory.begun(self.order.campaign.path, self.folder.path)
            began = (await self.opened.enter_async_context(begun)).note
        home, turn = self.folder.path.parent, self.access.claiming
        return Claiming(self.journal, home, beside, turn=turn, left=self.left, began=began)

    def _remember(self, *, coming: int) -> None:
        """Note where this file runs before money is spent there, as if all of it were; the true number afterwards."""
        if self.access.memory is not None:
            requests, place = self.ledger.requests(), (self.order.campaign.path, self.folder.path)
            self.access.memory.remember(*place, requests.bought + coming, requests.submitted)


LOOKING: Sequence[Step[Session]] = (Session.heed_order, Session.tell_changes, Session.reuse)
"""What `look` takes, until one refuses."""
AGREEING: Sequence[Step[Session]] = (
    Session.check_room,
    Session.sign_in,
    Session.find_model,
    Session.reuse_again,
    Session.check_cost,
    Session.check_names,
    Session.confirm,
)
"""What `settle` takes where something is due: each may refuse that money is spent."""
ROAD: Sequence[Step[Session]] = (
    Session.look,
    Session.end_without_work,
    Session.reach_service,
    Session.settle,
    Session.schedule,
)
"""A run, between its open record and its report."""
