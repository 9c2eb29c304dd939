"""`campaign-runner fleet`: what many machines share is prepared and moved; its libraries are loaded for it alone."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import click

from campaign_runner.cli import options
from campaign_runner.cli.environment import MOST, Environment
from campaign_runner.cli.fleet_libraries import missing
from campaign_runner.cli.help import ending
from campaign_runner.cli.target import ON_FLEET, Target, find
from campaign_runner.errors import UsageError
from campaign_runner.output_folder.folder import Folder
from campaign_runner.quota.shared_quota import account_of
from campaign_runner.text import plural

if TYPE_CHECKING:
    from campaign_runner.fleet.setup import Allowed
    from campaign_runner.fleet.transfer import FleetEnd

number = options.WholeNumber(1, MOST)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Work from many machines on one record: prepare its database and image store, stop a campaign.

    Then `campaign-runner worker` makes what `run --on fleet` submits (with --here, that process makes it), and
    `--on fleet` goes with status, find, review, deliver, verify, resolve and cancel, too.
    """


@command.command(epilog=ending("fleet init --per-minute 4 --per-day 9000", 5, 7, 8))
@click.option("--account", metavar="NAME", help="The account whose allowance is set; usually the only one.")
@click.option("--per-minute", type=number, help="Requests a minute of the account, over all machines.")
@click.option("--per-day", type=number, help="Requests in 24 hours of the account, over all machines.")
@click.option("--after-restore", is_flag=True, help="Go on with a database that was restored, or another server.")
@options.as_json
def init(account: str | None, per_minute: int | None, per_day: int | None, after_restore: bool, as_json: bool) -> None:
    """Prepare the database and the image store, or check them.

    Makes the tables in CAMPAIGN_RUNNER_DATABASE_URL, as the role that owns them; tries whether the store in
    CAMPAIGN_RUNNER_STORE keeps what is there, and binds the two together. Can be run again at any time, and must be
    after every upgrade. What the account may send is written to the database: every machine keeps to it.
    """
    environment = Environment.of_process()
    allowed = _allowed(environment, account, per_minute, per_day)
    told = asyncio.run(_prepared(environment, allowed, after_restore=after_restore))
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    click.echo(f"database   ready (id {told['database']})")
    click.echo(f"store      ready: {told['store']}")
    if allowed is not None:
        click.echo(f"allowance  {told['per_minute']:,} requests a minute, {told['per_day']:,} in 24 hours")


@command.command(epilog=ending("fleet stop spring", 5, 8))
@click.argument("name", metavar="NAME")
def stop(name: str) -> None:
    """Buy nothing more for a campaign until its next `run`.

    The machine that works on it finishes the requests in progress and downloads what is paid for.
    """
    host = importlib.import_module(ON_FLEET).stop(name)
    click.echo(f"{name} buys nothing more until its next run" + (f"; {host} finishes what it began" if host else ""))


def _allowed(
    environment: Environment, account: str | None, per_minute: int | None, per_day: int | None
) -> Allowed | None:
    """What is to be written of an account; its credentials say which one it is. Raises UsageError, AccountRefused."""
    if account is None and per_minute is None and per_day is None:
        return None
    settings = environment.of_account(account).settings()
    return account_of(settings.firefly_url, settings.credentials.client_id), per_minute, per_day


@command.command(name="import", epilog=ending("fleet import spring", 5, 7, 8, 11))
@click.argument("name")
@click.option("--account", metavar="NAME", help="The account that buys for it; usually the only one.")
@options.output
def import_(name: str, account: str | None, output: Path | None) -> None:
    """Move a campaign of this machine into the fleet, with all that was bought for it.

    Nothing is bought and nothing is removed here: the folder stays as it is, but a run of it is refused from now on.
    After a crash the same command goes on.
    """
    target = find(name, output=output)
    folder, account = target.folder, _account_of(target, account)
    copied = asyncio.run(_moved(account, folder.path.name, lambda moves, end: moves.import_campaign(folder, end)))
    click.echo(f"moved into the fleet: {folder.path.name}, with {plural(copied, 'file')}")


def _account_of(target: Target, account: str | None) -> str | None:
    """Who buys for a campaign, as its file says: its next run would not find it elsewhere. Raises UsageError."""
    with target.folder.ledger() as ledger:
        own = None if target.is_rerun else target.recalled(ledger).campaign.account
    if account not in (None, own):
        raise UsageError(
            f"its campaign file does not say `account: {account}`, so its next run would not find it there; nothing "
            "was changed. Write that into the file and run the same command again"
        )
    return own


@command.command(epilog=ending("fleet export spring", 5, 7, 8, 11))
@click.argument("name")
@click.option("--account", metavar="NAME", help="The account that buys for it; usually the only one.")
@options.output
def export(name: str, account: str | None, output: Path | None) -> None:
    """Move a campaign of the fleet into a folder of this machine, with all that was bought for it.

    It is then a campaign as any other of this machine, and the fleet refuses to run it. Nothing is removed from the
    image store. After a crash the same command goes on.
    """
    folder = Folder((output or Path("output")).absolute() / name)
    copied = asyncio.run(_moved(account, name, lambda moves, end: moves.export_campaign(end, folder)))
    click.echo(f"moved out of the fleet: {folder.path}, with {plural(copied, 'file')}")


async def _moved(account: str | None, name: str, move: Callable[[ModuleType, FleetEnd], Awaitable[int]]) -> int:
    environment = Environment.of_process()
    settings = environment.of_account(account).settings()
    try:
        from campaign_runner.fleet import transfer
        from campaign_runner.fleet.database import Database, DatabaseSettings
        from campaign_runner.fleet.images.place import ImagePlace
        from campaign_runner.fleet.place import DEFAULT
    except ImportError as error:
        raise missing(error) from error
    digest = account_of(settings.firefly_url, settings.credentials.client_id)
    images = ImagePlace.of(environment.store_url, allows_http=environment.allows_http)
    async with Database(DatabaseSettings.of(environment.database_url().reveal())) as database:
        await images.refuse_another(database.identity.id)
        end = transfer.FleetEnd(database, images, digest, f"{account or DEFAULT}/{name}")
        return await move(transfer, end)


async def _prepared(environment: Environment, allowed: Allowed | None, *, after_restore: bool) -> dict[str, str | int]:
    try:
        from campaign_runner.fleet.database import DatabaseSettings
        from campaign_runner.fleet.images.place import ImagePlace
        from campaign_runner.fleet.setup import allow, prepare
    except ImportError as error:
        raise missing(error) from error
    database = DatabaseSettings.of(environment.database_url().reveal())
    images = ImagePlace.of(environment.store_url, allows_http=environment.allows_http)
    await images.check()
    identity = await prepare(database, after_restore=after_restore)
    await images.note(identity.id)
    told: dict[str, str | int] = {"database": identity.id, "restored": identity.restored, "store": images.url}
    return told if allowed is None else told | await allow(database, *allowed)
