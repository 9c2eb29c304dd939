"""Whatever bytes come back: an answer or a ProviderError, and never a free submit that was not plainly refused."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from campaign_runner.errors import ProviderError
from campaign_runner.firefly.client import FireflyClient
from campaign_runner.model import Output, Ticket
from tests.firefly.asking import make_job, settings_for
from tests.firefly.raw_server import TOKEN, answer, raw_server

ROUNDS = 300
REFUSAL = re.compile(rb"HTTP/\d\.\d (3\d\d|4\d\d|503)")
WHOLE = (
    answer(202, {"jobId": "urn:1", "statusUrl": "https://firefly-api.adobe.io/v3/status/1"}),
    answer(200, {"jobId": "urn:1", "status": "succeeded", "result": {"outputs": [{"seed": 1, "image": {"url": "x"}}]}}),
    answer(429, {"error_code": "rate_limited"}, retry_after="Wed, 21 Oct 2026 07:28:30 GMT"),
    answer(503, b"<html>", content_type="text/html; charset=x"),
    answer(302, location="https://x/"),
    answer(202, b"2\r\n{}\r\n0\r\n\r\n", content_length="", transfer_encoding="chunked", content_encoding="gzip"),
    answer(202, {"jobId": "urn:1"}, set_cookie="a=b; Path=/", link="<https://x>; rel=next"),
)
PIECES = (
    b"\r\n",
    b"\x00",
    b"\xff\xfe",
    b": ",
    b"\r\n ",
    b"HTTP/1.1 100 C\r\n\r\n",
    b"{" * 99,
    b'"',
    b"9" * 30,
    b"-1",
    b";",
)


def spoiled(chance: random.Random) -> bytes:
    """A plausible answer with bytes changed, cut out or put in."""
    whole = bytearray(chance.choice(WHOLE))
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(whole) - 1) if len(whole) > 1 else 0
        match chance.randrange(4):
            case 0:
                whole[at] = chance.randrange(256)
            case 1:
                del whole[at + 1 : at + chance.randint(2, 30)]
            case 2:
                whole[at:at] = chance.choice(PIECES)
            case _:
                del whole[at + 1 :]
    return bytes(whole)


@dataclass
class Answering:
    """An act that says `raw`, whatever it is by then, and closes."""

    raw: bytes = b""

    async def __call__(self, writer: asyncio.StreamWriter) -> None:
        writer.write(self.raw)
        writer.close()


@pytest.mark.parametrize("seed", range(3))
async def test_no_bytes_bring_anything_but_an_answer_or_a_provider_error(seed: int) -> None:
    chance, answering = random.Random(seed), Answering()
    async with raw_server(answering) as server:
        calls: dict[str, Callable[[FireflyClient], Awaitable[object]]] = {
            "submit": lambda firefly: firefly.submit(make_job(1)),
            "poll": lambda firefly: firefly.poll(Ticket("urn:1")),
            "models": lambda firefly: firefly.list_models(),
            "fetch": lambda firefly: firefly.fetch(Output(1, f"{server.origin}/1")),
        }
        async with FireflyClient(settings_for(server, ready=TOKEN, submit=1, read=1, image=1)) as firefly:
            for _ in range(ROUNDS):
                answering.raw, kind = spoiled(chance), chance.choice(["submit", *calls])
                error = await error_of(calls[kind](firefly))
                if kind == "submit" and error is not None and error.charged is False:
                    assert REFUSAL.search(answering.raw), answering.raw


async def error_of(call: Awaitable[object]) -> ProviderError | None:
    try:
        await call
    except ProviderError as error:
        return error
    return None
