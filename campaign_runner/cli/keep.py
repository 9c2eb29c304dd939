"""`campaign-runner keep`"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import click

from campaign_runner.cli import options
from campaign_runner.cli.console import agree, is_terminal
from campaign_runner.cli.help import ending
from campaign_runner.cli.memory import memory_of
from campaign_runner.cli.target import Target, find
from campaign_runner.errors import IntegrityError, UsageError
from campaign_runner.maintenance.keep import keep, stand_ins
from campaign_runner.output_folder.opened import open_for_update
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.plan.selection import Selection
from campaign_runner.reuse.candidate import Candidate
from campaign_runner.text import plural, printable


@click.command(epilog=ending("keep spring --only prompt=hero", 5, 9, 11))
@click.argument("name", metavar="NAME")
@click.option("--all", "is_all", is_flag=True, help="Keep every image that can be kept.")
@click.option("--yes", is_flag=True, help="Skip the confirmation.")
@options.link
@options.only
@options.output
@options.in_sandbox
def command(
    name: str,
    is_all: bool,
    yes: bool,
    link: bool,
    only: tuple[str, ...],
    output: Path | None,
    is_sandbox: bool,
) -> None:
    """Keep existing images after a wording change (free).

    Instead of buying an image, use the stored one of the same product, prompt, preset, market, size and seed that was
    made for the old wording. Shows the old and the new wording first. The manifest says which wording was used.
    """
    target = find(name, output=output, is_sandbox=is_sandbox)
    if is_all == bool(only):
        raise UsageError("say which images: --only AXIS=VALUE, or --all")
    chosen = options.selection(only, target.campaign())
    found = _list(target, chosen)
    if not found:
        click.echo("no stored image matches one that is due")
        return
    if not yes and is_terminal():
        which = "this existing image" if found == 1 else f"these {found:,} existing images"
        agree(f"Use {which} for the new wording?")
    else:
        click.echo(f"{plural(found, 'image')} can be used for the new wording")
        if not yes:
            click.echo("nothing was kept; --yes keeps them")
            return
    kept, missing = asyncio.run(_keep(target, chosen, links=link))
    click.echo(f"{plural(kept, 'image')} kept; nothing was bought")
    if missing:
        raise IntegrityError("\n".join(map(str, missing)))


def _list(target: Target, only: Selection) -> int:
    with target.folder.ledger() as ledger:
        status = PlanStatus(Plan(target.campaign(), ledger.custom_model), ledger.states, only)
        found = Counter(
            (each.planned.variation.cell.product, each.planned.variation.cell.prompt, each.difference)
            for each in stand_ins(ledger, status)
        )
    for (product, prompt, difference), number in found.items():
        click.echo(printable(f"{product}, {prompt}, {plural(number, 'image')}: {difference}"))
    return found.total()


async def _keep(target: Target, only: Selection, *, links: bool) -> tuple[int, list[Candidate]]:
    """How many were kept, and what could not be."""
    kept, missing = 0, list[Candidate]()
    async with open_for_update(target.folder, target.campaign(), memory_of(target.folder)) as opened:
        async for each in keep(opened, only, links=links):
            if isinstance(each, Candidate):
                missing.append(each)
            else:
                kept += 1
    return kept, missing
