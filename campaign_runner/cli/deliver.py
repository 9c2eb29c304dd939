"""`campaign-runner deliver`"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import click
from tqdm import tqdm

from campaign_runner.cli import console, options
from campaign_runner.cli.help import ending
from campaign_runner.cli.target import Target, find
from campaign_runner.deliver.choice import every_stored, rows_of, scope_of
from campaign_runner.deliver.delivery import deliver
from campaign_runner.deliver.report import lines
from campaign_runner.deliver.request import DeliveryRequest, DeliveryResult
from campaign_runner.errors import UsageError
from campaign_runner.plan.plan import Plan


@click.command(epilog=ending("deliver spring --all --zip", 3, 5, 11))
@click.argument("name", metavar="NAME")
@click.option("--all", "is_all", is_flag=True, help="Deliver every stored image, picked or not.")
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), help="Deliver into this folder.")
@click.option("--zip", "has_zips", is_flag=True, help="Also make zip files, one per value of the first of `folders`.")
@click.option("--dry-run", "is_dry", is_flag=True, help="List what would be made; write nothing.")
@click.option("--any-size", is_flag=True, help="Where no image of the best size is chosen, cut from the next best.")
@click.option("--include-left", "has_left", is_flag=True, help="Also images that are no longer in the campaign.")
@options.only
@options.output
@options.in_sandbox
def command(name: str, output: Path | None, is_sandbox: bool, only: tuple[str, ...], **wanted: object) -> int:
    """Cut the chosen images to every channel, named and labelled.

    The files go to `deliver/` in the campaign's output folder, with upload.csv, which lists them. The originals are
    never touched. What is the same as before is not made again; files whose image is no longer chosen move to
    `deliver-old/`.
    """
    target = find(name, output=output, is_sandbox=is_sandbox)
    to = Path(str(wanted["to"])).resolve() if wanted["to"] else None
    result = asyncio.run(_deliver(target, only, to, wanted))
    for line in lines(target.campaign().campaign, result, is_dry=bool(wanted["is_dry"])):
        click.echo(line)
    return result.exit_code


async def _deliver(target: Target, only: tuple[str, ...], to: Path | None, wanted: dict[str, object]) -> DeliveryResult:
    campaign, folder = target.campaign(), target.folder
    meant = options.recorded(only, campaign)
    if not wanted["is_all"]:
        raise UsageError("no image is picked: picks come with the review page; deliver --all takes every stored image")
    with folder.ledger() as ledger, folder.locked(), tqdm(unit=" files", disable=not console.is_terminal()) as bar:
        plan = Plan(campaign, ledger.custom_model)

        def progress(made: int, of: int) -> None:
            bar.total = of
            bar.update(made - bar.n)

        request = DeliveryRequest(
            campaign=campaign,
            folder=folder,
            chosen=list(every_stored(plan, ledger, meant, has_left=bool(wanted["has_left"]))),
            rows=rows_of(plan, meant),
            scope=scope_of(meant),
            now=datetime.now(UTC),
            target=to,
            any_size=bool(wanted["any_size"]),
            is_dry=bool(wanted["is_dry"]),
            has_zips=bool(wanted["has_zips"]),
            progress=progress,
        )
        return await deliver(request)
