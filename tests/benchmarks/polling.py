"""How often jobs are polled, in virtual time, beside the best fixed interval that notices them as early."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from campaign_runner.errors import ProviderError
from campaign_runner.model import Finished, Ticket
from campaign_runner.run.pace import Pace
from campaign_runner.run.polls import Polls
from campaign_runner.tasks import TaskSet
from tests.benchmarks.rows import Row
from tests.virtual import VirtualLoop

JOBS, AT_ONCE = 1000, 20
Draw = Callable[[random.Random, int], float]


def _narrow(dice: random.Random, number: int) -> float:
    return dice.gauss(8.0, 0.5)


def _bimodal(dice: random.Random, number: int) -> float:
    return dice.gauss(6.0, 0.5) if dice.random() < 0.5 else dice.gauss(20.0, 1.0)


def _shift(dice: random.Random, number: int) -> float:
    return dice.gauss(8.0, 0.5) if number < JOBS // 2 else dice.gauss(16.0, 1.0)


def _lognormal(dice: random.Random, number: int) -> float:
    return 8.0 * dice.lognormvariate(0, 0.6)


SHAPES: dict[str, tuple[Draw, float]] = {
    "narrow": (_narrow, 0.42),
    "bimodal": (_bimodal, 0.55),
    "shift": (_shift, 0.75),
    "lognormal": (_lognormal, 0.92),
}


@dataclass
class Scripted:
    """A service whose jobs, by their ids, are finished at a moment of the loop's clock; it counts the polls of each."""

    ends: dict[str, float] = field(default_factory=dict)
    polls: dict[str, int] = field(default_factory=dict)
    delays: list[float] = field(default_factory=list)

    async def poll(self, ticket: Ticket) -> Finished | None:
        now = asyncio.get_running_loop().time()
        self.polls[ticket.job_id] = self.polls.get(ticket.job_id, 0) + 1
        if now < self.ends[ticket.job_id]:
            return None
        self.delays.append(now - self.ends[ticket.job_id])
        return Finished(())


async def _followed(durations: Sequence[float], seed: int) -> Scripted:
    """All jobs followed, so many at once, over one pace that begins without any knowledge."""
    service, dice, pace = Scripted(), random.Random(seed), Pace()
    polls = Polls(service, heard=_heard, random=dice.random)  # type: ignore[arg-type]
    numbers = iter(enumerate(durations))
    time = asyncio.get_running_loop().time

    async def work() -> None:
        for number, seconds in numbers:
            service.ends[str(number)] = time() + seconds
            await polls.finished(Ticket(str(number)), pace, age=0.0, patience=3600.0)

    failures: list[BaseException] = []
    async with TaskSet(failures.append) as pollers:
        pollers.start(polls.serve())
        async with TaskSet(failures.append) as jobs:
            for _ in range(AT_ONCE):
                jobs.start(work())
        pollers.cancel()
    assert not failures, failures
    return service


def _heard(error: ProviderError | None) -> None:
    """Nobody listens."""


def _fixed(durations: Sequence[float], delay: float) -> float:
    """Polls that a fixed interval needs to notice these jobs after `delay` seconds on average.

    Half an interval late, wherever a job ends in it: that an interval fits the durations by chance is not counted.
    """
    return sum(seconds / (2 * delay) + 0.5 for seconds in durations)


def _run(durations: Sequence[float], seed: int) -> Scripted:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_followed(durations, seed))


def polls(rounds: int) -> Iterator[Row]:
    """Polls at equal delay ÷ the best fixed interval; and those of a straggler."""
    for name, (draw, bar) in SHAPES.items():
        ratios, delays = [], []
        for seed in range(rounds):
            dice = random.Random(f"{name} {seed}")
            durations = [max(0.5, draw(dice, number)) for number in range(JOBS)]
            service = _run(durations, seed)
            delay = sum(service.delays) / len(service.delays)
            delays.append(delay)
            ratios.append(sum(service.polls.values()) / _fixed(durations, delay))
        yield Row(
            "polls", f"polls at equal delay ÷ fixed interval: {name}", ratios, bar, note=f"delay {delays[0]:.2f} s"
        )
    straggling = []
    for seed in range(rounds):
        dice = random.Random(f"straggler {seed}")
        durations = [dice.gauss(8.0, 0.5) for _ in range(300)]
        durations[150] = 240.0
        straggling.append(float(_run(durations, seed).polls["150"]))
    yield Row("polls", "polls of a job of 240 s among jobs of 8 s", straggling, 20)
