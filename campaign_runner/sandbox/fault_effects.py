"""What a fault does to one exchange: before the request is looked at, and after.

Faults of jobs and outputs show in the answers about them; this is about the calls.
"""

from __future__ import annotations

import asyncio
import gzip
import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from aiohttp import web

from campaign_runner.sandbox.answers import OTHER_HOST, prompt_refused
from campaign_runner.sandbox.faults import Fault
from campaign_runner.sandbox.jobs import unknown_job
from campaign_runner.sandbox.noise import GARBLED, make_noise
from campaign_runner.sandbox.recoding import recoded
from campaign_runner.sandbox.refusals import (
    Dropped,
    Refusal,
    api_error,
    ims_error,
    list_error,
    page,
    store_error,
)

Sleep = Callable[[float], Awaitable[None]]


HUGE_MIB = 80
REFUSALS = {
    "400": "bad_request",
    "405": "method_not_allowed",
    "410": "gone",
    "415": "invalid_content_type",
    "422": "validation_error",
}
OUTAGES = {
    # what the token service, the custom models list and the image store call it
    429: ("temporarily_unavailable", "Too Many Requests", "SlowDown"),
    500: ("server_error", "Internal Server Error", "InternalError"),
    503: ("temporarily_unavailable", "Service Unavailable", "SlowDown"),
}


def refusal_of(fault: Fault) -> Refusal | None:
    """The refusal that the fault stands for, if it is one, in the shape of its place."""
    match fault.kind:
        case "429" | "500" | "503":
            return _outage(int(fault.kind), fault)
        case "408":
            return api_error(408, "timeout_error", "The request took too long to arrive.")
        case "html":
            return page(int(fault.word or 502), "Gateway")
        case "redirect":
            return Refusal(307, {"error_code": "moved"}, headers={"Location": f"{OTHER_HOST}/"})
        case "400" | "405" | "410" | "415" | "422":
            return api_error(int(fault.kind), REFUSALS[fault.kind], "This request is not taken.")
        case "413":
            return page(413, "Request Entity Too Large")
        case "402":
            return api_error(402, "payment_required", "No credits are left.")
        case "403":
            return api_error(403, "access_error", headers={"x-access-error": fault.word or "quota_exhausted"})
        case "404":
            return unknown_job() if fault.place == "poll" else api_error(404, "not_found")
        case "451":
            return prompt_refused()
        case _:
            return None


def _outage(http: int, fault: Fault) -> Refusal:
    token_word, reason, code = OUTAGES[http]
    match fault.place:
        case "token":
            refusal = ims_error(token_word, reason, http=http)
        case "models":
            refusal = list_error(http, reason, reason)
        case "download":
            refusal = store_error(http, code, reason)
        case _:
            words = {429: "rate_limited", 500: "runtime_error", 503: "service_unavailable"}
            refusal = api_error(http, words[http], reason)
    if http == 429:
        refusal.headers |= rate_headers(fault.word or str(math.ceil(fault.seconds)))
    elif fault.word:
        refusal.headers |= {"Retry-After": fault.word}
    return refusal


def rate_limited(retry_after: str | None) -> Refusal:
    """429 as documented; `retry_after` is the header's value, seconds or a date."""
    return api_error(429, "rate_limited", "Too many requests.", headers=rate_headers(retry_after))


def rate_headers(retry_after: str | None) -> dict[str, str]:
    """The headers of a 429; the one in question is left out if there is nothing to say."""
    headers = {"x-access-rate-limit-level": "org"}
    return headers if retry_after is None else headers | {"Retry-After": retry_after}


async def before(faults: Sequence[Fault], sleep: Sleep) -> None:
    """What strikes on arrival; raises Refusal or Dropped for all but the slow ones."""
    for fault in faults:
        if fault.kind == "slow":
            await sleep(fault.seconds)
        if fault.kind == "reset":
            raise Dropped
        if refusal := refusal_of(fault):
            raise refusal


async def after(
    faults: Sequence[Fault], request: web.Request, response: web.StreamResponse, *, sleep: Sleep
) -> web.StreamResponse:
    """The answer as it goes out, once the request has had its effect."""
    for fault in faults:
        match fault.kind:
            case "slow_after":
                await sleep(fault.seconds)
            case "500_after":
                return api_error(500, "runtime_error", "Something went wrong.").response()
            case "reset_after":
                return drop(request)
            case "garbled" if isinstance(response, web.Response) and isinstance(response.body, bytes):
                body = GARBLED[fault.word] if fault.word else response.body[: len(response.body) // 2]
                return web.Response(body=body, status=response.status, content_type="application/json")
            case "recoded" if isinstance(response, web.Response):
                response = recoded(response, fault.word)
            case "noise":
                return await make_noise(request, fault.word)
    return response


def drop(request: web.Request) -> web.Response:
    """Cut the connection at once; what is returned reaches no one."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def send_half(request: web.Request, body: bytes, media_type: str) -> web.StreamResponse:
    """Announce all of `body`, send half of it, and cut the connection."""
    response = web.StreamResponse(headers={"Content-Type": media_type, "Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    await asyncio.sleep(0)
    drop(request)
    return response


async def send_unfinished(request: web.Request, body: bytes, media_type: str) -> web.Response:
    """Half of `body`, whose end is the end of the connection, as if that were all."""
    if request.transport is not None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nConnection: close\r\n\r\n"
        request.transport.write(head.encode() + body[: len(body) // 2])
        request.transport.close()
    return web.Response()


def compressed(body: bytes, media_type: str) -> web.Response:
    """Half of `body` as a gzip stream that ends too early, with a length that agrees."""
    stream = gzip.compress(body, mtime=0)
    headers = {"Content-Encoding": "gzip", "Content-Type": media_type}
    return web.Response(body=stream[: len(stream) // 2], headers=headers)


async def send_slowly(
    request: web.Request, body: bytes, media_type: str, *, pause: Callable[[], Awaitable[None]]
) -> web.StreamResponse:
    """`body` byte by byte, unless the caller leaves."""
    response = web.StreamResponse(headers={"Content-Type": media_type, "Content-Length": str(len(body))})
    await response.prepare(request)
    with suppress(ConnectionError):
        for at in range(len(body)):
            await response.write(body[at : at + 1])
            await pause()
    return response


async def send_huge(request: web.Request, media_type: str) -> web.StreamResponse:
    """More bytes than any picture has, without saying how many, unless the caller leaves."""
    response = web.StreamResponse(headers={"Content-Type": media_type})
    await response.prepare(request)
    with suppress(ConnectionError):
        for _ in range(HUGE_MIB):
            await response.write(bytes(2**20))
    return response
