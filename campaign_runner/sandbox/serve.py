"""Serving a sandbox on this machine, and on no other address than 127.0.0.1."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from campaign_runner.sandbox.server import Sandbox

LOOPBACK = "127.0.0.1"


@asynccontextmanager
async def serving(sandbox: Sandbox, port: int = 0) -> AsyncIterator[str]:
    """Serve `sandbox` while the block runs; yields its origin, `http://127.0.0.1:PORT`.

    Port 0 is any free one. Raises OSError if the port is taken. Leaving the block
    does not wait for calls under way.
    """
    # aiohttp takes 0 for "without end"
    runner = web.AppRunner(sandbox.app(), access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, port).start()
        if sandbox.settings.other_status_port:
            await web.TCPSite(runner, LOOPBACK, 0).start()
        origins = [f"http://{LOOPBACK}:{address[1]}" for address in runner.addresses]
        sandbox.status_origin = origins[-1]
        yield origins[0]
    finally:
        await runner.cleanup()
