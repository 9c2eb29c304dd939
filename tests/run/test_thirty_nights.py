"""Thirty nights of cron: a day's allowance smaller than the work, kills, signals, missed nights, edits.

A missed night does not matter, and neither does a killed one: the next makes what is missing.
"""

from __future__ import annotations

import random

import pytest

from campaign_runner.plan.cost import RateLimit
from campaign_runner.sandbox.faults import Fault
from tests.fixtures import Begin
from tests.run.cron import DAY, NAMES, Month

PER_MINUTE, PER_DAY = 4, 5
WAY_BACK = Fault("slow_after", every=1, seconds=0.3)
"""An answer takes its time: the service counts a request before we know, and a kill may fall between."""


async def thirty_nights(begin: Begin, seed: int, *, keeps: float) -> Month:
    """`keeps`: for how many days the service knows a job."""
    switches = {"per_minute": PER_MINUTE, "per_day": PER_DAY, "job_seconds": 20.0, "job_known_seconds": keeps * DAY}
    month = Month(await begin(WAY_BACK, **switches), random.Random(seed), RateLimit(PER_MINUTE, PER_DAY))
    await month.go_by(30)
    return month


def check_spending(month: Month) -> None:
    ledger = month.night.ledger
    assert max(ledger.charged.values()) == 1, "an image was charged twice"
    assert month.most_in_a_day() <= PER_DAY
    assert not [entry for entry in ledger.entries if entry.outcome != "accepted"], "the service had to refuse"
    assert month.in_state("in_doubt") <= month.cut_off, "in doubt, though no kill fell between sending and answer"
    assert not month.in_state("accepted")


def check_all_is_made(month: Month) -> None:
    check_spending(month)
    for name in NAMES:
        counts = month.counts(name)
        assert counts["stored"] + counts["in_doubt"] == counts["planned"] > 0
    assert not month.in_state("failed")


@pytest.mark.parametrize("seed", [0])
async def test_a_month_of_cron_pays_once_for_everything_and_makes_all_of_it(begin: Begin, seed: int) -> None:
    month = await thirty_nights(begin, seed, keeps=7)
    check_all_is_made(month)
    assert month.happened.keys() >= {"killed", "signalled", "missed", "edited"}


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(1, 21))
async def test_many_months_of_cron(begin: Begin, seed: int) -> None:
    check_all_is_made(await thirty_nights(begin, seed, keeps=7))


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(21, 29))
async def test_where_the_service_forgets_after_a_day_only_what_was_left_behind_is_lost(begin: Begin, seed: int) -> None:
    month = await thirty_nights(begin, seed, keeps=1)
    check_spending(month)
    assert month.in_state("failed") <= month.left
