"""Every test here lives in virtual time, client and server in one loop: how busy the machine is meets no limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from tests.virtual import VirtualLoop


def pytest_asyncio_loop_factories(
    config: object, item: object
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"virtual": VirtualLoop}
