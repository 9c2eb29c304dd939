"""The program beside what else people would use, and many jobs in flight at once."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Iterator
from typing import NoReturn

from campaign_runner.model import Ticket
from campaign_runner.run.pace import Pace
from campaign_runner.run.polls import Polls
from campaign_runner.tasks import TaskSet
from tests.benchmarks.fast_server import fast_server
from tests.benchmarks.jobs import LARGE, client
from tests.benchmarks.processes import spent
from tests.benchmarks.rows import Rounds, Row
from tests.benchmarks.stages import spent as spent_here

JOBS, OF_TUTORIAL, SEEDS = 100, 10, (1, 4)
IN_FLIGHT, SECONDS = 7_000, 10.0


def others(rounds: int) -> Iterator[Row]:
    """Images of 1 MB a second, ÷ the tutorial's loop and ÷ `curl --parallel`, with one seed a request and with four."""
    taken = Rounds(rounds)
    with fast_server(LARGE) as address:
        for _ in taken:
            for seeds in SEEDS:
                speed = {}
                for name, images in (("ours", JOBS), ("tutorial", OF_TUTORIAL * seeds), ("curl", JOBS)):
                    speed[name] = images / client(name, address, images // seeds, seeds)["clock"]
                taken.note(f"the tutorial's loop, {seeds}", speed["ours"] / speed["tutorial"])
                taken.note(f"curl --parallel (downloads alone), {seeds}", speed["ours"] / speed["curl"])
    for what, ratios in taken.taken.items():
        yield Row("others", f"1 MB images a second ÷ {what} a request", ratios)
    ended = [json.loads(spent(["-m", "tests.benchmarks.others"]).output) for _ in range(rounds)]
    yield Row("others", f"{IN_FLIGHT:,} jobs followed: KB each", [each["bytes"] / 1000 for each in ended], 4)
    yield Row("others", f"{IN_FLIGHT:,} jobs followed: loop lag max, ms", [each["lag"] * 1000 for each in ended], 150)


class Endless:
    """A service whose jobs never end."""

    async def poll(self, ticket: Ticket) -> None:
        await asyncio.sleep(0.05)


async def _follow(jobs: int) -> dict[str, float]:
    """The memory that each of so many jobs takes while it is followed, and the longest stall of the loop."""
    lags, before = [0.0], spent_here()["memory"]
    polls = Polls(Endless(), heard=lambda error: None, random=random.random)  # type: ignore[arg-type]
    async with TaskSet(_raise) as tasks:
        tasks.start(polls.serve())
        pace = Pace()
        for number in range(jobs):
            tasks.start(polls.finished(Ticket(f"urn:job:{number}"), pace, age=0.0, patience=3600.0))  # type: ignore[arg-type]
        await asyncio.sleep(1.0)
        ends = time.perf_counter() + SECONDS
        while (began := time.perf_counter()) < ends:
            await asyncio.sleep(0.005)
            lags.append(time.perf_counter() - began - 0.005)
        tasks.cancel()
    return {"bytes": (spent_here()["memory"] - before) / jobs, "lag": max(lags)}


def _raise(error: BaseException) -> NoReturn:
    raise error


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_follow(IN_FLIGHT))))
