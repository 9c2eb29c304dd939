"""Nights on which anything goes wrong: faults, signals and allowances by chance, and the promises hold after each.

The seed names the night, so that one that fails can be had again.
"""

from __future__ import annotations

import asyncio
import random
import signal
from typing import Any

import pytest
from night import Ended, Night

from campaign_runner.events import Event
from campaign_runner.plan.cost import Rate
from campaign_runner.run.control import Control
from campaign_runner.run.parts import Limits
from campaign_runner.sandbox.faults import KINDS, Fault

NIGHTS = range(10)
HARMLESS = {"huge", "redirect"}  # one is slow to make, the other ends a run as 403 does


def fault(dice: random.Random) -> Fault:
    kind = dice.choice(sorted(set(KINDS) - HARMLESS))
    where = dice.choice([place for place in KINDS[kind] if place not in ("models", "upload", "cancel")])
    seconds = dice.choice([1.0, 5.0, 40.0, 70.0])
    times = dice.choice([{"nth": dice.randint(1, 8)}, {"every": dice.randint(2, 5)}, {"first": dice.randint(1, 4)}])
    return Fault(kind, where=where, seconds=seconds, **times)


def interruption(dice: random.Random) -> Any:
    """A signal somewhere in the run, or none."""
    at = dice.randint(1, 40)
    count = 0

    def watch(event: Event, control: Control) -> None:
        nonlocal count
        count += 1
        if count == at:
            asyncio.get_running_loop().call_later(dice.random() * 8, control.signalled, signal.SIGINT)

    return watch if dice.random() < 0.5 else None


async def spend(night: Night, dice: random.Random) -> Ended:
    """Run after run, by cron, until nothing is left to do."""
    rate = Rate(dice.choice([2, 4, 600]), 9000)
    limits = Limits(concurrency=dice.choice([1, 2, 8]), max_requests=dice.choice([None, None, 2]))
    night.campaign(requests=dice.randint(2, 6), seeds=dice.randint(1, 4))
    for _ in range(4):
        await night.run(rate=rate, limits=limits, watch=interruption(dice))
        await asyncio.sleep(dice.choice([1.0, 600.0, 3600.0]))
    night.forgive()
    await night.run(rate=rate)
    await asyncio.sleep(25 * 3600)  # what is still at the service now is lost
    return await night.run(rate=rate)


@pytest.mark.parametrize("seed", NIGHTS)
async def test_whatever_goes_wrong_nothing_is_bought_twice_and_all_is_told(begin: Any, seed: int) -> None:
    dice = random.Random(seed)
    faults = [fault(dice) for _ in range(dice.randint(1, 4))]
    night = await begin(*faults, per_minute=dice.choice([4, 600]), job_seconds=dice.choice([2.0, 2.0, 20.0, 200.0]))
    ended = await spend(night, dice)
    left = {state for state, number in ended.states.items() if number}
    assert left <= {"stored", "failed", "in_doubt"}, faults
    assert ended.code == (4 if "in_doubt" in left else 3 if "failed" in left else 0), faults
