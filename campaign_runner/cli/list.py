"""`campaign-runner list`"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from campaign_runner.cli import console, options
from campaign_runner.cli.environment import Environment
from campaign_runner.cli.help import ending
from campaign_runner.cli.target import every_folder, files_here
from campaign_runner.find.campaigns import campaigns, lines
from campaign_runner.output_folder.registry import RunRegistry


@click.command(epilog=ending("list"))
@options.output
@options.as_json
def command(output: Path | None, as_json: bool) -> None:
    """List the campaigns of this machine: how each stands, and when it last ran.

    Shows what is in the current folder and every campaign that ever ran here, wherever it is. Other commands take these
    names in any folder. Works offline.
    """
    known = campaigns(every_folder(output), files_here(output), RunRegistry(Environment.of_process().state_folder))
    if as_json:
        click.echo(json.dumps([each.as_json() for each in known], ensure_ascii=False))
        return
    if not known:
        click.echo("no campaign here, and none ever ran on this machine; a first one: campaign-runner init")
        return
    for line in lines(known, datetime.now(UTC)):
        console.say(line)
