"""What a run is given: the ports it joins, how far it may go, and what it shares with runs beside it."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from campaign_runner.ports import Journal, Provider, Quota, Store


@dataclass(frozen=True, slots=True)
class Ports:
    """What the scheduler joins."""

    provider: Provider
    store: Store
    journal: Journal
    quota: Quota


@dataclass(frozen=True, slots=True)
class Limits:
    """Jobs at once, and where the caller wants a run to stop: new images, new requests, seconds, a moment.

    `guards_files`: refuse to buy an image whose file is on the disk already (not in a sandbox: it costs nothing).
    """

    concurrency: int = 16
    max_images: int | None = None
    max_requests: int | None = None
    max_seconds: float | None = None
    until: datetime | None = None
    guards_files: bool = True

    def seconds_left(self, now: datetime, passed: float = 0.0) -> float:
        """Until the caller's time is over, `passed` seconds after the run began; infinite where none was given."""
        of_run = math.inf if self.max_seconds is None else self.max_seconds - passed
        return of_run if self.until is None else min(of_run, (self.until - now).total_seconds())


@dataclass(slots=True)
class Usage:
    """Images and requests asked for and not refused, by all runs of one command: what its limits bound."""

    images: int = 0
    requests: int = 0


@dataclass(frozen=True, slots=True)
class SharedLimits:
    """What a run shares with the others of its command.

    Runs of equal allowance share the `turn`: it is held while one waits for its permit and goes round, so that
    no one has two requests while another waits for one.
    """

    spent: Usage = field(default_factory=Usage)
    turn: asyncio.Semaphore = field(default_factory=partial(asyncio.Semaphore, 1))
