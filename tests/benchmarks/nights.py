"""How long a night takes, in virtual time, ÷ how long it must: no processor is fast or slow here.

The bound is what the allowance leaves: floor((n − 1) / R) · W for a window that slides, max(0, n − R) · W / R for a
bucket, and the last job's time. The way to the service and back is not in it: it is what is to be hidden.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from campaign_runner.plan.cost import RateLimit
from campaign_runner.run.limits import Limits
from campaign_runner.sandbox import downloads
from campaign_runner.sandbox.faults import Fault
from campaign_runner.sandbox.serve import serving
from campaign_runner.sandbox.server import Sandbox
from campaign_runner.sandbox.settings import Settings
from tests.benchmarks.rows import Row
from tests.fixtures import drawn_once
from tests.night import Ended, Night
from tests.virtual import VirtualLoop

JOB_SECONDS = 8.0
MINUTE = 60.0


@dataclass(frozen=True)
class Asked:
    """One night: an allowance, how far away the service is (seconds to it and back), how it counts."""

    per_minute: int
    distance: float
    seeds: int = 1
    window: str = "sliding"
    minutes: int = 3
    concurrency: int | None = None
    at_service: int | None = None
    """What the service allows, where that is not what we believe."""

    @property
    def requests(self) -> int:
        bucket = self.per_minute if self.window == "bucket" else 0
        return bucket + self.minutes * self.per_minute + 1

    @property
    def bound(self) -> float:
        spare = self.per_minute if self.window == "bucket" else 1
        waits = (self.requests - spare) / self.per_minute
        return (waits if self.window == "bucket" else waits // 1) * MINUTE + JOB_SECONDS


async def _night(asked: Asked, home: Path) -> tuple[Ended, Night]:
    clock = asyncio.get_running_loop().time
    half = asked.distance / 2
    settings = Settings(
        per_minute=asked.at_service or asked.per_minute,
        per_day=1_000_000,
        quota_window=asked.window,  # type: ignore[arg-type]
        job_seconds=JOB_SECONDS,
        answer_seconds=half,
        plain_pictures=True,
        strict=True,
    )
    faults = [Fault("slow_after", place, seconds=half) for place in ("submit", "poll", "download")]
    night = Night(home, Sandbox(settings), clock)
    night.sandbox = Sandbox(settings, faults=faults, clock=clock, began=night.now())
    night.origin = await night.serving.enter_async_context(serving(night.sandbox))
    campaign = night.campaign(requests=asked.requests, seeds=asked.seeds)
    rate, limits = (
        RateLimit(asked.per_minute, 1_000_000),
        Limits(concurrency=asked.concurrency or max(16, asked.per_minute // 3)),
    )
    try:
        return await night.run(campaign, rate=rate, limits=limits), night
    finally:
        await night.close()


def run_night(asked: Asked) -> tuple[Ended, Night]:
    """One night from its lock to its report, pictures drawn once."""
    downloads.render = drawn_once  # type: ignore[attr-defined]
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with (
        TemporaryDirectory(dir=memory, prefix="benchmark-") as home,
        asyncio.Runner(loop_factory=VirtualLoop) as runner,
    ):
        return runner.run(_night(asked, Path(home)))


NIGHTS = [
    *((Asked(4, distance, minutes=20), 1.02) for distance in (0.05, 0.5)),
    (Asked(4, 0.2, window="bucket", minutes=30), 1.04),
    *((Asked(60, distance, minutes=6), 1.02) for distance in (0.05, 0.5)),
    *((Asked(600, 0.5, seeds=seeds, minutes=2), 1.05) for seeds in (1, 4)),
]


def makespan(rounds: int) -> Iterator[Row]:
    """Makespan ÷ bound, and requests refused for the allowance ÷ accepted ones. The clock is virtual: one round."""
    for asked, bar in NIGHTS:
        ended, night = run_night(asked)
        assert ended.code == 0, ended.lines
        images = f"{asked.seeds} seed{'s' if asked.seeds > 1 else ''}"
        what = f"{asked.per_minute} a minute, {asked.distance * 1000:.0f} ms, {images}, {asked.window}"
        note = f"{asked.requests} requests, {ended.seconds:.1f} s"
        yield Row("makespan", f"makespan ÷ bound: {what}", [ended.seconds / asked.bound], bar, note=note)
        refused = len(night.ledger.refused) / len(night.ledger.accepted)
        yield Row("makespan", f"429 ÷ accepted: {what}", [refused], 0)


def halved(rounds: int) -> Iterator[Row]:
    """The service allows half of what we believe, and the usual eight are under way. Virtual: one round."""
    for window in ("sliding", "fixed", "bucket", "even"):
        asked = Asked(60, 0.2, window=window, minutes=10, at_service=30, concurrency=8)
        ended, night = run_night(asked)
        assert ended.code == 0, ended.lines
        refused = len(night.ledger.refused) / len(night.ledger.accepted)
        began = night.ledger.entries[0].at + 5 * MINUTE
        after = [entry.at for entry in night.ledger.accepted if entry.at >= began]
        used = (len(after) - 1) / ((after[-1] - after[0]) / MINUTE * 30) if len(after) > 1 else 0.0
        note = f"{len(night.ledger.accepted)} requests, {ended.seconds:.0f} s"
        yield Row("halved", f"429 ÷ accepted, half of what we believe: {window}", [refused], 0.03, note=note)
        yield Row("halved", f"share of the true limit used after five windows: {window}", [used], 0.85, "≥")
