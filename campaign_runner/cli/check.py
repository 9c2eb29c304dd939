"""`campaign-runner check`"""

from __future__ import annotations

from pathlib import Path

import click

from campaign_runner.campaign_file.loader import load
from campaign_runner.errors import CampaignFileError
from campaign_runner.text import plural


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
def command(files: tuple[Path, ...]) -> int:
    """Show every problem of campaign files.

    Everything the service would refuse or silently ignore is a problem here, before money moves. Nothing is sent.
    """
    problems = 0
    for file in files:
        try:
            campaign = load(file)
        except CampaignFileError as error:
            problems += len(error.problems)
            click.echo(f"{error}\n")
            continue
        for warning in campaign.warnings:
            click.echo(f"{warning}\n")
        warned = f", {plural(len(campaign.warnings), 'warning')}" if campaign.warnings else ""
        click.echo(f"{file}: ok{warned}")
    if problems:
        click.echo(f"{plural(problems, 'problem')}; nothing was sent")
    return CampaignFileError.exit_code if problems else 0
