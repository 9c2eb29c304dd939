"""`campaign-runner rerun`"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from campaign_runner.cli import console, options, run_options
from campaign_runner.cli.access import accessed
from campaign_runner.cli.environment import Environment
from campaign_runner.cli.help import TwoPages, ending, rarely
from campaign_runner.cli.observers import RunLog, watching
from campaign_runner.cli.played import of_images
from campaign_runner.cli.prompts import confirmed
from campaign_runner.cli.run_options import Making
from campaign_runner.cli.signals import heeding_signals
from campaign_runner.cli.target import locate
from campaign_runner.errors import UsageError
from campaign_runner.events import Ended
from campaign_runner.maintenance.resolve import Decision
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.manifest_reader import read_manifest
from campaign_runner.plan.cost import Estimate
from campaign_runner.report.next_commands import display_path, typed
from campaign_runner.report.standing import Standing
from campaign_runner.rerun.choice import choose, usual_place
from campaign_runner.rerun.request import RerunRequest
from campaign_runner.rerun.rerun import make_again
from campaign_runner.run.control import Clock, Control
from campaign_runner.run.stop import Stop
from campaign_runner.session.request import UserInterface
from campaign_runner.uptime import uptime


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunFlags(Making):
    """The options of one `rerun`, as given."""

    into: Path | None
    references: Path | None
    restore: bool
    accept_drift: bool
    resubmit: bool
    retry_failed: bool
    concurrency: int

    @property
    def decisions(self) -> tuple[Decision, ...]:
        asked = ((Decision.RESUBMIT, self.resubmit), (Decision.RETRY, self.retry_failed))
        return tuple(decision for decision, is_set in asked if is_set)


@click.command(cls=TwoPages, epilog=ending("rerun spring", 3, 4, 5, 7, 8, 9, 11, 129, 143))
@click.argument("name", metavar="NAME|MANIFEST")
@run_options.consent
@options.only
@click.option("--into", type=options.FolderPath(), help="Folder for the new images (default: NAME.rerun).")
@click.option(
    "--references",
    type=options.FolderPath(exists=True),
    help="Folder with reference images.",
)
@click.option("--restore", is_flag=True, help="Generate only damaged or missing images and put them back.")
@run_options.accept(drift="the first images or the custom model differ")
@click.option("--resubmit", is_flag=True, help="Request images again that an earlier rerun left in doubt.")
@click.option("--retry-failed", is_flag=True, help="Request images again that failed in an earlier rerun.")
@rarely("--concurrency", type=run_options.positive, default=16, show_default=True, help="Requests in progress at once.")
@run_options.bounds
@run_options.log
@run_options.ends_with_a_line
def command(name: str, log: RunLog, **options: Any) -> int:
    """Generate the images of a manifest again and compare them.

    You pay for them a second time; they go into their own folder. One request is sent first: if its images, or the
    custom model, differ from the recorded ones, it stops there. Run it again to continue where it stopped.
    """
    flags = RerunFlags(**run_options.accepted(options))
    return asyncio.run(_rerun(_manifest(name, is_sandbox=flags.is_sandbox), flags, log))


def _manifest(name: str, *, is_sandbox: bool) -> Path:
    """The manifest that is meant; where a campaign was only rehearsed, that of its rehearsal is rehearsed again.

    Raises UsageError where nothing answers to the name, and for a campaign file, which is not a manifest.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        run = typed("run", str(path.absolute()))
        raise UsageError(
            f"{path} is a campaign: `{run}` makes what is missing of it and buys nothing twice. "
            "rerun takes the manifest of images that exist and buys them once more, to compare them: "
            "campaign-runner rerun NAME"
        )
    if path.is_file() or path.suffix == ".json":
        return path
    try:
        manifest = locate(name).manifest
    except UsageError:
        if not is_sandbox:
            raise
        return locate(name, is_sandbox=True).manifest
    if not is_sandbox or manifest.exists():
        return manifest
    rehearsed = locate(name, is_sandbox=True).manifest
    return rehearsed if rehearsed.exists() else manifest


async def _rerun(path: Path, flags: RerunFlags, log: RunLog) -> int:
    read = read_manifest(path)
    environment = Environment.of_process()
    order = RerunRequest(
        read,
        choose(read, flags.only),
        Folder((flags.into or usual_place(path, is_sandbox=flags.is_sandbox)).resolve()),
        flags.account(environment),
        flags.limits(flags.concurrency),
        references=flags.references,
        accept_drift=flags.accept_drift,
        only=flags.only,
        restore=flags.restore,
        decisions=flags.decisions,
    )
    console.say(f"output  {order.into.path}")
    return await _made(order, environment, flags, log)


async def _made(order: RerunRequest, environment: Environment, flags: RerunFlags, log: RunLog) -> int:
    """From its lock to its report, which comes once the bar is closed."""
    name = order.read.head.campaign
    lines: list[str] = []
    standings: list[Standing] = []
    models = of_images(order.chosen.images) if flags.is_sandbox else []
    access = accessed(environment, order.rate, is_sandbox=flags.is_sandbox, models=models)
    try:
        async with watching({name: order.rate}, flags, log, flags.bounds) as watch, access as service:
            control = Control(Clock(uptime=uptime), Stop(), lambda event: watch.tell(name, event))
            with heeding_signals(control):
                ui = UserInterface(control, _agree(order, flags), lines.append, ended=standings.append)
                code = await make_again(order, service, ui)
    finally:
        for line in lines:
            console.say(line)
    for standing in standings:
        log.end(Ended(code, lines[-1], bought=standing.bought, night=standing.night))
    return code


def _agree(order: RerunRequest, flags: RerunFlags) -> Callable[[Estimate], bool]:
    """Say what it costs; ask where there is someone to ask: the crontab line is consent."""

    def agree(figures: Estimate) -> bool:
        console.say(
            f"again   {figures.purchase} of {display_path(order.read.path)}, with the recorded requests and seeds"
        )
        if flags.yes or flags.is_sandbox or not console.is_terminal():
            return True
        return confirmed(f"This buys {figures.purchase} a second time. Buy?", default=False)

    return agree
