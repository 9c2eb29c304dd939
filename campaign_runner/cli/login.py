"""`campaign-runner login`"""

from __future__ import annotations

import asyncio

import click

from campaign_runner.cli import console, login_file
from campaign_runner.cli.environment import Environment
from campaign_runner.cli.help import ending
from campaign_runner.cli.models import newest_first
from campaign_runner.errors import UsageError
from campaign_runner.firefly.credentials import Credentials, Secret
from campaign_runner.text import plural


@click.command(epilog=ending("login", 7, 8))
def command() -> None:
    """Keep your Adobe credentials on this machine.

    Asks for the client id and the client secret of your project in the Adobe Developer Console, tries them (free), and
    keeps them in a file that only you can read. Credentials in the environment come first.
    """
    environment = Environment.of_process()
    if not console.is_terminal():
        raise UsageError(
            "login asks at a terminal; unattended, set CUSTOM_MODELS_CLIENT_ID and CUSTOM_MODELS_CLIENT_SECRET_FILE"
        )
    path = environment.login_file
    if not path.is_absolute():
        raise UsageError(
            "there is no home folder to keep them in; set CUSTOM_MODELS_CLIENT_ID and …_SECRET_FILE instead"
        )
    click.echo("From the Adobe Developer Console: your project, OAuth Server-to-Server credential.")
    client_id = click.prompt("Client id").strip()
    secret = Secret(click.prompt("Client secret (not shown)", hide_input=True).strip())
    settings = environment.settings(Credentials(client_id, secret, scope=environment.scope))
    models = asyncio.run(newest_first(settings))
    login_file.keep(path, client_id, secret)
    click.echo(f"Adobe accepts them; kept in {path}, which only you can read")
    if environment.names_credentials:
        click.echo("the environment names credentials, too: those are used as long as CUSTOM_MODELS_… is set")
    click.echo(f"{plural(len(models), 'custom model')} shared with them")
    click.echo("next: campaign-runner init")
