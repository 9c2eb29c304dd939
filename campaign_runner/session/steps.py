"""The steps of a campaign's run, in the order in which they are taken: from what changed to what was left to others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from campaign_runner.authoring.since_last_run import note_of, refuse_large_loss, sentences
from campaign_runner.errors import CampaignError, ProviderError
from campaign_runner.events import Adopted, Edited, ModelResolved, Reused, Started, Warned
from campaign_runner.plan.cost import Estimate, estimate
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.reuse.adoption import take_over
from campaign_runner.reuse.claims import Claiming
from campaign_runner.reuse.neighbours import Neighbours
from campaign_runner.reuse.offers import NOTHING, Offer, ReuseOffers, ReuseQuery, existing, search
from campaign_runner.reuse.takeover import not_made, wait_for_stored
from campaign_runner.run.runner import Runner
from campaign_runner.session import road
from campaign_runner.session.preflight import (
    patiently,
    refuse_files_of_before,
    refuse_long_names,
    refuse_over_budget,
    refuse_unfit_prompts,
    settle_model,
)
from campaign_runner.session.preview import outlook
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

    def goes_on_after(self, refusal: CampaignError) -> bool:
        """Where accepted images wait, nothing that forbids buying keeps them waiting."""
        return self.waiting > 0 or isinstance(refusal, ProviderError)

    def fresh_status(self, plan: Plan | None = None) -> PlanStatus:
        return PlanStatus(plan or self.plan, self.ledger.states, self.order.only)


async def heed_order(run: Session) -> Session:
    """Raises what the order is forbidden for; tells what the file is warned of."""
    if run.order.forbidden is not None:
        raise run.order.forbidden
    for warning in run.order.campaign.warnings:
        run.control.observe(Warned(warning.sentence))
    return run


async def tell_changes(run: Session) -> Session:
    """Tell what changed since the last run, and look what other campaigns have.

    An edit that leaves much behind wants a person's word. Raises UsageError, IntegrityError, StoreError.
    """
    seen = outlook(run.status, run.ledger, run.query if run.order.reuse else None)
    for sentence in sentences(seen.changes, run.rate) if seen.changes else ():
        run.control.observe(Edited(sentence))
    if seen.changes is not None and seen.takes_much and not run.ui.confirm_removal(seen.changes):
        refuse_large_loss(seen.changes)
    return replace(run, found=seen.found)


async def reuse(run: Session) -> Session:
    """Take what other campaigns have stored, if the person agrees, and leave them what they may have paid for."""
    for warning in run.found.warnings:
        run.control.observe(Warned(warning))
    if run.found.offers:
        if run.ui.confirm_reuse(run.found):
            await _take(run, run.found)
        run = replace(run, status=run.fresh_status())
    for waiting in run.found.waiting:
        run.status.reuse(waiting.positions)
        run.left.update(run.plan.at(position).variation.key for position in waiting.positions)
    return run


async def end_without_work(run: Session) -> Session:
    """Nobody is asked where nothing is due and nothing waits."""
    if run.status.due or run.waiting:
        return run
    await run.journal.note(note_of(run.plan))
    await run.ui.wait_for_others()
    await _take_over(run)
    return replace(run, is_over=True)


async def agree(run: Session, steps: Sequence[Step[Session]]) -> Session:
    """Whether anything may be bought; it is over where nothing may, and nothing waits."""
    run = await road.agree(run, steps if run.status.due else (note_plan,))
    return replace(run, is_over=run.is_over or (run.refusal is not None and not run.waiting))


async def find_model(run: Session) -> Session:
    """Look the custom model up again; what its name means is recorded, and planned with."""
    name, recorded = run.order.campaign.custom_model, run.ledger.custom_model
    if name is None:
        return run
    found = await patiently(partial(run.service.find_models, name), run.control)
    model = settle_model(name, found, recorded, accept_drift=run.order.accept_drift)
    refuse_unfit_prompts(run.order.campaign, model.concept)
    if model == recorded:
        return run
    await run.journal.record([ModelResolved(model)])
    run.control.observe(ModelResolved(model))
    return replace(run, status=run.fresh_status(Plan(run.order.campaign, model)), is_planned_anew=True)


async def reuse_again(run: Session) -> Session:
    """Keys are known only with the custom model: other campaigns may have more than was seen."""
    if not run.is_planned_anew or not run.order.reuse:
        return run
    return await reuse(replace(run, found=search(run.status, run.query)))


async def check_cost(run: Session) -> Session:
    """Raises CampaignFileError where the budget does not allow it; a sandbox costs nothing."""
    if not run.access.is_sandbox:
        refuse_over_budget(run.order.campaign, _figures(run))
    return run


async def check_names(run: Session) -> Session:
    """The disk takes the names of what is due, and none of it was bought before."""
    if run.status.due:
        await in_thread(refuse_long_names, run.status, run.folder.images, run.folder.staging)
        if run.limits.guards_files:
            await refuse_files_of_before(run.status, (await run.store()).holds)
    return run


async def confirm(run: Session) -> Session:
    """Say what it costs, and ask whether that may be spent."""
    if run.status.due and not run.ui.confirm_purchase(_figures(run)):
        run.control.stop_asked("you said no; nothing was bought")
        return run
    return await note_plan(run)


async def note_plan(run: Session) -> Session:
    """The journal remembers what the campaign is in this run."""
    await run.journal.note(note_of(run.plan))
    return run


async def schedule(run: Session) -> Session:
    """Let the scheduler work, then look again for what was left to others."""
    order, may_submit = run.order, run.refusal is None
    due, requests = (run.status.due, run.status.requests) if may_submit else (0, 0)
    ports = await run.ports(_claiming(run), run.plan.references)
    await run.ui.wait_for_others()
    _remember(run, coming=due)
    run.control.observe(Started(order.campaign.campaign, due, requests, run.waiting))
    runner = Runner(ports, order.limits, control=run.control, shared=order.shared)
    await runner.run(run.status.jobs() if may_submit else ())
    await _take_over(run)
    try:
        _remember(run, coming=0)
        return replace(run, allowance=await ports.quota.allowance())
    except CampaignError as error:  # what was made is recorded and told all the same
        run.control.failed(error)
        return run


async def _take_over(run: Session) -> None:
    """What was left to other campaigns, as far as they store it while we wait."""
    if not run.left:
        return
    try:
        waiting = await wait_for_stored(partial(_look_again, run), run.control, run.limits, began=run.began)
    except CampaignError as error:  # what was bought here is recorded and told all the same
        run.control.failed(error)
        return
    states = run.ledger.states(list(run.left))
    if missing := sum(states.get(key, "pending") == "pending" for key in run.left) - waiting:
        run.control.skip(not_made(missing))


async def _look_again(run: Session) -> Sequence[Offer]:
    """Take what others have stored meanwhile; the answer is what they may still store."""
    found = search(run.fresh_status(), run.query, run.left)
    await _take(run, found)
    return found.waiting


async def _take(run: Session, found: ReuseOffers) -> None:
    if not found.offers:
        return
    store = await run.store()
    for offer in found.offers:
        taken = 0
        async for told in take_over(existing(offer, run.plan, run.query), store, run.journal):
            taken += isinstance(told, Adopted)
            run.control.observe(told if isinstance(told, Adopted) else Warned(str(told)))
        run.control.observe(Reused(taken, offer.campaign))


def _figures(run: Session) -> Estimate:
    """What this run may buy, within its own limits."""
    most = run.status.bounded(run.limits.max_images, run.limits.max_requests)
    now, bought = run.control.clock.now().astimezone(), run.ledger.requests().bought
    return estimate(run.status, run.rate, bought=bought, now=now, most=most)


def _claiming(run: Session) -> Claiming:
    """The journal, which grants what no other campaign has or buys, and whose requests this machine remembers."""
    memory, beside = run.access.memory, None
    if run.order.reuse:
        beside = Neighbours(lambda: run.query, run.found.read, lambda text: run.control.observe(Warned(text)))
    began = None if memory is None else partial(memory.began, run.order.campaign.path, run.folder.path)
    return Claiming(run.journal, run.folder.path.parent, beside, turn=run.access.claiming, left=run.left, began=began)


def _remember(run: Session, *, coming: int) -> None:
    """Note where this file runs before money is spent there, as if all of it were; the true number afterwards."""
    if run.access.memory is not None:
        requests, place = run.ledger.requests(), (run.order.campaign.path, run.folder.path)
        run.access.memory.remember(*place, requests.bought + coming, requests.submitted)
