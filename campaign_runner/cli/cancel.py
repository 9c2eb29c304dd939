"""`campaign-runner cancel`"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Sequence
from pathlib import Path

import click

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.cli import console, options
from campaign_runner.cli.environment import Environment
from campaign_runner.cli.help import TwoPages, ending
from campaign_runner.cli.memory import memory_of
from campaign_runner.cli.target import ON_FLEET, find
from campaign_runner.errors import UsageError
from campaign_runner.firefly.client import FireflyClient
from campaign_runner.maintenance.cancel import Cancelled, cancel_accepted
from campaign_runner.model import State
from campaign_runner.output_folder.folder import SANDBOX, Folder
from campaign_runner.output_folder.opened import open_for_update
from campaign_runner.plan.selection import Selection
from campaign_runner.report import next_commands
from campaign_runner.text import first_few, plural, printable


@click.command(cls=TwoPages, epilog=ending("cancel spring", 5, 7, 8, 9, 11))
@click.argument("name", metavar="NAME")
@options.only
@options.output
@options.on
@click.option("--yes", is_flag=True, help="Skip the confirmation.")
def command(name: str, only: tuple[str, ...], output: Path | None, on: str | None, yes: bool) -> None:
    """Cancel requests that Adobe is still working on.

    Adobe does not say whether it charges for a cancelled request, so the budget counts it. Images that are already
    finished are downloaded by the next run.
    """
    target = find(name, output=output, on=on)
    with target.folder.ledger() as ledger:
        waiting, origin = ledger.counts()[State.ACCEPTED], ledger.origin
        if origin == SANDBOX:
            raise UsageError("the sandbox of an earlier run ended with its process: there is nothing to cancel")
        if not waiting:
            click.echo("no request is in progress")
            return
        known = target.recalled(ledger)
    if known.note is not None:
        click.echo(printable(known.note), err=True)
    chosen = options.recorded(only, known.campaign)
    if not yes and console.is_terminal():
        console.agree(f"{plural(waiting, 'image')} may be paid for already. Cancel?")
    if on is not None:
        importlib.import_module(ON_FLEET).stop(next_commands.called(target.folder, None))
    asyncio.run(_cancel(target.folder, known.campaign, chosen, origin))


async def _cancel(folder: Folder, campaign: Campaign, only: Selection, origin: str | None) -> None:
    settings = Environment.of_process().of_account(campaign.account).settings()
    if settings.firefly_url != origin:
        raise UsageError(f"{folder.path} has requests at {origin}, but the settings use {settings.firefly_url}")
    asked: list[Cancelled] = []
    try:
        async with (
            open_for_update(folder, campaign, memory_of(folder)) as opened,
            FireflyClient(settings, jobs=opened.journal) as firefly,
        ):
            async for job in cancel_accepted(firefly, opened.journal, only):
                asked.append(job)
    finally:  # what was confirmed before an error is said, too
        _report(asked, next_commands.status(next_commands.called(folder, memory_of(folder)), "--all"))
    click.echo(f"{plural(sum(each.images for each in asked), 'image')} cancelled")


def _report(asked: Sequence[Cancelled], whole: str) -> None:
    """What happened to the requests, by cause."""
    causes: dict[str, list[str]] = {}
    for each in asked:
        cell, seeds = each.attempt.job.variations[0].cell, " ".join(map(str, each.attempt.job.seeds))
        causes.setdefault(each.words, []).append(f"{cell}, seed{'s' if ' ' in seeds else ''} {seeds}")
    for words, requests in causes.items():
        click.echo(printable(f"{plural(len(requests), 'request')}: {words}"))
        for line in first_few(requests, whole):
            click.echo(printable(f"  {line}"))
