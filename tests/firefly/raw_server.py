"""A TCP server on 127.0.0.1 that says exactly the bytes it is told to, or breaks off where it is told to.

It does not speak HTTP, so it can answer what no HTTP server would. Requests for a token
are answered by `tokens`, everything else by `answers`; the last of a list goes on for ever.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

LOOPBACK = "127.0.0.1"
TOKEN = "canary-token-9f3a61"


@dataclass(frozen=True)
class Asked:
    """A request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Act = Callable[[asyncio.StreamWriter], Awaitable[None]]


def answer(status: int, body: object = b"", *, length: int | None = None, **headers: str) -> bytes:
    """A whole answer. `length` lies about the body's; a header `retry_after` is sent as `retry-after`."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"content-type": "application/json", "content-length": str(len(raw) if length is None else length)}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} word", *(f"{name}: {value}" for name, value in named.items() if value)]
    return "\r\n".join([*lines, "", ""]).encode() + raw


def granted(token: str = TOKEN) -> bytes:
    return answer(200, {"access_token": token, "token_type": "bearer", "expires_in": 86399})


async def reset(writer: asyncio.StreamWriter) -> None:
    """Drop the connection without a word."""
    writer.transport.abort()


async def close(writer: asyncio.StreamWriter) -> None:
    """End the connection in good order, without a word."""
    writer.close()


async def hang(writer: asyncio.StreamWriter) -> None:
    """Say nothing until the other side gives up."""
    await writer.wait_closed()


def begin(head: bytes) -> Act:
    """Say `head`, then nothing more."""

    async def act(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        await writer.drain()
        await writer.wait_closed()

    return act


@dataclass
class RawServer:
    answers: Sequence[bytes | Act]
    tokens: Sequence[bytes | Act] = field(default_factory=lambda: [granted()])
    asked: list[Asked] = field(default_factory=list)
    origin: str = ""
    connections: int = 0

    @property
    def token_requests(self) -> list[Asked]:
        return [request for request in self.asked if request.path.startswith("/ims/")]

    @property
    def calls(self) -> list[Asked]:
        return [request for request in self.asked if not request.path.startswith("/ims/")]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (request := await _read_request(reader)) is not None:
                await self._respond(request, writer)
                if writer.is_closing():
                    return
        except (ConnectionError, asyncio.CancelledError, ssl.SSLError):
            return  # the client gave up, or the test is over
        finally:
            writer.close()

    async def _respond(self, request: Asked, writer: asyncio.StreamWriter) -> None:
        self.asked.append(request)
        done, script = (
            (self.token_requests, self.tokens) if request.path.startswith("/ims/") else (self.calls, self.answers)
        )
        act = script[min(len(done), len(script)) - 1]
        if isinstance(act, bytes):
            writer.write(act)
            await writer.drain()
            if b"\r\nconnection: close" in act:
                writer.close()
        else:
            await act(writer)


async def _read_request(reader: asyncio.StreamReader) -> Asked | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    method, path, _ = head[0].split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    return Asked(method, path, headers, await reader.readexactly(int(headers.get("content-length", 0))))


@asynccontextmanager
async def raw_server(
    *answers: bytes | Act, tokens: Sequence[bytes | Act] | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[RawServer]:
    """A server with a script, on a free port of 127.0.0.1."""
    server = RawServer(answers or [answer(500)], tokens or [granted()])
    listening = await asyncio.start_server(server.serve, LOOPBACK, 0, ssl=tls)
    port = listening.sockets[0].getsockname()[1]
    server.origin = f"{'https' if tls else 'http'}://{LOOPBACK}:{port}"
    try:
        yield server
    finally:
        listening.close()
