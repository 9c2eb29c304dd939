"""What a run is given: the ports it joins, how far it may go, and what it shares with runs beside it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

from campaign_runner.model import Bought
from campaign_runner.ports import Journal, Provider, Quota, Store
from campaign_runner.run.downloads import DownloadRoom

A = TypeVar("A", bound=Hashable)


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

    `counted_as` is the name under which the record itself counts what all runs of the command buy, wherever they are
    made; where there is none, they are made by one process, which counts it. `guards_files`: refuse to buy an image
    whose file is on the disk already (not in a sandbox: it costs nothing).
    """

    concurrency: int = 16
    max_images: int | None = None
    max_requests: int | None = None
    max_seconds: float | None = None
    until: datetime | None = None
    counted_as: str | None = None
    guards_files: bool = True

    def seconds_left(self, now: datetime, passed: float = 0.0) -> float:
        """Until the caller's time is over, `passed` seconds after the run began; infinite where none was given."""
        of_run = math.inf if self.max_seconds is None else self.max_seconds - passed
        return of_run if self.until is None else min(of_run, (self.until - now).total_seconds())


@dataclass(slots=True)
class Usage:
    """Images and requests asked for and not refused, by all runs of one command: what its limits bound.

    `elsewhere` is what other processes bought for the command, as far as the record told.
    """

    images: int = 0
    requests: int = 0
    elsewhere: Bought = field(default_factory=partial(Bought, 0, 0))

    def images_left(self, limits: Limits) -> float:
        """How many more the limits allow; infinite where they do not bound them."""
        most = limits.max_images
        return math.inf if most is None else most - self.images - self.elsewhere.images

    def requests_left(self, limits: Limits) -> float:
        """How many more the limits allow; infinite where they do not bound them."""
        most = limits.max_requests
        return math.inf if most is None else most - self.requests - self.elsewhere.requests


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What a record that grants by itself keeps to: `budget` images over all runs of the campaign, and `limits`, over
    all that is bought for their command. `spent` is told what of that other processes bought.
    """

    budget: int | None = None
    limits: Limits = field(default_factory=Limits)
    spent: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class SharedLimits:
    """What a run shares with the others of its command, or of its process.

    Runs of equal allowance share the `turn`: it is held while one waits for its permit and goes round, so that
    no one has two requests while another waits for one. All of a process share the `downloads`, which bound the bytes
    that it holds in memory.
    """

    spent: Usage = field(default_factory=Usage)
    downloads: DownloadRoom = field(default_factory=DownloadRoom)
    turn: asyncio.Semaphore = field(default_factory=partial(asyncio.Semaphore, 1))


def of_one_command(allowances: Iterable[A]) -> dict[A, SharedLimits]:
    """What runs of each of `allowances` share: one set of limits and of downloads, and those of equal ones a turn."""
    spent, downloads = Usage(), DownloadRoom()
    return {allowance: SharedLimits(spent, downloads) for allowance in allowances}
