"""One campaign's run from its lock to its report, step by step, in the order that loses nothing.

Lock, whose folder it is, journal, plan; then the steps of `ROAD`: what changed, what others have, credentials, custom
model, budget, the question, the scheduler; afterwards the manifest and the report. Whatever is refused is refused
before anything is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.errors import CampaignError, UsageError
from campaign_runner.journal.last_run import LastRun
from campaign_runner.journal.ledger import Ledger
from campaign_runner.journal.request_counts import RequestCounts
from campaign_runner.model import State
from campaign_runner.output_folder.keeping import Holder
from campaign_runner.output_folder.ownership import refuse_wrong_folder
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.plan.selection import EVERYTHING
from campaign_runner.run.stop import Level
from campaign_runner.session.last_text import recalled
from campaign_runner.session.request import RunRequest, ServiceAccess, UserInterface
from campaign_runner.session.result import close, note_end
from campaign_runner.session.road import open_record
from campaign_runner.session.steps import ROAD, Session
from campaign_runner.tasks import beside


async def run_campaign(order: RunRequest, access: ServiceAccess, ui: UserInterface) -> int:
    """Make what is due and fetch what is accepted; the answer is the exit status.

    Raises CampaignError for what is refused before anything was sent.
    """
    async with _begun(order, access, ui) as run:
        async with run.opened:
            for step in ROAD:
                run = run if run.is_over else (await step(run) or run)
        return await close(run)


async def prepare_campaign(
    order: RunRequest, access: ServiceAccess, ui: UserInterface, hand_over: Callable[[Session], Awaitable[None]]
) -> int | None:
    """Everything before the first request, which `hand_over` then leaves to another process, as the rest of the road.

    The answer is the exit status where nothing is left to do, where nothing may be bought and nothing is paid for, and
    where a person said no. Raises as `run_campaign` does.
    """
    async with _begun(order, access, ui) as run:
        async with run.opened:
            for step in ROAD[:-1]:
                run = run if run.is_over else (await step(run) or run)
        if not run.is_over:
            await ui.wait_for_others()
        stop, ending = ui.control.stop, ui.control.ending
        leaves_nothing = stop.reached(Level.NO_SUBMITS) and (ending.asked is not None or not run.waiting)
        if run.is_over or leaves_nothing or stop.reached(Level.DRAINING):
            return await close(run)
        await hand_over(run)
        return None


async def refuse_to_run(order: RunRequest, access: ServiceAccess) -> None:
    """What keeps a run from buying in its folder; `--start-over` buys what only another record knows."""
    memory = None if order.start_over else access.memory
    await refuse_wrong_folder(order.folder, order.campaign, origin=access.origin, memory=memory, reuse=order.reuse)


@asynccontextmanager
async def _begun(order: RunRequest, access: ServiceAccess, ui: UserInterface) -> AsyncIterator[Session]:
    """The run at its start: the folder is locked and ours, its record open, the campaign planned."""
    began = asyncio.get_running_loop().time()
    holder = Holder(partial(ui.control.failed, level=Level.DRAINING), ui.control.stop_asked, buys=True)
    async with order.folder.held(holder), beside(partial(_plan_ahead, order.campaign)) as ahead:
        await refuse_to_run(order, access)
        noted = order.folder.owner(order.campaign) | LastRun(ui.control.clock.now()).as_note()
        async with open_record(order.folder, access, ui, noted) as (journal, ledger):
            order, status = await _planned(order, ledger, ahead)
            run = Session(
                folder=order.folder,
                rate=order.rate,
                limits=order.limits,
                access=access,
                ui=ui,
                journal=journal,
                ledger=ledger,
                before=_counted(order, ledger),
                order=order,
                status=status,
                began=began,
            )
            try:
                yield run
            except CampaignError as refusal:  # the record says how the run ended, also where it was refused
                await note_end(run, refusal.exit_code)
                raise


def _counted(order: RunRequest, ledger: Ledger) -> RequestCounts:
    """The requests before the run; what it sent in other processes counts for its limits."""
    now = ledger.requests()
    if order.since is None:
        return now
    sent = now.since(order.since)
    order.shared.spent.images += sent.images
    order.shared.spent.requests += sent.requests
    return order.since


def _plan_ahead(campaign: Campaign) -> Plan | None:
    """The plan, made while the record is checked; None where it needs what the record says of a custom model.

    Raises UsageError.
    """
    return None if campaign.family.is_custom else Plan(campaign)


async def _planned(
    order: RunRequest, ledger: Ledger, ahead: Callable[[], Awaitable[Plan | None]]
) -> tuple[RunRequest, PlanStatus]:
    """The order and what is due of it; one that only fetches where it cannot be planned and paid images wait.

    `ahead` answers with the plan of a campaign whose record knows no custom model. Raises UsageError where none do.
    """
    model = ledger.custom_model
    try:
        if model is not None or (plan := await ahead()) is None:
            plan = Plan(order.campaign, model)
        return order, PlanStatus(plan, ledger.states, order.only)
    except UsageError as refusal:
        if not ledger.counts()[State.ACCEPTED]:
            raise
        campaign = recalled(order.folder, ledger, order.campaign.path)
        order = replace(order, campaign=campaign, only=EVERYTHING, forbidden=refusal)
        return order, PlanStatus(Plan(campaign, model), ledger.states)
