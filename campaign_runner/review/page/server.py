"""The page served on this machine, to one browser: a request without the secret learns nothing.

The secret is the first segment of every path. A request must name our host exactly; one that marks must come from our
own page, as JSON. No cookie is set, nothing is logged.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from campaign_runner.errors import CampaignError, UsageError
from campaign_runner.review.page.document import document, policy
from campaign_runner.review.page.served_data import SIZES, ServedReview
from campaign_runner.review.page.spooled_list import pieces
from campaign_runner.tasks import in_thread

LOOPBACK = "127.0.0.1"
LARGEST_POST = 64 << 10
"""Bytes of marks that are taken at once."""
_SECRET_BYTES = 24
_OURS = "same-origin"
_KEY = re.compile(r"[0-9a-f]{64}")
_HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_FRESH = {"Cache-Control": "no-store"}
_KEEPING = {"Cache-Control": "private, max-age=86400, immutable"}
"""A picture's address has the digest of its bytes in it."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, repr=False)
class ServedAt:
    """Where a page is served. `address` holds the secret: it is neither logged nor shown."""

    origin: str
    address: str


@asynccontextmanager
async def serving_review(
    review: ServedReview, marked: Callable[[], None] = lambda: None, *, port: int = 0
) -> AsyncIterator[ServedAt]:
    """Serve a review while the block runs, on a free port by default. Raises OSError if the port is taken.

    `marked` is called whenever marks were kept.
    """
    server = ReviewServer(review, secrets.token_urlsafe(_SECRET_BYTES), marked)
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, port).start()
        server.host = f"{LOOPBACK}:{runner.addresses[0][1]}"
        yield ServedAt(f"http://{server.host}", f"http://{server.host}/{server.secret}/")
    finally:
        await runner.cleanup()


class ReviewServer:
    """The answers to one browser. `host` is what requests must name, once the port is known."""

    def __init__(self, review: ServedReview, secret: str, marked: Callable[[], None]) -> None:
        self._review = review
        self._marked = marked
        self.secret = secret
        self.host = ""

    def app(self) -> web.Application:
        """What aiohttp serves."""
        app = web.Application(client_max_size=LARGEST_POST, middlewares=[self._guard])
        app.router.add_get("/{secret}/", self._page)
        app.router.add_get("/{secret}/state", self._state)
        app.router.add_get("/{secret}/image/{key}/{size}", self._image)
        app.router.add_post("/{secret}/marks", self._marks)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let no one in but our own browser, and add what protects the answer."""
        answer = self._refusal(request) or await self._answer(request, handler)
        answer.headers.update(_HEADERS)
        return answer

    def _refusal(self, request: web.Request) -> web.Response | None:
        if request.headers.getall("Host", []) != [self.host]:
            return web.Response(status=403, text="wrong host")
        given = request.match_info.get("secret", "")
        if not hmac.compare_digest(given.encode(), self.secret.encode()):
            return web.Response(status=404, text="not found")
        # Browsers say who asks; only the page itself may be opened from elsewhere: from the file that leads to it.
        if request.headers.get("Sec-Fetch-Site", _OURS) != _OURS and request.path != f"/{self.secret}/":
            return web.Response(status=403, text="wrong site")
        if request.method == "POST" and request.headers.getall("Origin", []) != [f"http://{self.host}"]:
            return web.Response(status=403, text="wrong origin")
        return None

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as refused:
            return web.Response(status=refused.status, text=refused.reason)
        except CampaignError as error:
            return web.Response(status=400 if isinstance(error, UsageError) else 500, text=str(error))

    async def _page(self, request: web.Request) -> web.Response:
        data = await in_thread(self._review.data)
        own = {"Content-Security-Policy": f"{policy(is_served=True)}; frame-ancestors 'none'"}
        return _streamed(document(data), "text/html", _FRESH | own)

    async def _state(self, request: web.Request) -> web.Response:
        data = await in_thread(self._review.data)
        if request.query.get("known") == data["version"]:
            data = {"version": data["version"]}
        return _streamed(pieces(data), "application/json", _FRESH)

    async def _image(self, request: web.Request) -> web.Response:
        key, size = request.match_info["key"], request.match_info["size"]
        if not _KEY.fullmatch(key) or size not in SIZES:
            raise web.HTTPNotFound
        picture = await self._review.picture(key, size)
        if picture is None:
            raise web.HTTPNotFound
        return web.Response(body=picture.content, content_type=picture.media_type, headers=_KEEPING)

    async def _marks(self, request: web.Request) -> web.Response:
        if request.headers.getall("Content-Type", []) != ["application/json"]:
            raise web.HTTPUnsupportedMediaType
        await in_thread(self._review.mark, _lines(await request.read()))
        self._marked()
        return web.Response(text="{}", content_type="application/json", headers=_FRESH)


def _streamed(pieces: Iterator[bytes], media_type: str, headers: Mapping[str, str]) -> web.Response:
    """An answer that is never in memory as a whole; `pieces` may block."""

    async def body() -> AsyncIterator[bytes]:
        while piece := await in_thread(next, pieces, b""):
            yield piece

    return web.Response(body=body(), content_type=media_type, charset="utf-8", headers=headers)


def _lines(content: bytes) -> list[bytes]:
    """The marks of `{"marks": […]}`, each as a line of its own. Raises UsageError."""
    try:
        marks = json.loads(content)["marks"]
        return [json.dumps(mark).encode() for mark in list(marks)]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UsageError(f"this is not a list of marks ({type(error).__name__})") from error
