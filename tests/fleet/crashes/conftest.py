"""Nights on the sandbox in virtual time, for workers of a fleet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fixtures import begin, pictures_drawn_once, pytest_asyncio_loop_factories, quick_disk
from tests.fleet import postgres

__all__ = ["begin", "no_server_stays", "pictures_drawn_once", "pytest_asyncio_loop_factories", "quick_disk"]


@pytest.fixture(scope="session", autouse=True)
def no_server_stays() -> Iterator[None]:
    yield
    postgres.stop_shared()
