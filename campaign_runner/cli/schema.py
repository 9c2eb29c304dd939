"""`campaign-runner schema`"""

from __future__ import annotations

from typing import get_args

import click

from campaign_runner import schemas
from campaign_runner.cli.help import ending


@click.command(epilog=ending("schema manifest"))
@click.argument("name", type=click.Choice(get_args(schemas.Name)), default="campaign")
def command(name: schemas.Name) -> None:
    """Print the JSON Schema of campaign files and of what is recorded.

    A decisions file is JSON lines: its schema is that of one line.

    Your editor completes and checks a campaign file whose first line is
    `# yaml-language-server: $schema=campaign.schema.json` and that is next to the schema; `init` writes both.
    """
    click.echo(schemas.shipped(name), nl=False)
