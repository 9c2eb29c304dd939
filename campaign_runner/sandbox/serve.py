"""Serving a sandbox on this machine, and on no other address than 127.0.0.1."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from campaign_runner.sandbox.server import Sandbox

LOOPBACK = "127.0.0.1"
_log = logging.getLogger(__name__)
_NO_HTTP = (HttpProcessingError, web.RequestPayloadError)
_log.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], _NO_HTTP)))
"""Of bugs, with their trace. What a caller did wrong to HTTP is told to the caller: it is answered 400."""


@asynccontextmanager
async def serving(sandbox: Sandbox, port: int = 0) -> AsyncIterator[str]:
    """Serve `sandbox` while the block runs; yields its origin, `http://127.0.0.1:PORT`.

    Port 0 is any free one. Raises OSError if the port is taken. Leaving the block
    does not wait for calls under way.
    """
    # aiohttp takes 0 for "without end"
    runner = web.AppRunner(sandbox.app(), access_log=None, shutdown_timeout=0.01, logger=_log)
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, port).start()
        if sandbox.settings.other_status_port:
            await web.TCPSite(runner, LOOPBACK, 0).start()
        ports = [address[1] for address in runner.addresses]
        sandbox.status_port = ports[-1] if sandbox.settings.other_status_port else 0
        with _refusing() as sandbox.dead_origin:
            async with _silent() as sandbox.silent_origin:
                yield f"http://{LOOPBACK}:{ports[0]}"
    finally:
        await runner.cleanup()


@contextmanager
def _refusing() -> Iterator[str]:
    """A port where every connection is refused: it is ours, and no one listens."""
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        yield f"http://{LOOPBACK}:{taken.getsockname()[1]}"


@asynccontextmanager
async def _silent() -> AsyncIterator[str]:
    """A port that takes every connection and says nothing, until the caller leaves."""
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, LOOPBACK, 0)
    try:
        yield f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
