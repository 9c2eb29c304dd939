"""One campaign's run from its lock to its report: the adapters are opened here, in the order that loses nothing.

Lock, whose folder it is, journal, plan, custom model, budget, the question, then the scheduler;
afterwards the manifest and the report. Whatever is refused is refused before anything is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from campaign_runner import files
from campaign_runner.errors import CampaignError
from campaign_runner.events import ModelResolved, Started, Warned
from campaign_runner.firefly.client import FireflyClient, Settings
from campaign_runner.folder import SANDBOX, Folder
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.journal.ledger import Ledger
from campaign_runner.manifest import Sources, write_manifest
from campaign_runner.memory import Memory
from campaign_runner.model import CustomModel
from campaign_runner.plan.cost import Estimate, Rate, estimate
from campaign_runner.plan.only import EVERYTHING, Only
from campaign_runner.plan.plan import Plan
from campaign_runner.plan.stock import Stock
from campaign_runner.ports import Allowance
from campaign_runner.preflight import look_up, refuse_over_budget, settle_model
from campaign_runner.quota import Limits as Allowed
from campaign_runner.quota import SharedQuota, account_of
from campaign_runner.report import Summary, report
from campaign_runner.run.control import Clock, Control
from campaign_runner.run.ending import Ending, exit_code
from campaign_runner.run.parts import Limits, Ports
from campaign_runner.run.runner import Runner
from campaign_runner.sheet.contents import Contents, contents
from campaign_runner.sheet.writing import keep_sheet
from campaign_runner.spec.schema import Campaign
from campaign_runner.store import FolderStore

BYTES_AN_IMAGE = 8 << 20
"""Free space asked for each image a run may hold at once, and for the journal."""


@dataclass(frozen=True, slots=True)
class Order:
    """What one run is asked to do."""

    campaign: Campaign
    folder: Folder
    rate: Rate
    limits: Limits
    only: Only = EVERYTHING
    accept_drift: bool = False
    start_over: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """How the service is reached, and what this machine remembers of it.

    `settings` is called once something is to be asked, so that a finished campaign needs no credentials.
    `origin` is what the journal records; `memory` is None where nothing is to be remembered.
    """

    origin: str
    settings: Callable[[], Settings]
    state: Path
    memory: Memory | None = None

    @property
    def is_sandbox(self) -> bool:
        return self.origin == SANDBOX

    def account(self) -> str:
        """Whose allowance it is: the service and the client id."""
        settings = self.settings()
        return account_of(settings.firefly_url, settings.credentials.client_id)


@dataclass(frozen=True, slots=True)
class Desk:
    """The person or the cron job a run reports to.

    `agree` is asked before the first money and may refuse; `say` takes the lines of the report;
    `heed` is entered while the scheduler runs and turns signals into stops.
    """

    control: Control
    agree: Callable[[Estimate], bool]
    say: Callable[[str], None]
    heed: Callable[[Control], AbstractContextManager[None]] = lambda control: nullcontext()


async def make(order: Order, access: Access, desk: Desk) -> int:
    """Make what is due and fetch what is accepted; the answer is the exit status.

    Raises CampaignError for what is refused before anything was sent.
    """
    began = asyncio.get_running_loop().time()
    with order.folder.locked():
        _refuse_wrong_folder(order, access)
        async with SqliteJournal(order.folder.path, now=desk.control.clock.now) as journal:
            await _claim(journal, order, access)
            with Ledger(order.folder.path) as ledger:
                stock, allowance = await _work(order, access, desk, Books(journal, ledger))
                minutes = round((asyncio.get_running_loop().time() - began) / 60)
                return await _close(order, desk, ledger, Outcome(stock, allowance, minutes))


@dataclass(frozen=True, slots=True)
class Books:
    """The record of a folder, to write and to read."""

    journal: SqliteJournal
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run worked on, what is left of the allowance (None if nobody was asked), and how long it took."""

    stock: Stock
    allowance: Allowance | None
    minutes: int


def _refuse_wrong_folder(order: Order, access: Access) -> None:
    campaign, folder = order.campaign, order.folder
    folder.refuse_orphans()
    if folder.has_journal:
        with Ledger(folder.path) as ledger:
            folder.refuse_strangers(ledger, origin=access.origin, file=campaign.path, campaign=campaign.campaign)
    elif access.memory is not None and not order.start_over:
        access.memory.refuse_elsewhere(campaign.path, folder.path)


async def _claim(journal: SqliteJournal, order: Order, access: Access) -> None:
    """Note whose folder this is; what an ended sandbox still held becomes pending."""
    campaign = order.campaign
    file = order.folder.relative(campaign.path)
    await journal.note({"campaign": campaign.campaign, "origin": access.origin, "file": file})
    if access.is_sandbox:
        await journal.forget_unfinished()


async def _work(order: Order, access: Access, desk: Desk, books: Books) -> tuple[Stock, Allowance | None]:
    """Everything that speaks to the service; nothing of it happens where nothing is due and nothing waits."""
    ledger = books.ledger
    stock = _stock(order, ledger, ledger.custom_model)
    waiting = ledger.counts()["accepted"]
    if not stock.due and not waiting:
        return stock, None
    clock, steady = desk.control.clock, asyncio.get_running_loop().time
    async with FireflyClient(access.settings(), clock=clock.now, steady=steady) as firefly:
        service = Service(firefly, books)
        try:
            stock = await _agreed(stock, order, access, desk, service)
        except CampaignError as error:
            if not waiting:
                raise
            desk.control.failed(error)  # what is accepted is paid for: it is fetched all the same
        return stock, await _scheduled(stock, order, access, desk, service)


async def _scheduled(stock: Stock, order: Order, access: Access, desk: Desk, service: Service) -> Allowance | None:
    """Let the scheduler work; the answer is what is left of the allowance, None where the state folder is lost."""
    ledger = service.books.ledger
    quota = _quota(order, access, desk.control.clock)
    store = await FolderStore.prepare(order.folder.images, order.folder.staging)
    await store.check_writable(BYTES_AN_IMAGE * order.limits.concurrency)
    _remember(order, access, ledger, coming=stock.due)
    waiting = ledger.counts()["accepted"]
    desk.control.observe(Started(order.campaign.campaign, stock.due, stock.requests, waiting))
    ports = Ports(service.firefly, store, service.books.journal, quota)
    with desk.heed(desk.control):
        await Runner(ports, order.limits, control=desk.control).run(stock.jobs())
    try:
        _remember(order, access, ledger, coming=0)
        return await quota.allowance()
    except CampaignError as error:  # what was made is recorded and told all the same
        desk.control.failed(error)
        return None


def _quota(order: Order, access: Access, clock: Clock) -> SharedQuota:
    limits = Allowed(order.rate.per_minute, order.rate.per_day)
    return SharedQuota(access.state, access.account(), limits=limits, clock=lambda: clock.now().timestamp())


@dataclass(frozen=True, slots=True)
class Service:
    """The client and the record it is asked for."""

    firefly: FireflyClient
    books: Books


async def _agreed(stock: Stock, order: Order, access: Access, desk: Desk, service: Service) -> Stock:
    """The stock to work on, once it is clear which model is meant, what it costs, and that it may be spent.

    Raises CampaignError where nothing may be submitted.
    """
    if not stock.due:
        return stock
    stock = await _with_model(stock, order, desk, service)
    bought = service.books.ledger.requests().bought
    figures = estimate(stock, order.rate, bought=bought, now=desk.control.clock.now().astimezone())
    if not access.is_sandbox:
        refuse_over_budget(order.campaign, figures)
    if not desk.agree(figures):
        desk.control.stop_asked("you said no; nothing was bought")
    return stock


async def _with_model(stock: Stock, order: Order, desk: Desk, service: Service) -> Stock:
    """The same stock, with the custom model looked up again; what its name means is recorded."""
    name, recorded = order.campaign.custom_model, service.books.ledger.custom_model
    if name is None:
        return stock
    found = await look_up(service.firefly, name, random=desk.control.clock.random)
    model = settle_model(name, found, recorded, accept_drift=order.accept_drift)
    if recorded is not None and model == recorded:
        return stock
    await service.books.journal.record([ModelResolved(model)])
    desk.control.observe(ModelResolved(model))
    return _stock(order, service.books.ledger, model)


def _stock(order: Order, ledger: Ledger, model: CustomModel | None) -> Stock:
    return Stock(Plan(order.campaign, model), ledger.states, order.only)


def _remember(order: Order, access: Access, ledger: Ledger, *, coming: int) -> None:
    """Note where this file runs before money is spent there, as if all of it were; the true number afterwards."""
    if access.memory is not None:
        access.memory.remember(order.campaign.path, order.folder.path, ledger.requests().bought + coming)


async def _close(order: Order, desk: Desk, ledger: Ledger, outcome: Outcome) -> int:
    """Write the manifest, the contact sheet and the report; the answer is the exit status."""
    plan, folder = outcome.stock.plan, order.folder
    if plan.knows_keys:
        files.make_folder(folder.staging)
        write_manifest(folder.manifest, Sources(plan, ledger, desk.control.clock.now()), staging=folder.staging)
    everything = Stock(plan, ledger.states).counts()
    selected = Stock(plan, ledger.states, order.only).counts()
    elsewhere = ledger.counts()["in_doubt"] - everything["in_doubt"]
    ending = desk.control.ending
    code = exit_code(ending, selected, doubts_elsewhere=elsewhere)
    summary = Summary(
        campaign=order.campaign,
        images=folder.images,
        counts={"planned": len(plan)} | everything,
        requests=ledger.requests(),
        exit=code,
        reasons=_reasons(ending),
        look=await _look(desk, folder, contents(plan, ledger, everything)),
        allowance=outcome.allowance,
        minutes=outcome.minutes,
    )
    for line in report(summary, ledger):
        desk.say(line)
    for error in ending.errors:
        if not isinstance(error, CampaignError):
            raise error  # a bug: everything else is in order by now
    return code


async def _look(desk: Desk, folder: Folder, shown: Contents) -> Path | None:
    """Where the contact sheet is; drawn anew unless a signal came, since then nobody waits."""
    if desk.control.ending.signal is None:
        await keep_sheet(shown, folder.path, lambda text: desk.control.observe(Warned(text)), staging=folder.staging)
    return folder.sheet if folder.sheet.exists() else None


def _reasons(ending: Ending) -> list[str]:
    """Why the run stopped before its end, each once."""
    reasons = [str(error) for error in ending.errors if isinstance(error, CampaignError)]
    reasons += [why for why in (ending.later, ending.asked) if why is not None]
    return list(dict.fromkeys(reasons))
