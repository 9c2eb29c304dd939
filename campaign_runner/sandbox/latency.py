"""How long jobs and answers take, drawn from the seed and a number, never from what happened before.

The nth job of a sandbox takes the same time in every run, whatever was asked in between.
"""

from __future__ import annotations

import random

from campaign_runner.sandbox.settings import Settings


def seconds_of_job(settings: Settings, number: int) -> float:
    """From the acceptance of the `number`th job to its success."""
    return _drawn(settings, settings.job_seconds, settings.job_spread, f"job {number}")


def seconds_of_answer(settings: Settings, place: str, number: int) -> float:
    """From the arrival of the `number`th call at a place to the looking at it."""
    return _drawn(settings, settings.answer_seconds, settings.answer_spread, f"{place} {number}")


def _drawn(settings: Settings, seconds: float, spread: float, what: str) -> float:
    dice = random.Random(f"{settings.seed}: {what}")
    match settings.spread_shape:
        case "even":
            return seconds * (1 + spread * dice.uniform(-1, 1))
        case "long_tail":
            return seconds * dice.lognormvariate(0, spread)
