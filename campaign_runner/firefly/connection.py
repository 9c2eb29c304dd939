"""One exchange over the network: a request goes out, a complete answer or the reason for none comes back.

Nothing foreign leaves this module: errors of the HTTP library carry the token in their
repr and signed URLs in their text, so they end here as a `Lost`, which names a host and
a cause. `Lost.sent` decides about money: False means that not one byte of the request
left this machine.
"""

from __future__ import annotations

import asyncio
import errno
import os
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from typing import Any, Protocol

import aiohttp
from yarl import URL

from campaign_runner.firefly.protocol.hosts import origin_of
from campaign_runner.firefly.protocol.wire import Request, Response
from campaign_runner.firefly.settings import Timeouts
from campaign_runner.tasks import PatientTimeout, Turns
from campaign_runner.uptime import Deadline

_USER_AGENT = "campaign-runner/0.1"
_BEGUN_TOGETHER = 4
"""Exchanges that begin in one turn of the loop, a few milliseconds; what comes together then shares transactions."""
_MOST_BEGUN = 16 * 1024  # bytes kept of an answer that did not come whole


@dataclass(frozen=True, slots=True)
class Lost:
    """No complete answer. `sent`: a byte of the request may have left. `answered`: an answer had begun.

    `origin` is where the request was to go, `begun` is that answer as far as it came, for showing alone.
    """

    host: str
    cause: str
    sent: bool = True
    answered: bool = False
    is_certificate: bool = False  # the other side is not who it says it is: asking again is no use
    is_too_large: bool = False
    is_too_late: bool = False  # the deadline was over once the connection stood
    begun: Response | None = None
    origin: str = ""
    is_refused: bool = False  # no program takes connections there
    is_proxy: bool = False  # the proxy is why

    def __str__(self) -> str:
        return f"{self.host}: {self.cause}"


class _TooLarge(Exception):
    pass


class _TooSlow(Exception):
    pass


class _TooLate(Exception):
    pass


_FOREIGN = (aiohttp.ClientError, TimeoutError, OSError, ValueError, _TooLarge, _TooSlow, _TooLate)


class Connection:
    """A pool of connections for one kind of call. `fresh`: a new one for each, never a stale one, for what costs money.

    Whether a byte of that has left is told by the library's documented signals, which call far more than they tell; of
    what is free, by the request.
    """

    def __init__(self, limits: Timeouts, *, fresh: bool = False, proxy: str | None = None) -> None:
        self._limits = limits
        self._proxy = proxy
        self._turns = Turns(_BEGUN_TOGETHER)
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=fresh),
            headers={"User-Agent": _USER_AGENT, "Accept-Encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect),  # `exchange` keeps to the total
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # a small compressed body may unpack to gigabytes
            trust_env=False,
            request_class=aiohttp.ClientRequest if fresh else _TellingRequest,
            trace_configs=[_tracing()] if fresh else None,
        )

    async def close(self) -> None:
        await self._http.close()

    async def exchange(
        self, request: Request, most_bytes: int | None = None, *, deadline: Deadline | None = None
    ) -> Response | Lost:
        """Send `request` once, unless `deadline` is over by then. Redirects are answers like any other, never followed.

        `most_bytes` may lower what an answer may have.
        """
        progress, limits = _Progress(deadline), self._limits
        if most_bytes is not None and most_bytes < limits.most_bytes:
            limits = _lowered(limits, most_bytes)
        await self._turns.own()
        is_https = request.url[:6].lower() == "https:"
        _UNDER_WAY.set(progress)
        try:
            asked = self._http.request(
                request.method,
                URL(request.url, encoded=True),  # a signature covers the URL as it was given
                data=BytesIO(request.body) if request.body else None,  # in pieces: an upload is up to 15 MB
                headers=request.headers,
                allow_redirects=False,
                proxy=self._proxy if is_https else None,  # through http a proxy would read the token
                trace_request_ctx=progress,
            )
            async with PatientTimeout(limits.total), asked as answer:
                headers = {name.lower(): value for name, value in answer.headers.items()}
                media_type = answer.content_type.lower()
                progress.answer = Response(answer.status, headers, b"", media_type)
                return Response(answer.status, headers, await _read(answer, progress, limits), media_type)
        except _FOREIGN as error:
            return _lost(request, error, progress, limits)


@lru_cache(maxsize=16)
def _lowered(limits: Timeouts, most_bytes: int) -> Timeouts:
    return replace(limits, most_bytes=most_bytes)


class Stream(Protocol):
    """Bytes as they come; empty at the end."""

    async def readany(self) -> bytes: ...


class TransferWatch(Protocol):
    """Fires at a moment of the loop's clock, unless moved."""

    def reschedule(self, when: float | None, /) -> None: ...


@dataclass(slots=True)
class _Progress:
    """How far one exchange has come. `answer` is without its body, of which `start` are the first bytes."""

    deadline: Deadline | None = None
    sent: bool = False
    answer: Response | None = None
    start: bytes = b""
    content: Stream | None = None

    @property
    def begun(self) -> Response | None:
        """The answer with its first bytes, whatever happens to the rest."""
        return self.answer and replace(self.answer, body=self.start)

    async def readany(self) -> bytes:
        part = await self.content.readany() if self.content is not None else b""
        if len(self.start) < _MOST_BEGUN:
            self.start += part[:_MOST_BEGUN]
        return part


async def _read(answer: aiohttp.ClientResponse, progress: _Progress, limits: Timeouts) -> bytes:
    """The body, whole by its framing. Raises what the library raises, _TooLarge or _TooSlow."""
    progress.content = answer.content
    if limits.window is not None and (answer.content_length or 0) > limits.most_bytes:
        raise _TooLarge  # an image; how an answer in words begins is worth waiting for
    watch = asyncio.timeout(limits.window)
    if limits.window is None:
        return await gather(progress, watch, limits)
    try:
        async with watch:
            return await gather(progress, watch, limits)
    except TimeoutError:
        if watch.expired():
            raise _TooSlow from None
        raise


async def gather(content: Stream, watch: TransferWatch, limits: Timeouts) -> bytes:
    """All of `content`, as it comes; each window's worth of bytes moves the watch on by a window."""
    parts, size, mark = [], 0, 0
    while part := await content.readany():
        parts.append(part)
        size += len(part)
        if size > limits.most_bytes:
            raise _TooLarge
        if limits.window is not None and size - mark >= limits.pace * limits.window:
            mark = size
            watch.reschedule(asyncio.get_running_loop().time() + limits.window)
    return b"".join(parts)


_UNDER_WAY: ContextVar[_Progress] = ContextVar("under_way")
"""The exchange of this task."""


class _TellingRequest(aiohttp.ClientRequest):
    """Tells its exchange that it leaves, once the connection stands."""

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        _UNDER_WAY.get().sent = True
        return await super().send(conn)


def _tracing() -> aiohttp.TraceConfig:
    """Tell each exchange's progress, and look at its deadline, just before the first byte of its request is written."""
    tracing = aiohttp.TraceConfig()
    tracing.on_request_headers_sent.append(_mark_sent)
    return tracing


async def _mark_sent(_: aiohttp.ClientSession, context: Any, __: aiohttp.TraceRequestHeadersSentParams) -> None:
    progress: _Progress = context.trace_request_ctx
    if progress.deadline is not None and progress.deadline.is_over:
        raise _TooLate
    progress.sent = True


def _lost(request: Request, error: Exception, progress: _Progress, limits: Timeouts) -> Lost:
    return Lost(
        request.host,
        cause_of(error, limits, sent=progress.sent),
        sent=progress.sent,
        answered=progress.answer is not None,
        is_too_large=isinstance(error, _TooLarge),
        is_too_late=isinstance(error, _TooLate),
        is_certificate=isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ServerFingerprintMismatch),
        begun=progress.begun,
        origin=origin_of(request.url),
        is_refused=isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno == errno.ECONNREFUSED,
        is_proxy=isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError),
    )


def cause_of(error: Exception, limits: Timeouts, *, sent: bool) -> str:
    """Why, in words of ours: nothing of the error's own text, which may hold a URL or a header."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            reason = getattr(error.certificate_error, "verify_message", "")  # OpenSSL's, of the certificate alone
            return f"its certificate is not valid ({reason or 'it does not match'}){_own_authority(reason)}"
        case aiohttp.ClientConnectorDNSError():
            return "its name cannot be resolved"
        case aiohttp.ClientProxyConnectionError():
            return "the proxy cannot be reached"
        case aiohttp.ClientHttpProxyError():
            return f"the proxy answered {error.status}"
        case aiohttp.ClientSSLError():
            return "no secure connection could be made"
        case _TooLarge():
            return f"the answer is larger than {limits.most_bytes // 1024 // 1024} MiB"
        case _TooLate():
            return "the permission to send was too old once the connection was made"
        case _TooSlow():
            return f"the answer arrived slower than {limits.pace / 1024:g} KiB a second"
        case TimeoutError() if not sent:
            return "no connection was made in time"
        case TimeoutError():
            return f"no complete answer within {limits.total:g} seconds"
        case aiohttp.ClientConnectorError() if error.os_error.errno:
            return os.strerror(error.os_error.errno).lower()
        case aiohttp.ClientPayloadError():
            return "the answer was cut off"
        case aiohttp.ClientResponseError():
            return "the answer is not HTTP"
        case aiohttp.ClientConnectionError() | OSError():
            return "the connection broke"
        case _:
            return "the connection failed"


def _own_authority(reason: str) -> str:
    """What to do where a company signs certificates itself, as its proxies do."""
    if "self" not in reason and "issuer" not in reason:
        return ""
    return "; if your company signs its own, set SSL_CERT_FILE to the file of its authorities"
