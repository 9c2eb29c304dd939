"""Nights on the sandbox in virtual time, pictures that are drawn once, and the folders of earlier versions."""

from __future__ import annotations

import asyncio
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from campaign_runner.sandbox.catalog import CATALOG
from campaign_runner.sandbox.own_models import read_models
from campaign_runner.sandbox.serve import serving
from campaign_runner.sandbox.server import Sandbox
from campaign_runner.sandbox.settings import Settings
from tests.checker import check
from tests.fixtures import begin, pictures_drawn_once, pytest_asyncio_loop_factories, quick_disk
from tests.night import Night

__all__ = ["begin", "pictures_drawn_once", "pytest_asyncio_loop_factories", "quick_disk"]

ARCHIVES = Path(__file__).parents[1] / "earlier"
ORIGIN = "http://127.0.0.1:8377"
"""What the journals call the service of then."""


@pytest.fixture
async def earlier(quick_disk: Path) -> AsyncIterator[Callable[[str], Awaitable[Night]]]:
    """`night = await earlier("letters")`: the folders of then, and a service that has charged nothing yet."""
    async with AsyncExitStack() as stack:

        async def unpack(kind: str) -> Night:
            home = quick_disk / "night"
            with tarfile.open(ARCHIVES / f"{kind}.tar.xz") as archive:
                archive.extractall(home, filter="data")
            clock = asyncio.get_running_loop().time
            settings = Settings(
                per_minute=600, plain_pictures=True, seed=2, strict=True
            )  # job ids are not those of then
            models = CATALOG.plus(read_models(ARCHIVES / "models.json"))  # what the account of then had
            night = Night(home, Sandbox(settings, catalog=models, clock=clock), clock, name=ORIGIN)
            stack.push_async_callback(night.close)
            stack.callback(check, home / "output", None)
            night.origin = await night.serving.enter_async_context(serving(night.sandbox))
            return night

        yield unpack
