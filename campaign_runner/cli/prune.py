"""`campaign-runner prune`"""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from campaign_runner.cli import options
from campaign_runner.cli.help import ending
from campaign_runner.cli.memory import memory_of
from campaign_runner.cli.target import Target, find
from campaign_runner.disk.image_names import REMOVED
from campaign_runner.errors import IntegrityError
from campaign_runner.journal.ledger import Entry
from campaign_runner.maintenance.prune import departed, is_aside, prune
from campaign_runner.output_folder.opened import open_for_update
from campaign_runner.plan.plan import Plan
from campaign_runner.plan.selection import Selection
from campaign_runner.text import first_few, joined, plural


@click.command(epilog=ending("prune spring --yes", 5, 11))
@click.argument("name", metavar="NAME")
@click.option("--yes", is_flag=True, help="Move the images; without this they are only listed.")
@options.only
@options.output
@options.in_sandbox
def command(name: str, yes: bool, only: tuple[str, ...], output: Path | None, is_sandbox: bool) -> None:
    """Move images the campaign no longer uses to `removed/`.

    That folder is in the campaign's output folder. Nothing is deleted, and the record keeps every image.
    """
    target = find(name, output=output, is_sandbox=is_sandbox)
    chosen = options.recorded(only, target.campaign())
    if yes:
        moved, stay = asyncio.run(_move(target, chosen))
        click.echo(f"{plural(moved, 'image')} moved to {target.folder.store.where(REMOVED)}")
        if stay:
            raise IntegrityError(f"{joined(stay)}: missing or changed; left alone")
        return
    _list(target, chosen)


async def _move(target: Target, only: Selection) -> tuple[int, list[str]]:
    """How many were moved, and the files that could not be."""
    async with open_for_update(target.folder, target.campaign(), memory_of(target.folder)) as opened:
        told = [each async for each in prune(opened, only)]
    stay = [str(each.file) for each in told if isinstance(each, Entry)]
    return len(told) - len(stay), stay


def _list(target: Target, only: Selection) -> None:
    with target.folder.ledger() as ledger:
        found = departed(target.folder, ledger, Plan(target.campaign(), ledger.custom_model), only)
    movable = [entry for entry in found.movable if not is_aside(entry)]
    for line in first_few([str(entry.file) for entry in movable], f'"in_campaign": false in {target.folder.manifest}'):
        click.echo(line)
    if found.chosen:
        click.echo(f"{plural(len(found.chosen), 'image')} no longer in the campaign, but picked or delivered: left")
    if movable:
        told = f"{plural(len(movable), 'image')} no longer in the campaign"
        click.echo(f"{told}; --yes moves them to {target.folder.store.where(REMOVED)}")
    elif not found.chosen:
        click.echo("nothing to move: the campaign uses every stored image")
