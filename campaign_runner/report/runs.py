"""When a campaign last ran and how that ended, in one sentence."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from campaign_runner.journal.last_run import LastRun
from campaign_runner.report.standing import Night
from campaign_runner.text import clock


def told(run: LastRun | None, night: Night | None, now: datetime, *, is_running: bool) -> str:
    """`ran from 02:14 to 02:44, exit status 8; bought 32 images in 8 requests`; empty where no run was noted.

    And what its `night` bought, where that is more: other runs did, or this one is not over, or was cut off.
    """
    if run is None:
        return "a run is in progress" if is_running else ""
    bought = night.told(run.bought, now) if night is not None else ""
    return f"{_when(run, now, is_running=is_running)}{f'; {bought}' if bought else ''}"


def _when(run: LastRun, now: datetime, *, is_running: bool) -> str:
    began = clock(run.began, now)
    if is_running:
        return f"running since {began}"
    if run.ended is None:
        return f"began at {began} and was cut off"
    ended = clock(run.ended, now)
    at = f"ran at {ended}" if ended == began else f"ran from {began} to {ended}"
    return f"{at}, exit status {run.exit}"


def figures_of(run: LastRun | None, night: Night | None) -> dict[str, Any]:
    """The same for machines: `began`, `ended`, `exit` and `bought` of the run, and what its `night` bought."""
    return {
        "began": None if run is None else run.began.isoformat(),
        "ended": None if run is None or run.ended is None else run.ended.isoformat(),
        "exit": None if run is None else run.exit,
        "bought": None if run is None or run.bought is None else asdict(run.bought),
        "night": None if night is None else {"since": night.began.isoformat()} | asdict(night.bought),
    }
