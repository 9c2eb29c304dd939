"""`campaign-runner run`"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import click

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.cli import console, notification, options, run_options
from campaign_runner.cli.access import accessed
from campaign_runner.cli.chosen import Choice, chosen
from campaign_runner.cli.environment import Environment
from campaign_runner.cli.help import TwoPages, ending, rarely
from campaign_runner.cli.notification import Ends
from campaign_runner.cli.observers import RunLog, Watch, watching
from campaign_runner.cli.played import of_campaigns
from campaign_runner.cli.prompts import Asking
from campaign_runner.cli.run_options import RunFlags
from campaign_runner.cli.signals import heeding_signals
from campaign_runner.cli.target import ON_FLEET
from campaign_runner.errors import CampaignError, CampaignFileError, UsageError
from campaign_runner.events import Ended
from campaign_runner.model import IMAGES, CustomModel
from campaign_runner.output_folder.registry import RunRegistry
from campaign_runner.plan.cost import RateLimit
from campaign_runner.run.control import Clock, Control
from campaign_runner.run.ending import worst
from campaign_runner.run.limits import of_one_command
from campaign_runner.run.stop import Stop
from campaign_runner.session.request import RunRequest, ServiceAccess, UserInterface
from campaign_runner.session.several import CampaignRun, run_campaigns, together, tonight
from campaign_runner.text import joined
from campaign_runner.uptime import uptime


@click.command(cls=TwoPages, epilog=ending("run campaigns/spring.yaml --until 06:00", 3, 4, 5, 7, 8, 9, 11, 129, 143))
@click.argument("names", nargs=-1, required=True, metavar="FILE…")
@run_options.consent
@options.only
@options.output
@options.on
@rarely("--here", is_flag=True, help="With --on fleet: this process does the work, without a worker.")
@rarely("--detach", is_flag=True, help="With --on fleet: submit to the workers and do not wait for the end.")
@rarely("--subject", default="", metavar="WORD", help="With --sandbox: the concept of your custom model.")
@rarely("--concurrency", type=run_options.positive, help="Requests in progress at once, per campaign.")
@run_options.bounds
@run_options.accept(changes="this edit drops many images you already have", drift="the custom model was retrained")
@rarely(
    "--start-over",
    is_flag=True,
    help="Start a new record here, buying again what an earlier one (elsewhere or lost) has.",
)
@rarely("--no-reuse", is_flag=True, help="Also buy images that another campaign has stored or is waiting for.")
@options.link
@rarely("--no-review", is_flag=True, help="Do not write the page to choose on (review.html).")
@run_options.log
@notification.option
@notification.tells_someone
@run_options.ends_with_a_line
def command(names: tuple[str, ...], log: RunLog, ends: Ends, **options: Any) -> int:
    """Generate the missing images and download finished ones.

    Asks before it buys (at a terminal). Ctrl-C stops new requests and finishes those in progress. Run it again to
    continue where it stopped; nothing is bought twice. Several files run at the same time and share the allowance and
    the limits (--max-..., --until); each has its own question and its own report.
    """
    flags = RunFlags(**run_options.accepted(options))
    if flags.on is not None or flags.here or flags.detach:
        flags.refuse_beside_fleet()
        on_fleet = importlib.import_module(ON_FLEET)
        fleet, choices, wrong = on_fleet.chosen(names, flags)
        make = run_campaigns if flags.here else partial(run_campaigns, run=on_fleet.driver(fleet, flags).run)
        through = partial(on_fleet.accessed, fleet)
        return asyncio.run(run_all(choices, flags, wrong, log, ends, accessed=through, make=make))
    choices, wrong = chosen(names, flags)  # every problem of every file before anything is sent
    return asyncio.run(run_all(choices, flags, wrong, log, ends))


async def run_all(
    choices: list[Choice],
    flags: RunFlags,
    wrong: Sequence[CampaignError],
    log: RunLog,
    ends: Ends,
    *,
    accessed: Callable[..., AbstractAsyncContextManager[ServiceAccess]] = accessed,
    make: Callable[..., Awaitable[int]] = run_campaigns,
) -> int:
    """The campaigns from their locks to their reports, which come once all have ended; the worst exit status.

    Pictures to look at are made after the reports: no one waits for them to know how it went.

    `wrong` is what is wrong with files of the command: it is told after the reports, and nothing may be bought.
    """
    environment = Environment.of_process()
    if not flags.is_sandbox:
        environment = environment.of_account(_account(choices))
    rates = {choice.campaign.campaign: _rate(choice.campaign, flags, environment) for choice in choices}
    orders = _orders(choices, rates, flags)
    models = _played(choices, flags)
    reports = Reports([], wrong, log)
    try:
        async with watching(rates, flags, log, flags.bounds) as watch:
            reports.parts += [_part(order, watch, flags, is_only=len(orders) == 1) for order in orders]
            for order in orders:
                console.say(f"output  {order.folder.store.where(IMAGES) if flags.on else order.folder.path}")
            rate = flags.account(environment)

            def told() -> None:
                watch.end_progress()
                reports.say()
                reports.say_last()

            async with accessed(environment, rate, is_sandbox=flags.is_sandbox, models=models) as access:
                await make(reports.parts, access, heed=heeding_signals, refused=console.print_error, told=told)
    finally:
        ends.add(reports.parts)
        reports.say()
        if flags.is_sandbox:
            _remember_rehearsals(reports.parts, environment)
    return reports.code


def _account(choices: Sequence[Choice]) -> str | None:
    """The name of the account that pays for the campaigns of a command. Raises UsageError where there are several."""
    names = {choice.campaign.account: choice.campaign.campaign for choice in choices}
    if len(names) > 1:
        told = (f"'{name}' for {one}" if name else f"the usual one for {one}" for name, one in names.items())
        raise UsageError(
            f"these campaigns are paid for by several accounts ({joined(list(told))}); nothing was sent. "
            "Give each account a run of its own"
        )
    return next(iter(names), None)


def _remember_rehearsals(parts: Sequence[CampaignRun], environment: Environment) -> None:
    """Their names lead to them from everywhere; where that cannot be noted they are found in their own folder."""
    with suppress(CampaignError):
        for part in parts:
            if part.report:
                RunRegistry(environment.state_folder).rehearse(part.order.campaign.path, part.order.folder.path)


@dataclass(slots=True)
class Reports:
    """What is printed and logged of the campaigns of a command once all have ended.

    `wrong` is what is wrong with its files.
    """

    parts: list[CampaignRun]
    wrong: Sequence[CampaignError]
    log: RunLog
    is_said: bool = False

    @property
    def code(self) -> int:
        """The worst exit status."""
        return worst([*(part.code for part in self.parts), *(error.exit_code for error in self.wrong)])

    def say(self) -> None:
        """Every report, then what is wrong with files; once."""
        if self.is_said:
            return
        self.is_said = True
        for part in self.parts:
            _report(part, self.log)
        for error in _problems(self.parts, self.wrong):
            console.print_error(error)

    def say_last(self) -> None:
        """The last line, for machines, where it is not that of the only report."""
        if len(self.parts) > 1:
            console.say(_of_all(self.parts, self.code))
            self.log.end(
                Ended(self.code, _of_all(self.parts, self.code), bought=together(self.parts), night=tonight(self.parts))
            )
        elif not self.parts[0].report:
            console.say(f"attention exit={self.code}")


def _report(part: CampaignRun, log: RunLog) -> None:
    """Print how a campaign ended, and log it: its last line, or what it was refused for."""
    for line in part.report:
        console.say(line)
    name = part.order.campaign.campaign
    if part.report:
        log.end(Ended(part.code, part.report[-1], bought=part.bought, night=part.night), name)
    elif part.refusal is not None:
        log.end(Ended(part.code, f"attention exit={part.code}", part.refusal.sentence), name)


def _played(choices: list[Choice], flags: RunFlags) -> list[CustomModel]:
    """The custom models that the sandbox plays; none where there is no sandbox. Raises UsageError."""
    if flags.subject and not flags.is_sandbox:
        raise UsageError("--subject is for --sandbox: Adobe knows the concept of your custom model")
    campaigns = [(choice.campaign, choice.folder) for choice in choices]
    return of_campaigns(campaigns, flags.subject) if flags.is_sandbox else []


def _problems(parts: list[CampaignRun], wrong: Sequence[CampaignError]) -> list[CampaignError]:
    """What is wrong with files, each once: in full, where the reports have a line."""
    found = (error for part in parts for error in part.ui.control.ending.errors if isinstance(error, CampaignFileError))
    return list(dict.fromkeys([*wrong, *found]))


def _of_all(parts: list[CampaignRun], code: int) -> str:
    """The last line of several campaigns, for machines."""
    each = " ".join(f"{part.order.campaign.campaign}={part.code}" for part in parts)
    return f"{'ok' if code == 0 else 'attention'} campaigns={len(parts)} exit={code} {each}"


def _orders(choices: list[Choice], rates: dict[str, RateLimit], flags: RunFlags) -> list[RunRequest]:
    """What is asked for; together they keep to one set of limits, and those of equal allowance take turns at it."""
    shared = of_one_command(rates.values())
    return [
        RunRequest(
            campaign=choice.campaign,
            folder=choice.folder,
            rate=rates[choice.campaign.campaign],
            limits=flags.limits(flags.concurrency or choice.campaign.concurrency),
            only=choice.only,
            accept_drift=flags.accept_drift,
            start_over=flags.start_over,
            reuse=not flags.no_reuse,
            link=flags.link,
            review=not (flags.no_review or flags.on),
            sheets=not flags.on,
            shared=shared[rates[choice.campaign.campaign]],
            forbidden=choice.forbidden,
        )
        for choice in choices
    ]


def _part(order: RunRequest, watch: Watch, flags: RunFlags, *, is_only: bool) -> CampaignRun:
    name = order.campaign.campaign
    report: list[str] = []
    asking = Asking(flags.yes, flags.is_sandbox, flags.accept_changes, "" if is_only else f"{name}: ")
    control = Control(Clock(uptime=uptime), Stop(), lambda event: watch.tell(name, event))
    ui = UserInterface(
        control,
        asking.buy,
        report.append,
        confirm_reuse=asking.use,
        confirm_removal=asking.leave,
        pictured=lambda done, of: watch.pictured(name, done, of),
    )
    return CampaignRun(order, ui, report)


def _rate(campaign: Campaign, flags: RunFlags, environment: Environment) -> RateLimit:
    account = flags.account(environment)
    return account if flags.is_sandbox else account.lowered(campaign.quota.per_minute, campaign.quota.per_day)
