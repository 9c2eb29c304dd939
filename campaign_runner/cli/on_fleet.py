"""`--on fleet`: what the environment says of the fleet, and its campaigns by name; loaded for such commands alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.cli import options
from campaign_runner.cli.chosen import Choice
from campaign_runner.cli.environment import Environment
from campaign_runner.cli.fleet_libraries import missing
from campaign_runner.cli.not_found import is_campaign_file
from campaign_runner.cli.run_options import RunFlags
from campaign_runner.cli.target import Target
from campaign_runner.errors import CampaignError, CampaignFileError, UsageError
from campaign_runner.find import search
from campaign_runner.find.search import Match, PictureIndex
from campaign_runner.firefly.client import FireflyClient
from campaign_runner.output_folder.folder import Folder
from campaign_runner.plan.cost import RateLimit
from campaign_runner.quota.shared_quota import account_of
from campaign_runner.session.last_text import recalled, waiting
from campaign_runner.session.request import ServiceAccess
from campaign_runner.session.several import held_back

try:
    from campaign_runner.fleet.database import DatabaseSettings
    from campaign_runner.fleet.images.place import ImagePlace
    from campaign_runner.fleet.lease import LEASE
    from campaign_runner.fleet.place import DEFAULT, FleetPlace, FleetSettings
    from campaign_runner.fleet.record.looks import RecordedLooks
    from campaign_runner.fleet.work.carrying import Carrier, Told, WorkerAccount
    from campaign_runner.fleet.work.driver import GIVES_UP_AFTER, Driver
    from campaign_runner.fleet.work.worker import Worker
except ImportError as error:
    raise missing(error) from error


def place(environment: Environment, *, here: bool = True) -> FleetPlace:
    """The fleet that the environment names; `here`: its runs are made by this process. Raises UsageError."""
    run_options = (*FleetPlace.options, "--here") if here else FleetPlace.options
    return FleetPlace(settings_of(environment), partial(_digest, environment), run_options=run_options)


def _digest(environment: Environment, account: str) -> str:
    """Of an account by its name. Raises UsageError, AccountRefused."""
    settings = environment.of_account(None if account == DEFAULT else account).settings()
    return account_of(settings.firefly_url, settings.credentials.client_id)


def settings_of(environment: Environment, lease: float = LEASE) -> FleetSettings:
    """What the environment says of the fleet. Raises UsageError."""
    database = DatabaseSettings.of(environment.database_url().reveal())
    images = ImagePlace.of(environment.store_url, allows_http=environment.allows_http)
    return FleetSettings(database, images, environment.state_folder, lease=lease)


def prefix_of(campaign: Campaign) -> str:
    """Of the files of a campaign in the image store: the name of the account that pays, and its own."""
    return f"{campaign.account or DEFAULT}/{campaign.campaign}"


def find(name: str) -> Target:
    """The campaign of the fleet that `name`, or the campaign file of that name, means; its record was read just now.

    Raises UsageError, CampaignFileError, and what reaching the fleet raises.
    """
    file = Path(name) if is_campaign_file(Path(name)) else None
    loaded = load(file) if file is not None else None
    folder = asyncio.run(place(Environment.of_process()).read(name if loaded is None else prefix_of(loaded)))
    if loaded is None:
        with folder.ledger() as ledger:
            loaded = recalled(folder, ledger)
    return Target(folder, file, loaded)


def locate(name: str) -> Folder:
    """The copy of a campaign's record, as it is now, with the manifest that lies beside its images."""
    called = prefix_of(load(Path(name))) if is_campaign_file(Path(name)) else name
    return asyncio.run(place(Environment.of_process()).read(called, has_manifest=True))


def every_folder() -> list[Folder]:
    """The copies of all records, as they are now."""
    return asyncio.run(place(Environment.of_process()).read_all())


def by_picture(
    path: Path, folders: Sequence[Folder], cuts: PictureIndex, learning: Callable[[int], None]
) -> list[Match]:
    """The images that a picture is or looks like, compared by the database; what was delivered here is in `cuts`."""

    async def compared() -> list[Match]:
        async with place(Environment.of_process()).opened() as database:
            return await search.by_picture(path, folders, RecordedLooks(database), learning, cuts=cuts)

    return asyncio.run(compared())


def stop(name: str) -> str | None:
    """Buy nothing more of a campaign until its next run; the host that works on it, if one does."""
    return asyncio.run(place(Environment.of_process()).stop(name))


def share_marks(folder: Folder) -> None:
    """What people decided here is in the database for all machines, and here what they did there."""
    asyncio.run(place(Environment.of_process()).share_marks(folder))


def share_deliveries(folder: Folder) -> None:
    """What was delivered from here is in the database for all machines."""
    asyncio.run(place(Environment.of_process()).share_deliveries(folder))


def release(name: str) -> None:
    """A campaign that was held after a restore may buy again."""
    asyncio.run(place(Environment.of_process()).release(name))


def chosen(names: Sequence[str], flags: RunFlags) -> tuple[FleetPlace, list[Choice], list[CampaignError]]:
    """The fleet, the campaigns of a `run`, each once, and what is wrong with its files: then all of them only fetch.

    Raises the first of that, CampaignFileError or UsageError, where nothing that is paid for waits.
    """
    fleet = place(Environment.of_process(), here=flags.here)
    asyncio.run(fleet.reach())
    choices: dict[Path, Choice] = {}
    wrong: list[CampaignError] = []
    for file in map(Path, names):
        try:
            campaign = load(file)
            folder = fleet.folder(prefix_of(campaign))
            choices[file.resolve()] = Choice(campaign, folder, options.selection(flags.only, campaign))
        except (CampaignFileError, UsageError) as error:
            wrong.append(error)
            if (left := _waiting(fleet, file, error)) is not None:
                choices[file.resolve()] = left
    if wrong:
        held = held_back([file for file in names if Path(file).resolve() not in choices] or list(names))
        each_held = (each if each.forbidden else replace(each, forbidden=held) for each in choices.values())
        choices = {each.folder.path: each for each in each_held if waiting(each.folder)}
    if wrong and not choices:
        raise wrong[0]
    return fleet, list(choices.values()), wrong


def _waiting(fleet: FleetPlace, file: Path, wrong: CampaignError) -> Choice | None:
    """The campaign of the file's name as it was in its last run, where paid images wait; it only fetches."""
    try:
        folder = asyncio.run(fleet.read(file.stem))
    except UsageError:
        return None
    if not waiting(folder):
        return None
    with folder.ledger() as ledger:
        return Choice(recalled(folder, ledger, file), folder, forbidden=wrong)


def driver(fleet: FleetPlace, flags: RunFlags, gives_up_after: float = GIVES_UP_AFTER) -> Driver:
    """What has campaigns made by the fleet's workers."""
    return Driver(fleet, is_detached=flags.detach, gives_up_after=gives_up_after)


@asynccontextmanager
async def working(environment: Environment, told: Told, bug: Callable[[BaseException], str]) -> AsyncIterator[Worker]:
    """A worker for every account of the environment, once database, store and each sign-in were tried.

    Raises UsageError, AccountRefused, StoreError, IntegrityError, DatabaseGone, ProviderError.
    """
    settings = settings_of(environment)
    names = environment.account_names() or [None]
    fleet = FleetPlace(settings, partial(_digest, environment), run_options=FleetPlace.options, goes_on=True)
    async with fleet.opened() as database:
        await fleet.settle_in()
        accounts = {name or DEFAULT: await _account(fleet, environment.of_account(name)) for name in names}
        yield Worker(settings.database, Carrier(database, fleet, accounts, told, bug), lease=settings.lease)


async def _account(fleet: FleetPlace, environment: Environment) -> WorkerAccount:
    """One whose sign-in works."""
    async with FireflyClient(environment.settings()) as client:
        await client.sign_in()
    async with accessed(fleet, environment) as access:
        return WorkerAccount(access.account(), access, environment.rate())


@asynccontextmanager
async def accessed(
    fleet: FleetPlace, environment: Environment, rate: RateLimit | None = None, **_: object
) -> AsyncIterator[ServiceAccess]:
    """The service, with the allowance and the record of the fleet, which is connected while the block runs."""
    async with fleet.opened():
        quota = partial(fleet.quota, environment.account or DEFAULT)
        yield ServiceAccess(environment.origin, environment.settings, environment.state_folder, quota=quota)
