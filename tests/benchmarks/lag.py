"""How late the event loop is, and what a job takes that is under way: with images of 1 MB, and with 7,000 jobs at once.

`python -m tests.benchmarks.lag HOME ADDRESS JOBS` is a run, as the command makes it, of so many jobs that never end. It
prints one line of JSON once all of them are accepted and have been followed for a while: bytes of memory a job, how
late the loop was at most meanwhile, in seconds, with and without what it waited for a processor; then its process
ends as if it were killed.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from campaign_runner.events import Accepted, Event, Started
from campaign_runner.run.control import Control
from campaign_runner.run.limits import Limits
from campaign_runner.run.stop import Stop
from campaign_runner.sandbox.server import Sandbox
from campaign_runner.sandbox.settings import Settings
from campaign_runner.session.request import RunRequest, UserInterface
from campaign_runner.session.session import run_campaign
from tests.benchmarks.clients import EVERYTHING, figures_of
from tests.benchmarks.fast_server import fast_server
from tests.benchmarks.jobs import LARGE, LARGE_JOBS, SMALL, client
from tests.benchmarks.processes import held, spent, waited
from tests.benchmarks.rows import Rounds, Row
from tests.night import Night

IN_FLIGHT, ENDLESS = 7_000, 86_400.0
SETTLES, SECONDS = 2.0, 10.0
"""How long the loop is left alone once all are accepted, and how long it is looked at then."""


def lag(rounds: int) -> Iterator[Row]:
    """How late the loop is, beside one that has nothing to do in the same minute."""
    taken = Rounds(rounds)
    with fast_server(LARGE) as address:
        for _ in taken:
            ours = client("ours", address, LARGE_JOBS)
            taken.note("large", ours["stall_99"] * 1000)
            taken.note("large-own", ours["own_stall_99"] * 1000)
            taken.note("nothing", asyncio.run(figures_of(lambda: asyncio.sleep(SECONDS)))["stall_99"] * 1000)
    yield Row("lag", "loop lag p99 with 1 MB images, ms", taken.taken["large"], 10)
    yield Row("lag", "loop lag p99 of a loop that has nothing to do, ms", taken.taken["nothing"])
    yield Row("lag", "loop lag p99 with 1 MB images, waiting for a processor left out, ms", taken.taken["large-own"])
    ended = [_followed() for _ in range(rounds)]
    at_once = f"{IN_FLIGHT:,} jobs under way"
    yield Row("lag", f"{at_once}: KB each", [each["bytes"] / 1000 for each in ended], 4)
    yield Row("lag", f"{at_once}: loop lag max, ms", [each["lag"] * 1000 for each in ended], 150)
    own = [each["own_lag"] * 1000 for each in ended]
    yield Row("lag", f"{at_once}: loop lag max, waiting for a processor left out, ms", own)


def _followed() -> dict[str, float]:
    with TemporaryDirectory(prefix="benchmark-") as home, fast_server(SMALL, ENDLESS) as address:
        run = ["-W", "ignore", "-m", "tests.benchmarks.lag", home, address, str(IN_FLIGHT)]
        told: dict[str, float] = json.loads(spent(run).output)
        return told


async def _follow(home: Path, address: str, jobs: int) -> dict[str, float]:
    gc.freeze()  # as the command does, once it is loaded
    night = Night(home, Sandbox(Settings()), asyncio.get_running_loop().time, origin=address)
    campaign, before, accepted, are_all = night.campaign(requests=jobs, seeds=1), [0], [0], asyncio.Event()

    def note(event: Event) -> None:
        if isinstance(event, Started):
            before[0] = _held()
        accepted[0] += isinstance(event, Accepted)
        if accepted[0] == jobs:
            are_all.set()

    order = RunRequest(campaign, night.folder, EVERYTHING, Limits(concurrency=jobs))
    ui = UserInterface(Control(night.clock(), Stop(), note), lambda figures: True, print)
    run = asyncio.create_task(run_campaign(order, night.access(), ui))
    waiting = asyncio.create_task(are_all.wait())
    await asyncio.wait((run, waiting), return_when=asyncio.FIRST_COMPLETED)
    assert are_all.is_set() and not run.done(), run
    await asyncio.sleep(SETTLES)
    taken = _held() - before[0]
    return {"bytes": taken / jobs, **await _latest()}


def _held() -> int:
    gc.collect()
    return held()


async def _latest() -> dict[str, float]:
    """By how many seconds the loop was late at most; and without what it waited for a processor that others had."""
    lag, own_lag, ends = 0.0, 0.0, time.perf_counter() + SECONDS
    while (began := time.perf_counter()) < ends:
        before = waited()
        await asyncio.sleep(0.005)
        late = time.perf_counter() - began - 0.005
        lag, own_lag = max(lag, late), max(own_lag, late - (waited() - before))
    return {"lag": lag, "own_lag": own_lag}


async def _tell(home: Path, address: str, jobs: int) -> None:
    """Print what was found, and leave: jobs that never end cannot be waited for."""
    sys.stdout.write(json.dumps(await _follow(home, address, jobs)))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    _, place, service, number = sys.argv
    asyncio.run(_tell(Path(place), service, int(number)))
