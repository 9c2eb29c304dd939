"""Answers as bytes on a line: spoiled status lines, headers and framing, to each call of the client."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from campaign_runner.errors import InDoubt, ProviderError
from campaign_runner.firefly.client import FireflyClient
from campaign_runner.firefly.credentials import Credentials, Secret
from campaign_runner.firefly.settings import Settings, Timeouts
from campaign_runner.model import Cell, Job, Output, Recipe, Size, Ticket, Variation
from tests.firefly.raw_server import TOKEN, answer, granted, raw_server
from tests.fuzz.answers_fuzz import BODIES, OWN, WAITS, check_shown
from tests.fuzz.fuzzing import Target, spoiled

SECRET = "canary-secret-51c7e2"
REFUSAL = re.compile(rb"HTTP/\d\.\d +(3\d\d|4\d\d|503)")
PIECES = (
    b"\r\n", b"\n", b"\r\n\r\n", b"\x00", b"\xff\xfe", b": ", b"\r\n ", b"\r\n\t", b"HTTP/1.1 100 C\r\n\r\n",
    b"HTTP/1.1 103 H\r\n\r\n", b"HTTP/2 200\r\n", b"\r\ncontent-length: 7", b"\r\ncontent-length: -1", b"0\r\n\r\n",
    b"\r\ntransfer-encoding: chunked", b"\r\ncontent-encoding: gzip", b"\r\nset-cookie: a=b", b"fffffffffffffff\r\n",
    b"\r\nlocation: http://127.0.0.2:9/", b"\r\nconnection: close", b"\r\nconnection: upgrade\r\nupgrade: x",
    b"{" * 99, b'"', b"9" * 30, b"-1", b";", b"a" * 9000, b"\r\nx: " * 200,
)  # fmt: skip
LIMITS = Timeouts(total=1, most_bytes=1 << 20)


@dataclass(frozen=True)
class Exchange:
    """A call, and what the other side says to it before it closes."""

    kind: str
    raw: bytes


def job() -> Job:
    size = Size(1024, 1024)
    recipe = Recipe.of("image3", {"prompt": "almond candle", "size": {"width": 1024, "height": 1024}})
    cell = Cell("candle", "hero", "plain", None, size)
    return Job(recipe, (Variation(recipe.key(1), 1, cell, "almond candle"),))


CALLS: Mapping[str, Callable[[FireflyClient, str], Awaitable[object]]] = {
    "submit": lambda firefly, origin: firefly.submit(job()),
    "poll": lambda firefly, origin: firefly.poll(Ticket("urn:ff:jobs:1")),
    "cancel": lambda firefly, origin: firefly.cancel(Ticket("urn:ff:jobs:1")),
    "models": lambda firefly, origin: firefly.list_models(),
    "upload": lambda firefly, origin: firefly.upload(b"x" * 100, "image/png"),
    "fetch": lambda firefly, origin: firefly.fetch(Output(1, f"{origin}/1")),
    "token": lambda firefly, origin: firefly.sign_in(),
}


def make(chance: Random) -> Exchange:
    kind = chance.choice(["submit", *CALLS])
    status = chance.choice((202, 302, 400, 401, 403, 404, 408, 429, 451, 500, 503)) if chance.random() < 0.5 else 200
    said = chance.choice(BODIES if kind == "fetch" or chance.random() < 0.4 else OWN[kind])
    wait = chance.choice(("", *WAITS)).encode("ascii", "ignore").decode()
    whole = answer(status, said, retry_after=wait)
    if chance.random() < 0.2:
        body = json.dumps(said).encode()
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:9], body[9:]) if part) + b"0\r\n\r\n"
        whole = answer(status, chunks, content_length="", transfer_encoding="chunked")
    return Exchange(kind, whole if chance.random() < 0.1 else spoiled(chance, whole, PIECES, most=2))


def hold(exchange: Exchange, folder: Path) -> str:
    """An answer or a ProviderError; a submit is free only after a status line that refuses it."""
    error = asyncio.run(_error_of(exchange))
    if error is None:
        return f"{exchange.kind} answered"
    check_shown(error)
    assert TOKEN not in str(error) and SECRET not in str(error), error
    if exchange.kind == "submit":
        assert error.charged is not False or REFUSAL.search(exchange.raw), (error, exchange.raw)
    else:
        assert not isinstance(error, InDoubt)
    return f"{exchange.kind} refused"


async def _error_of(exchange: Exchange) -> ProviderError | None:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(exchange.raw)
        writer.close()

    is_token = exchange.kind == "token"
    async with raw_server(say, tokens=[say if is_token else granted()]) as server:
        credentials = Credentials("canary-client", Secret(SECRET), None if is_token else Secret(TOKEN))
        settings = Settings(server.origin, server.origin, credentials, submit=LIMITS, read=LIMITS, image=LIMITS)
        async with FireflyClient(settings) as firefly:
            try:
                await CALLS[exchange.kind](firefly, server.origin)
            except ProviderError as error:
                return error
    return None


HTTP = Target(
    "http", 40, make, hold, frozenset(f"{kind} {became}" for kind in CALLS for became in ("answered", "refused"))
)
