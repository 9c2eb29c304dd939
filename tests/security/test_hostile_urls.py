"""Whatever URLs an answer names, no stranger hears of us. Strangers are sinks on 127.0.0.2 and on other ports.

Which hosts are trusted at all is a pure function with its own table (`firefly/protocol/test_hosts.py`); here real
answers carry five hundred URLs to the real client, and real servers count what arrives.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import asynccontextmanager

import pytest

from campaign_runner.errors import AccountRefused, BlockedHost, ProviderError, Unavailable
from campaign_runner.firefly.client import FireflyClient
from campaign_runner.firefly.credentials import Credentials, Secret
from campaign_runner.firefly.settings import Settings
from campaign_runner.model import Cell, Job, Output, Recipe, Size, Ticket, Variation
from tests.firefly.raw_server import LOOPBACK, RawServer, answer, raw_server
from tests.leaks import check_strangers

STRANGER = "127.0.0.2"
HOSTS = (
    STRANGER, "127.1", "127.0.1", "2130706433", "2130706434", "0x7f000001", "0x7f000002", "0x7f.0.0.1", "0177.0.0.1",
    "017700000001", "127.000.000.001", "127.0.0.1.", "127.0.0.2.", "localhost", "LOCALHOST", "localhost.", "[::1]",
    "[::ffff:127.0.0.1]", "[::ffff:127.0.0.2]", "[::ffff:7f00:2]", "127.0.0.1.evil.example", "evil.example",
    "adobe.io.evil.example", "１２７.0.0.2", "127。0。0。2", "127.0.0.2%00", "127.0.0.1%2e", "%31%32%37.0.0.2", "*", "",
)  # fmt: skip
"""A name is never looked up, a number never understood: the guard over the suite would tell."""
URLS = (
    "http://{host}:{port}/v3/status/1", "https://{host}:{port}/v3/status/1", "http://{host}/v3/status/1",
    "//{host}:{port}/", "http:{host}:{port}/", "http:///{host}:{port}/", "http:\\\\{host}:{port}\\", "{host}:{port}",
    "http://127.0.0.1@{host}:{port}/", "http://127.0.0.1:80@{host}:{port}/", "http://127.0.0.1\\@{host}:{port}/",
    "http://127.0.0.1#@{host}:{port}/", "http://{host}:{port}\\.127.0.0.1/", "ws://{host}:{port}/",
    "\thttp://{host}:{port}/", "ht\ntp://{host}:{port}/", "http://{host}:{port}/\r\nx-api-key: x", "ftp://{host}:{port}/",
    "file://{host}/etc/passwd", "javascript:fetch('//{host}:{port}')",
)  # fmt: skip


def hostile_urls(port: int) -> list[str]:
    return [url.format(host=host, port=port) for url, host in itertools.product(URLS, HOSTS)]


def one_job() -> Job:
    recipe = Recipe.of("image3", {"prompt": "almond candle", "size": {"width": 1024, "height": 1024}}, None)
    cell = Cell("candle", "hero", "plain", None, Size(1024, 1024))
    return Job(recipe, (Variation(recipe.key(1), 1, cell, "almond candle"),))


@asynccontextmanager
async def asking(server: RawServer) -> AsyncIterator[FireflyClient]:
    credentials = Credentials("me", Secret("hush-hush-hush"), Secret("a-token"))
    async with FireflyClient(Settings(server.origin, server.origin, credentials)) as firefly:
        yield firefly


@asynccontextmanager
async def sink(host: str = STRANGER) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that answers nothing and keeps every byte it is told."""
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(b"")
        while piece := await reader.read(65536):
            heard[-1] += piece
        writer.close()

    server = await asyncio.start_server(listen, host, 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heard


async def test_the_token_goes_to_none_of_five_hundred_hostile_addresses() -> None:
    async with sink() as (port, heard):
        urls = hostile_urls(port)
        accepted = [answer(202, {"jobId": "urn:1", "statusUrl": url, "cancelUrl": url}) for url in urls]
        polled = answer(200, {"jobId": "urn:1", "status": "running"})
        script = list(itertools.chain.from_iterable((each, polled, polled) for each in accepted))
        async with raw_server(*script) as server, asking(server) as firefly:
            for _ in urls:
                ticket = await firefly.submit(one_job())
                await firefly.poll(ticket)
                await firefly.cancel(ticket)
    assert len(urls) >= 500
    assert heard == []
    paths = [call.path for call in server.calls]
    assert len(paths) == 3 * len(urls), "each was asked at the place the origin is known to have"
    assert set(paths) == {"/v3/images/generate-async", "/v3/status/urn%3A1", "/v3/cancel/urn%3A1"}


async def test_an_image_is_fetched_from_none_of_them() -> None:
    async with sink() as (port, heard), raw_server() as server, asking(server) as firefly:
        for url in filter(None, hostile_urls(port)):
            with pytest.raises(BlockedHost, match="not contacted"):
                await firefly.fetch(Output(1, url))
    assert heard == []
    assert server.asked == []


async def test_an_image_on_another_port_of_the_sandbox_is_asked_for_without_credentials() -> None:
    async with raw_server(answer(200, b"bytes")) as store, raw_server() as server, asking(server) as firefly:
        await firefly.fetch(Output(1, f"{store.origin}/1"))
    (asked,) = store.asked
    check_strangers([f"{name}: {value}".encode() for name, value in asked.headers.items()])


def targets(port: int) -> Sequence[str]:
    """Where a redirect may lead: a stranger, another port, another scheme, and back to where it came from."""
    return (f"http://{STRANGER}:{port}/", f"//{STRANGER}:{port}/", f"https://{STRANGER}:{port}/", "/v3/elsewhere",
            f"http://{LOOPBACK}:{port}/steal", f"http://me:hush@{STRANGER}:{port}/")  # fmt: skip


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 306, 307, 308, 399])
async def test_no_redirect_leads_anywhere(status: int) -> None:
    async with sink() as (port, heard):
        places = targets(port)
        script = [answer(status, location=place) for place in places for _ in range(6)]
        async with raw_server(*script) as server, asking(server) as firefly:
            for call in itertools.chain.from_iterable(calls(firefly, server.origin) for _ in places):
                with pytest.raises((AccountRefused, Unavailable)):
                    await call
    assert heard == []
    assert len(server.calls) == 6 * len(places), "nothing was asked twice"


def calls(firefly: FireflyClient, origin: str) -> Iterator[Awaitable[object]]:
    ticket = Ticket("urn:1", f"{origin}/v3/status/urn:1", f"{origin}/v3/cancel/urn:1")
    yield firefly.submit(one_job())
    yield firefly.poll(ticket)
    yield firefly.cancel(ticket)
    yield firefly.list_models()
    yield firefly.upload(b"bytes", "image/png")
    yield firefly.fetch(Output(1, f"{origin}/1"))


async def test_a_redirected_request_for_a_token_leaves_the_secret_where_it_was() -> None:
    async with sink() as (port, heard):
        away = answer(307, location=f"http://{STRANGER}:{port}/ims/token/v3")
        async with raw_server(tokens=[away]) as server:
            credentials = Credentials("me", Secret("hush-hush-hush"))
            async with FireflyClient(Settings(server.origin, server.origin, credentials)) as firefly:
                with pytest.raises(ProviderError):
                    await firefly.sign_in()
    assert heard == []
