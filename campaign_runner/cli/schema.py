"""`campaign-runner schema`"""

from __future__ import annotations

import click

from campaign_runner import schemas
from campaign_runner.cli.help import ending


@click.command(epilog=ending("schema manifest"))
@click.argument("name", type=click.Choice(["campaign", "manifest"]), default="campaign")
def command(name: schemas.Name) -> None:
    """Print the JSON Schema of the campaign file or the manifest.

    Your editor completes and checks a campaign file whose first line is
    `# yaml-language-server: $schema=campaign.schema.json` and that is next to the schema; `init` writes both.
    """
    click.echo(schemas.shipped(name), nl=False)
