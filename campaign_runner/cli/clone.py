"""`campaign-runner clone`"""

from __future__ import annotations

from pathlib import Path

import click

from campaign_runner.authoring.clone import clone
from campaign_runner.cli import options
from campaign_runner.cli.help import ending
from campaign_runner.cli.plan import show
from campaign_runner.cli.target import find
from campaign_runner.report import next_commands
from campaign_runner.text import printable


@click.command(epilog=ending("clone spring summer --set season=summer", 5))
@click.argument("name", metavar="NAME")
@click.argument("new", metavar="NEW")
@click.option("--set", "settings", multiple=True, metavar="VAR=TEXT", help="Change one of its vars. Repeatable.")
@options.output
@options.in_sandbox
def command(name: str, new: str, settings: tuple[str, ...], output: Path | None, is_sandbox: bool) -> None:
    """Copy a campaign to a new name.

    NEW is the new name (the file goes next to the old one) or a path. Comments and order stay the same. Shows what
    differs and what the new campaign would cost; images that both campaigns share are not bought again.
    """
    campaign = find(name, output=output, is_sandbox=is_sandbox).campaign()
    path = Path(new) if Path(new).suffix in (".yaml", ".yml") else campaign.path.with_name(f"{new}.yaml")
    _, difference = clone(campaign, path, settings)
    for line in difference:
        click.echo(printable(line))
    click.echo()
    target = find(str(path), output=output, is_sandbox=is_sandbox)
    show(target, is_sandbox=is_sandbox)
    click.echo(f"written; next: {next_commands.run(path, target.folder)}")
