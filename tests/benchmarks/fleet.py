"""What a fleet costs: a job more than on one machine, and how many intents a second its database takes.

`python -m tests.benchmarks.fleet ADDRESS JOBS` is the client: a run as `--on fleet --here` makes it, with the database
that CAMPAIGN_RUNNER_DATABASE_URL names, whose images are in a folder.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from campaign_runner.events import Attempt
from campaign_runner.fleet.database import Database, DatabaseSettings
from campaign_runner.fleet.images.place import ImagePlace
from campaign_runner.fleet.lease import campaign_of
from campaign_runner.fleet.place import DEFAULT, FleetPlace, FleetSettings
from campaign_runner.fleet.record.journal import FleetJournal
from campaign_runner.fleet.setup import allow, prepare
from campaign_runner.model import Cell, Job, Recipe, Size, Variation
from campaign_runner.run import fetcher
from campaign_runner.run.control import Clock, Control
from campaign_runner.run.limits import Limits
from campaign_runner.run.stop import Stop
from campaign_runner.sandbox.server import Sandbox
from campaign_runner.sandbox.settings import Settings
from campaign_runner.session.request import RunRequest, ServiceAccess, UserInterface
from campaign_runner.session.session import run_campaign
from tests.benchmarks import clients, jobs
from tests.benchmarks.fast_server import fast_server
from tests.benchmarks.processes import spent
from tests.benchmarks.rows import Rounds, Row
from tests.fleet import postgres
from tests.fleet.opened_journal import taken
from tests.night import Night

ACCOUNT = "benchmark"
_URL = "CAMPAIGN_RUNNER_DATABASE_URL"
STORED, INTENTS, AT_ONCE = 100_000, 1_000, 8


def fleet(rounds: int) -> Iterator[Row]:
    """Processor time of a job beyond that of one machine, and intents a second beside many stored keys."""
    with postgres.running() as server:
        yield _jobs(rounds, server)
        yield _intents(rounds, server)


def _jobs(rounds: int, server: postgres.PostgresServer) -> Row:
    taken = Rounds(rounds)
    with fast_server(jobs.SMALL) as address:
        for _ in taken:
            alone = jobs.client("ours-kept", address, jobs.JOBS)["cpu"]
            settings = server.settings(name := server.new_database())
            asyncio.run(prepare(settings))
            arguments = ["-W", "ignore", "-m", "tests.benchmarks.fleet", address, str(jobs.JOBS)]
            run = spent(arguments, variables={_URL: server.url(name)})
            taken.note("more", (json.loads(run.output)["cpu"] - alone) / jobs.JOBS * 1000)
            taken.note("alone", alone / jobs.JOBS * 1000)
    note = f"one machine: {median(taken.taken['alone']):.2f} ms a job"
    return Row("fleet", "a job on the fleet, ms of the client's processor time more", taken.taken["more"], 2, note=note)


def _intents(rounds: int, server: postgres.PostgresServer) -> Row:
    """The whole way: a copy on this machine, the call, the lock of the account, the look at all keys, the commit."""
    settings = server.settings(name := server.new_database())
    asyncio.run(prepare(settings))
    asyncio.run(allow(settings, ACCOUNT, 999_999, 999_999))
    server.execute(name, _MANY)
    found = Rounds(rounds)
    for number in found:
        with TemporaryDirectory(prefix="benchmark-") as home:
            found.note("speed", asyncio.run(_intend(settings, f"campaign-{number}", Path(home))))
    what = f"intents a second beside {STORED:,} stored keys, {AT_ONCE} at once"
    return Row("fleet", what, found.taken["speed"], 200, "≥")


_MANY = f"""
SET search_path = campaign_runner;
SELECT campaign('{ACCOUNT}', 'default/before');
INSERT INTO attempts (campaign, id, epoch, images, outcome)
SELECT 1, 'attempt-' || i, 1, 1, 'accepted' FROM generate_series(1, {STORED}) AS i;
INSERT INTO variations (campaign, key, account, attempt, state)
SELECT 1, encode(sha256(i::text::bytea), 'hex'), '{ACCOUNT}', 'attempt-' || i, 'stored'
FROM generate_series(1, {STORED}) AS i;
ANALYZE;
"""


async def _intend(settings: DatabaseSettings, name: str, home: Path) -> float:
    """Intents a second of one worker, each of one image that no one has."""
    async with Database(settings) as database:
        campaign = await campaign_of(database, ACCOUNT, f"default/{name}")
        epoch = await taken(database, campaign)
        async with FleetJournal(database, campaign, epoch=epoch, folder=home, home=home / "home") as journal:
            numbers = iter(range(INTENTS))
            journal.sharing(set())

            async def work() -> None:
                for number in numbers:
                    variation = Variation(sha256(f"{name} {number}".encode()).hexdigest(), 1, _CELL, "a mug")
                    attempt = Attempt(f"{name}-{number}", Job(Recipe(f"recipe {name} {number}"), (variation,)))
                    assert await journal.intend([attempt])

            began = time.perf_counter()
            await asyncio.gather(*(work() for _ in range(AT_ONCE)))
            return INTENTS / (time.perf_counter() - began)


_CELL = Cell("mug", "hero", "plain", None, Size(1024, 1024))


async def on_fleet(address: str, jobs: int, _: int, home: Path) -> None:
    """As `ours-kept` of the clients, on a fleet."""
    fetcher.examine = clients.header_alone  # type: ignore[attr-defined]
    settings, images = DatabaseSettings.of(os.environ[_URL]), ImagePlace.of(str(home / "images"))
    await allow(settings, ACCOUNT, 999_999, 999_999)
    async with Database(settings) as database:
        await images.note(database.identity.id)
    night = Night(home, Sandbox(Settings()), asyncio.get_running_loop().time, origin=address)
    place = FleetPlace(FleetSettings(settings, images, home / "state"), lambda _: ACCOUNT)
    async with place.opened():
        access = ServiceAccess(address, night.settings, home / "state", quota=partial(place.quota, DEFAULT))
        campaign, limits = night.campaign(requests=jobs, seeds=1), Limits(concurrency=clients.AT_ONCE)
        order = RunRequest(campaign, place.folder("default/night"), clients.EVERYTHING, limits, sheets=False)
        report: list[str] = []
        ui = UserInterface(Control(Clock(), Stop(), lambda _: None), lambda _: True, report.append)
        assert await run_campaign(order, access, ui) == 0, report


if __name__ == "__main__":
    _, place, number = sys.argv
    sys.stdout.write(json.dumps(asyncio.run(clients.watched(on_fleet, place, int(number), 1))))
