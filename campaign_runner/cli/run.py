"""`campaign-runner run`"""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from campaign_runner.cli import console, options
from campaign_runner.cli.environment import Environment, sandbox_settings
from campaign_runner.cli.signals import heeding_signals
from campaign_runner.cli.target import find, folder_of
from campaign_runner.cli.watching import Shown, watching
from campaign_runner.errors import CampaignError
from campaign_runner.folder import SANDBOX
from campaign_runner.memory import Memory
from campaign_runner.order import Access, Desk, Order
from campaign_runner.plan.cost import Estimate, Rate, duration, minutes
from campaign_runner.run.control import Clock, Control
from campaign_runner.run.crew import Stop
from campaign_runner.run.parts import Limits
from campaign_runner.session import make
from campaign_runner.spec.problems import counted
from campaign_runner.spec.schema import Campaign

SANDBOX_RATE = Rate(per_minute=600, per_day=1_000_000)
SANDBOX_JOB_SECONDS = 0.4
SIGNALLED = (130, 143, 129)


@dataclass(frozen=True, slots=True)
class Flags:
    """The options of one `run`, as given."""

    is_sandbox: bool
    yes: bool
    only: tuple[str, ...]
    output: Path | None
    concurrency: int | None
    per_minute: int | None
    per_day: int | None
    max_images: int | None
    max_requests: int | None
    max_runtime: float | None
    until: float | None
    accept_drift: bool
    start_over: bool
    log_format: str
    log_file: Path | None
    quiet: bool

    def max_seconds(self) -> float | None:
        """The shorter of the two time boxes, in seconds from now."""
        return min((box for box in (self.max_runtime, self.until) if box is not None), default=None)


class Duration(click.ParamType[float]):
    """`90s`, `30m`, `2h`: seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number, unit = str(value)[:-1], str(value)[-1:]
        if unit not in "smh" or not (number.isascii() and number.isdigit()) or int(number) == 0:
            self.fail(f"'{value}' is no duration; write 90s, 30m or 2h", param, ctx)
        return float(int(number) * {"s": 1, "m": 60, "h": 3600}[unit])


class TimeOfDay(click.ParamType[float]):
    """`06:00`: the seconds until then, local time."""

    name = "HH:MM"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        now = datetime.now().astimezone()
        try:
            wanted = datetime.strptime(str(value), "%H:%M")
        except ValueError:
            self.fail(f"'{value}' is no time of day; write 06:00", param, ctx)
        until = now.replace(hour=wanted.hour, minute=wanted.minute, second=0, microsecond=0)
        return (until + timedelta(days=until <= now) - now).total_seconds()


_positive = click.IntRange(min=1)


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="FILE…")
@click.option(
    "--sandbox", "is_sandbox", is_flag=True, help="Against a sandbox in this process: no credentials, no money."
)
@click.option("--yes", is_flag=True, help="Do not ask before the first money.")
@options.only
@options.output
@click.option("--concurrency", type=_positive, help="Requests under way at once.")
@click.option("--per-minute", type=_positive, help="The account's requests a minute.")
@click.option("--per-day", type=_positive, help="The account's requests in 24 hours.")
@click.option("--max-images", type=_positive, help="Stop after buying so many.")
@click.option("--max-requests", type=_positive, help="Stop after so many requests.")
@click.option("--max-runtime", type=Duration(), help="Stop submitting after 90s, 30m, 2h.")
@click.option("--until", type=TimeOfDay(), help="Stop submitting at this time of day.")
@click.option("--accept-drift", is_flag=True, help="Go on though the custom model changed.")
@click.option("--start-over", is_flag=True, help="Buy again what was bought into another folder.")
@click.option(
    "--log-format", type=click.Choice(["text", "json"]), default="text", help="Sentences, or an event a line."
)
@click.option("--log-file", type=click.Path(path_type=Path, dir_okay=False), help="Where the log goes; else stderr.")
@click.option("--quiet", is_flag=True, help="Only the report at the end.")
def command(names: tuple[str, ...], **options: Any) -> int:
    """Make what is due and fetch what is paid for.

    At a terminal it asks before the first money. Ctrl-C stops submitting and waits for what is under
    way; running again goes on where it stopped, and nothing is bought twice.
    """
    flags = Flags(**options)
    targets = [find(name, output=flags.output, is_sandbox=flags.is_sandbox) for name in names]
    campaigns = [target.campaign() for target in targets]  # every problem of every file before anything is sent
    codes: list[int] = []
    for campaign in campaigns:
        codes.append(_run(campaign, flags))
        if codes[-1] in SIGNALLED:
            break
    return worst(codes)


def worst(codes: list[int]) -> int:
    """The exit status of several runs: signals first, then the order of the table."""
    order = (*SIGNALLED, 1, 2, 5, 6, 7, 4, 8, 9, 3, 11, 0)
    return min(codes, key=order.index)


def _run(campaign: Campaign, flags: Flags) -> int:
    """The exit status of one campaign; what is refused here does not keep the others from running."""
    try:
        return asyncio.run(run_one(campaign, flags))
    except CampaignError as error:
        console.complain(error)
        return error.exit_code


async def run_one(campaign: Campaign, flags: Flags) -> int:
    """One campaign, from its lock to its report."""
    folder = folder_of(campaign, flags.output, is_sandbox=flags.is_sandbox)
    environment = Environment.of_process()
    console.say(f"output  {folder.path}")
    rate = _rate(campaign, flags, environment)
    order = Order(
        campaign=campaign,
        folder=folder,
        rate=rate,
        limits=_limits(campaign, flags),
        only=options.selection(flags.only, campaign),
        accept_drift=flags.accept_drift,
        start_over=flags.start_over,
    )
    shown = Shown(log_format=flags.log_format, log_file=flags.log_file, quiet=flags.quiet)
    with watching(campaign.campaign, rate, shown) as watch:
        control = Control(Clock(), Stop(), watch.tell)
        desk = Desk(control, agree=_agree(flags), say=watch.say, heed=heeding_signals)
        async with _access(flags, environment) as access:
            return await make(order, access, desk)


def _rate(campaign: Campaign, flags: Flags, environment: Environment) -> Rate:
    if flags.is_sandbox:
        return Rate(flags.per_minute or SANDBOX_RATE.per_minute, flags.per_day or SANDBOX_RATE.per_day)
    account = Rate(environment.per_minute(flags.per_minute), environment.per_day(flags.per_day))
    return account.lowered(campaign.quota.per_minute, campaign.quota.per_day)


def _limits(campaign: Campaign, flags: Flags) -> Limits:
    return Limits(
        concurrency=flags.concurrency or campaign.concurrency,
        max_images=flags.max_images,
        max_requests=flags.max_requests,
        max_seconds=flags.max_seconds(),
        guards_files=not flags.is_sandbox,
    )


@asynccontextmanager
async def _access(flags: Flags, environment: Environment) -> AsyncIterator[Access]:
    """Adobe, or a sandbox that lives as long as this block and leaves nothing in the state folder."""
    if not flags.is_sandbox:
        state = environment.state_folder
        yield Access(environment.origin, environment.settings, state, Memory(state))
        return
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(_sandbox(flags))
        state = Path(stack.enter_context(TemporaryDirectory(prefix="campaign_runner-")))
        yield Access(SANDBOX, lambda: sandbox_settings(origin), state)


def _sandbox(flags: Flags) -> AbstractAsyncContextManager[str]:
    """A sandbox in this process; imported here, since a run that buys needs none of it."""
    from campaign_runner.sandbox.serve import serving
    from campaign_runner.sandbox.server import Sandbox
    from campaign_runner.sandbox.settings import Settings

    settings = Settings(
        per_minute=flags.per_minute or SANDBOX_RATE.per_minute,
        per_day=flags.per_day or SANDBOX_RATE.per_day,
        seed=secrets.randbelow(2**31),  # job ids of its own: the journal knows those of earlier sandboxes
        job_seconds=SANDBOX_JOB_SECONDS,
        job_spread=0.5,
    )
    return serving(Sandbox(settings))


def _is_terminal() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def _agree(flags: Flags) -> Callable[[Estimate], bool]:
    """Ask before the first money, where there is somebody to ask; the crontab line is consent."""

    def agree(figures: Estimate) -> bool:
        if flags.yes or flags.is_sandbox or not _is_terminal():
            return True
        what = f"{counted(figures.images_to_buy, 'image')} ({counted(figures.requests, 'request')}, "
        time = duration(minutes(figures.requests, figures.seconds_at_quota))
        return click.confirm(f"This buys {what}{time}). Buy?", default=False)

    return agree
