"""How long jobs and answers take, drawn from the seed and a number, never from what happened before.

The nth job of a sandbox takes the same time in every run, whatever was asked in between.
"""

from __future__ import annotations

import random

from campaign_runner.sandbox.settings import Settings


class Latency:
    """Seconds, as `settings` describe them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def of_job(self, number: int) -> float:
        """From the acceptance of the `number`th job to its success."""
        return self._drawn(self._settings.job_seconds, self._settings.job_spread, f"job {number}")

    def of_answer(self, place: str, number: int) -> float:
        """From the arrival of the `number`th call at a place to the looking at it."""
        return self._drawn(self._settings.answer_seconds, self._settings.answer_spread, f"{place} {number}")

    def _drawn(self, seconds: float, spread: float, what: str) -> float:
        dice = random.Random(f"{self._settings.seed}: {what}")
        match self._settings.spread_shape:
            case "even":
                return seconds * (1 + spread * dice.uniform(-1, 1))
            case "long_tail":
                return seconds * dice.lognormvariate(0, spread)
