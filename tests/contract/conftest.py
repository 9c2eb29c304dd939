"""Client and sandbox live in one loop of virtual time here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from tests.virtual import VirtualLoop


def pytest_asyncio_loop_factories(
    config: object, item: object
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"virtual": VirtualLoop}
