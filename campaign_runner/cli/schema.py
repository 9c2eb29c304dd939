"""`campaign-runner schema`"""

from __future__ import annotations

import click

from campaign_runner import schemas


@click.command()
@click.argument("name", type=click.Choice(["campaign", "manifest"]), default="campaign")
def command(name: schemas.Name) -> None:
    """Print the JSON Schema of the campaign file, or of the manifest.

    Editors complete and check a campaign file that begins with
    `# yaml-language-server: $schema=campaign.schema.json` and lies beside the schema; `init` puts both there.
    """
    click.echo(schemas.shipped(name), nl=False)
