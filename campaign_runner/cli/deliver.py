"""`campaign-runner deliver`"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NoReturn

import click
from tqdm import tqdm

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.cli import console, options
from campaign_runner.cli.decided import is_meant, parted
from campaign_runner.cli.help import TwoPages, ending
from campaign_runner.cli.memory import memory_of
from campaign_runner.cli.refused import with_last_line
from campaign_runner.cli.target import delivering, find
from campaign_runner.deliver.arrangement import ChosenImage
from campaign_runner.deliver.choice import chosen_images, is_picked, left_images, rows_of, scope_of
from campaign_runner.deliver.delivery import deliver
from campaign_runner.deliver.late_marks import late_marks
from campaign_runner.deliver.report import lines
from campaign_runner.deliver.request import DeliveryRequest, DeliveryResult
from campaign_runner.errors import UsageError
from campaign_runner.journal.ledger import Ledger
from campaign_runner.output_folder.delivery_record import beside, read_record
from campaign_runner.output_folder.folder import Folder
from campaign_runner.plan.plan import Plan
from campaign_runner.plan.selection import Selection
from campaign_runner.report import next_commands
from campaign_runner.review.decisions import Decisions, decisions_of
from campaign_runner.review.rules import DecidedImage


@click.command(cls=TwoPages, epilog=ending("deliver spring --all --zip", 3, 5, 11))
@click.argument("name", metavar="NAME")
@click.option("--all", "is_all", is_flag=True, help="Deliver every stored image, picked or not.")
@click.option("--to", type=options.FolderPath(), help="Deliver into this folder.")
@click.option("--zip", "has_zips", is_flag=True, help="Also make zip files, one per value of the first of `folders`.")
@click.option("--dry-run", "is_dry", is_flag=True, help="List what would be made; write nothing.")
@click.option("--any-size", is_flag=True, help="Where no image of the best size is chosen, cut from the next best.")
@click.option("--include-left", "has_left", is_flag=True, help="Also images that are no longer in the campaign.")
@options.only
@options.output
@options.on
@options.in_sandbox
@with_last_line
def command(
    name: str,
    output: Path | None,
    on: str | None,
    is_sandbox: bool,
    only: tuple[str, ...],
    to: Path | None,
    **wanted: bool,
) -> int:
    """Cut the chosen images to every channel, named and labelled.

    The files go to `deliver/` in the campaign's output folder, with upload.csv, which lists them. The originals are
    never touched. What is the same as before is not made again; files whose image is no longer chosen move to
    `deliver-old/`.
    """
    if on is not None and to is None:
        raise UsageError(f"--on {on} needs --to DIR: a campaign of the fleet has no folder of its own for deliveries")
    target = find(name, output=output, is_sandbox=is_sandbox, on=on)
    campaign = target.campaign()
    rest, decisions = parted(only)
    flags = DeliverFlags(to=to.resolve() if to is not None else None, decisions=decisions, **wanted)
    with delivering(target, on):
        result = asyncio.run(_deliver(campaign, target.folder, options.recorded(rest, campaign), flags))
    if only and not (result.made or result.planned or result.unchanged or result.gone or result.waiting):
        click.echo("--only selects nothing that is delivered or waits: check the names", err=True)
    called = next_commands.called(target.folder, memory_of(target.folder))
    for line in lines(campaign.campaign, result, called=called, is_dry=flags.is_dry):
        console.say(line)
    return result.exit_code


@dataclass(frozen=True, slots=True)
class DeliverFlags:
    """What a command line says of a delivery; `decisions` are the values of `--only decision=`."""

    is_all: bool
    to: Path | None
    has_zips: bool
    is_dry: bool
    any_size: bool
    has_left: bool
    decisions: frozenset[str] = frozenset()

    def wants(self, image: DecidedImage) -> bool:
        """Whether an image is to be delivered, by what was decided about it."""
        if self.decisions:
            return is_meant(image, self.decisions)
        return self.is_all or is_picked(image)


async def _deliver(campaign: Campaign, folder: Folder, meant: Selection, flags: DeliverFlags) -> DeliveryResult:
    with folder.ledger() as ledger, folder.locked(), tqdm(unit=" files", disable=not console.is_terminal()) as bar:
        plan = Plan(campaign, ledger.custom_model)
        return await deliver(_request(plan, folder, ledger, meant, flags), partial(_advance, bar))


def _request(plan: Plan, folder: Folder, ledger: Ledger, meant: Selection, flags: DeliverFlags) -> DeliveryRequest:
    """What is to be delivered, by what people decided and what was delivered before."""
    decisions = decisions_of(folder, plan, ledger)
    decisions.refuse_unreadable()
    record = read_record(folder.path)
    return DeliveryRequest(
        campaign=plan.campaign,
        folder=folder,
        chosen=list(_chosen(decisions, plan, ledger, meant, flags)),
        rows=rows_of(plan, meant),
        scope=scope_of(meant),
        now=datetime.now(UTC),
        record=record,
        late=list(late_marks(decisions, record.files if record else ())),
        target=flags.to,
        old=beside(flags.to) if flags.to is not None and folder.keeping.options else None,
        any_size=flags.any_size,
        is_dry=flags.is_dry,
        has_zips=flags.has_zips,
    )


def _chosen(
    decisions: Decisions, plan: Plan, ledger: Ledger, meant: Selection, flags: DeliverFlags
) -> Iterator[ChosenImage]:
    yield from chosen_images(decisions, ledger, meant, flags.wants)
    if flags.has_left:
        yield from left_images(decisions, plan, ledger, meant, flags.wants)


def _advance(bar: tqdm[NoReturn], made: int, of: int) -> None:
    """Show how many files are made, of how many."""
    bar.total = of
    bar.update(made - bar.n)
