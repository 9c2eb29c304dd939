"""When a campaign last ran and how that ended, in one sentence."""

from __future__ import annotations

from datetime import datetime

from campaign_runner.journal.last_run import LastRun
from campaign_runner.report.standing import purchase
from campaign_runner.text import clock


def told(run: LastRun | None, now: datetime, *, is_running: bool) -> str:
    """`ran from 02:14 to 02:44, exit status 8; bought 32 images in 8 requests`; empty where no run was noted."""
    if run is None:
        return "a run is in progress" if is_running else ""
    began = clock(run.began, now)
    if is_running:
        return f"running since {began}"
    if run.ended is None:
        return f"began at {began} and was cut off"
    ended = clock(run.ended, now)
    at = f"ran at {ended}" if ended == began else f"ran from {began} to {ended}"
    bought = f"; {purchase(run.bought)}" if run.bought is not None else ""
    return f"{at}, exit status {run.exit}{bought}"
