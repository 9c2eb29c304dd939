"""A sandbox that keeps every exchange, as it was on the wire."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from campaign_runner.sandbox.server import Sandbox
from campaign_runner.sandbox.uploads import MOST_BYTES
from tests.contract.specification import Exchange

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RecordedSandbox(Sandbox):
    """`exchanges`: every call in the order of answering."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.exchanges: list[Exchange] = []

    def app(self) -> web.Application:
        app = super().app()

        @web.middleware
        async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
            fits = (request.content_length or 0) <= MOST_BYTES
            body = await request.read() if fits else b""
            response = await handler(request)
            self.exchanges.append(_exchange(request, body, response))
            return response

        app.middlewares.insert(0, record)
        return app


def _exchange(request: web.Request, body: bytes, response: web.StreamResponse) -> Exchange:
    sent = {name.lower(): value for name, value in request.headers.items()}
    url = str(request.rel_url)
    if request.transport is None or request.transport.is_closing():
        return Exchange(request.method, url, sent, body)
    answer = response.body if isinstance(response, web.Response) and isinstance(response.body, bytes) else b""
    headers = {name.lower(): value for name, value in response.headers.items()}
    if isinstance(response, web.Response):
        headers.setdefault("content-type", response.content_type)
    return Exchange(request.method, url, sent, body, response.status, headers, answer)
