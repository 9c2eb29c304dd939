"""Every test here lives in virtual time, with a sandbox over real sockets in the same loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import lru_cache, partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import pytest
from PIL import Image

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.report.sheet import drawing
from campaign_runner.report.sheet.layout import Place
from campaign_runner.sandbox import downloads
from campaign_runner.sandbox.faults import Fault
from campaign_runner.sandbox.images import render
from campaign_runner.sandbox.serve import serving
from campaign_runner.sandbox.server import Sandbox
from campaign_runner.sandbox.settings import Settings
from tests.night import Night
from tests.virtual import VirtualLoop


class Begin(Protocol):
    """`night = await begin(*faults, per_minute=…)`: a sandbox, and somebody to run campaigns against it."""

    async def __call__(self, *faults: Fault, **switches: Any) -> Night: ...


def pytest_asyncio_loop_factories(
    config: object, item: object
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"virtual": VirtualLoop}


async def made(begin: Begin, **asked: Any) -> tuple[Night, Campaign]:
    """A night in which a campaign of `requests` images and so on (see `Night.campaign`) was run, and that campaign."""
    night = await begin()
    campaign = night.campaign(**asked)
    await night.run(campaign)
    return night, campaign


@pytest.fixture
def quick_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: what a sync is worth is proved where disks are tested."""
    memory = Path("/dev/shm")
    if not memory.is_dir():
        yield tmp_path
        return
    with TemporaryDirectory(dir=memory, prefix="nights-") as folder:
        yield Path(folder)


drawn_once = lru_cache(maxsize=2000)(render)
_small = drawing._small


@lru_cache(maxsize=100)
def _shrunk(place: Place, content: bytes) -> Image.Image:
    return _small(place, BytesIO(content))


def draw_once(patch: pytest.MonkeyPatch) -> None:
    """The same request and seed give the same bytes, so they need not be drawn for every test again, nor shrunk."""
    patch.setattr(downloads, "render", drawn_once)
    patch.setattr(drawing, "_small", lambda place, file: _shrunk(replace(place, left=0, top=0), file.read()))


@pytest.fixture(autouse=True)
def pictures_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """See `draw_once`."""
    draw_once(monkeypatch)


def _awake(night: Night) -> float:
    """The service's seconds, which pass while the client's machine sleeps."""
    return night.seconds() + night.slept


@pytest.fixture
async def begin(quick_disk: Path) -> AsyncIterator[Begin]:
    """`night = await begin(*faults, per_minute=…)`: a sandbox, and somebody to run campaigns against it.

    When the test is over, the checker looks at what every run left.
    """
    async with AsyncExitStack() as stack:
        nights: list[Night] = []

        async def begin_one(*faults: Fault, **switches: Any) -> Night:
            clock = asyncio.get_running_loop().time
            settings = Settings(
                **{"per_minute": 600, "strict": True, "plain_pictures": True, "job_seconds": 2.0, **switches}
            )
            night = Night(quick_disk / f"night{len(nights)}", Sandbox(settings), clock)
            service_clock = partial(_awake, night)
            night.sandbox = Sandbox(settings, faults=faults, clock=service_clock, began=night.now())
            stack.push_async_callback(night.close)
            night.origin = await night.serving.enter_async_context(serving(night.sandbox))
            nights.append(night)
            return night

        yield begin_one
        for night in nights:
            night.check()
