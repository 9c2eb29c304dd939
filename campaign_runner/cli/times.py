"""Times as they are typed: how long a run may take, and until when."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import click


class Duration(click.ParamType[float]):
    """`90s`, `30m`, `2h`, of at most six digits: seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = re.fullmatch("([0-9]{1,6})([smh])", str(value))
        if found is None or int(found[1]) == 0:
            self.fail(f"'{str(value)[:40]}' is not a duration; write 90s, 30m or 2h", param, ctx)
        return float(int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]])


class TimeOfDay(click.ParamType[datetime]):
    """`06:00`: when it is that time next, local time."""

    name = "HH:MM"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            wanted = datetime.strptime(str(value), "%H:%M")
        except ValueError:
            self.fail(f"'{value}' is not a time of day; write 06:00", param, ctx)
        return next_time(wanted.hour, wanted.minute, after=datetime.now())


def next_time(hour: int, minute: int, *, after: datetime) -> datetime:
    """When the clock on the wall shows a time next; `after` is what it shows now.

    Where clocks are set back meanwhile it shows the time twice: the first of them that is still to come is meant.
    """
    now = after.astimezone()
    wanted = after.replace(hour=hour, minute=minute, second=0, microsecond=0)
    shown = (each for days in (0, 1) for each in _moments(wanted + timedelta(days=days)))
    return next(each for each in shown if each > now)


def _moments(wall: datetime) -> tuple[datetime, ...]:
    """When a clock on the wall shows this: twice where it is set back, a little later where it is set past it."""
    first, second = (wall.replace(fold=fold).astimezone() for fold in (0, 1))
    is_shown = (first.hour, first.minute) == (wall.hour, wall.minute)
    return (first, second) if is_shown else (max(first, second),)
