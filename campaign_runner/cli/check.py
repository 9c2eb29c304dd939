"""`campaign-runner check`"""

from __future__ import annotations

from pathlib import Path

import click

from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.cli.help import ending
from campaign_runner.disk.regular_files import is_there
from campaign_runner.errors import CampaignFileError, UsageError
from campaign_runner.plan.cost import product_of_lists
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.text import plural


@click.command(epilog=ending("check campaigns/spring.yaml"))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
def command(files: tuple[Path, ...]) -> int:
    """Check campaign files and show every problem.

    Finds everything that Adobe would reject or silently ignore, before you pay for it, and says what the file makes.
    Works offline.
    """
    problems = 0
    for file in files:
        try:
            file = _meant(file)
            campaign = load(file)
        except CampaignFileError as error:
            problems += len(error.problems)
            click.echo(f"{error}\n")
            continue
        for warning in campaign.warnings:
            click.echo(f"{warning}\n")
        for note in campaign.notes:
            click.echo(note)
        warned = f", {plural(len(campaign.warnings), 'warning')}" if campaign.warnings else ""
        stopped = _before_delivery(len(campaign.undeliverable), len(campaign.warnings))
        click.echo(f"{file}: ok{warned}{stopped}")
        click.echo(f"  {_made(campaign)}")
    if problems:
        click.echo(f"{plural(problems, 'problem')}; nothing was sent")
    return CampaignFileError.exit_code if problems else 0


def _meant(named: Path) -> Path:
    """The campaign file: the one that is named, or that of the campaign that is. Raises CampaignFileError."""
    if named.suffix or is_there(named):
        return named
    from campaign_runner.cli.target import find  # the other commands' way, with all that they need

    try:
        return find(str(named)).file or named
    except UsageError:  # told as of a file that is missing, and the others are checked all the same
        return named


def _made(campaign: Campaign) -> str:
    """What the file makes, all of it; `plan` says what of that is there already."""
    status = PlanStatus(Plan(campaign))
    return f"{product_of_lists(status)}; {plural(status.requests, 'request')}"


def _before_delivery(number: int, of: int) -> str:
    """How many of the warnings stop a delivery, in words."""
    if not number:
        return ""
    which = f"{number:,} of them" if number < of else "it" if number == 1 else "them"
    return f"; fix {which} before you deliver"
