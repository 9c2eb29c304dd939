"""No token, secret or signature in an error, in what it drags along, or in a log."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import traceback
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from urllib.parse import quote

import pytest

from campaign_runner.errors import CampaignError, ProviderError
from campaign_runner.firefly.client import FireflyClient
from campaign_runner.model import Output, Ticket
from tests.firefly.asking import SECRET, make_job, settings_for
from tests.firefly.raw_server import TOKEN, Act, answer, begin, close, granted, hang, raw_server, reset

SIGNATURE = "canary-signature-77aa"
CANARIES = (TOKEN, SECRET, SIGNATURE)
ECHO = {
    "error_code": "x",
    "message": f"Authorization: Bearer {TOKEN}; token {TOKEN} of {SECRET} https://s3.example/i?X-Amz-Signature={SIGNATURE}",
    "validation_errors": [{"loc": ["body", TOKEN], "msg": f"Bearer {TOKEN}"}],
    "error": "invalid_client",
    "error_description": f"client_secret={SECRET} is wrong, so is {SECRET}",
    "stack_trace": [SIGNATURE],
    "jobId": 7,
    "status": "failed",
}
AWAY = f"https://evil.example/{TOKEN}?X-Amz-Signature={SIGNATURE}"


def escaped(text: str) -> str:
    """`text` as JSON may spell it, too."""
    return "".join(f"\\u{ord(character):04x}" for character in text)


ESCAPED = json.dumps(ECHO).replace(TOKEN, escaped(TOKEN)).replace(SECRET, escaped(SECRET).upper().replace("U", "u"))
MAKES: dict[str, Callable[[str], bytes]] = {
    "gzip": lambda text: gzip.compress(text.encode()),
    "utf-16": lambda text: text.encode("utf-16"),
    "utf-32-be": lambda text: text.encode("utf-32-be"),
    "gzip and more": lambda text: gzip.compress(text.encode()) + b"x",
}
TROUBLES: dict[str, bytes | Act] = {
    "reset": reset,
    "closed": close,
    "silent": hang,
    "half a head": begin(b"HTTP/1.1 202 A\r\n"),
    "cut": answer(202, b"{", length=9, connection="close"),
    "no HTTP": b"garbage\r\n\r\n",
    "a NUL in a header": b"HTTP/1.1 202 A\r\nx: \x00\r\n\r\n",
    "a bad location": answer(302, location="http://[" + TOKEN),
    "redirect": answer(307, location=AWAY),
    **{
        f"echo {status}": answer(status, ECHO)
        for status in (200, 202, 400, 401, 402, 403, 408, 422, 429, 451, 500, 503)
    },
    **{f"escaped echo {status}": answer(status, ESCAPED.encode()) for status in (202, 400, 401, 422, 503)},
    **{
        f"{make} {status}": answer(status, pack(json.dumps(ECHO)))
        for status in (202, 400, 401, 422, 503)
        for make, pack in MAKES.items()
    },
    **{f"cut behind {end} bytes": begin(answer(202, f'{{"x": "{TOKEN}'.encode()[:end], length=99)) for end in (20, 24)},
    "cut in a URL": begin(answer(202, f"https://a/i?X-Amz-Signature={SIGNATURE}".encode(), length=99)),
    "a cut gzip": answer(202, gzip.compress(json.dumps(ECHO).encode())[:-9]),
    **{f"page {status}": answer(status, TOKEN.encode()) for status in (200, 413, 500)},
}


def spellings(canary: str) -> Iterator[str]:
    raw = canary.encode()
    yield from (canary, quote(canary, safe=""), raw.hex())
    yield from (base64.b64encode(raw[shift:])[4:-4].decode() for shift in range(3))


def everything_about(error: BaseException) -> str:
    """The error, what it drags along, and its traceback as a log would show it."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    shown = [text for each in chain for text in (str(each), repr(each), repr(each.args), repr(vars(each)))]
    return "\n".join([*shown, *traceback.format_exception(error)])


def assert_silent(text: str) -> None:
    assert [canary for canary in CANARIES for spelling in spellings(canary) if spelling in text] == []


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    caplog.set_level(logging.DEBUG)
    yield caplog
    assert_silent(caplog.text)


@pytest.mark.parametrize("act", TROUBLES.values(), ids=TROUBLES)
@pytest.mark.parametrize("call", ["submit", "poll", "cancel", "list_models", "token", "fetch"])
async def test_no_error_shows_a_token_a_secret_or_a_signature(
    call: str, act: bytes | Act, everything_logged: pytest.LogCaptureFixture
) -> None:
    tokens = [act] if call == "token" else [granted()]
    async with raw_server(act, tokens=tokens) as server:
        settings = settings_for(server, submit=0.2, read=0.2, image=0.2)
        output = Output(1, f"{server.origin}/i?X-Amz-Signature={SIGNATURE}")
        async with FireflyClient(settings) as firefly:
            ticket = Ticket("urn:1", f"{server.origin}/s?sig={SIGNATURE}")
            calls: dict[str, Callable[[], Awaitable[object]]] = {
                "submit": lambda: firefly.submit(make_job(1)),
                "token": lambda: firefly.submit(make_job(1)),
                "poll": lambda: firefly.poll(ticket),
                "cancel": lambda: firefly.cancel(ticket),
                "list_models": lambda: firefly.list_models(),
                "fetch": lambda: firefly.fetch(output),
            }
            try:
                await calls[call]()
            except ProviderError as error:
                everything_logged.handler.emit(logging.makeLogRecord({"msg": everything_about(error)}))
                assert_silent(everything_about(error))
                assert no_foreign_error_hangs_on(error)


def no_foreign_error_hangs_on(error: BaseException | None) -> bool:
    """Errors of the HTTP library hold the request with its headers, whoever prints them."""
    while error is not None:
        if not (isinstance(error, CampaignError) or type(error).__module__.startswith("campaign_runner")):
            return False
        error = error.__cause__ or error.__context__
    return True


async def test_a_refused_connection_shows_nothing_either() -> None:
    async with raw_server() as server:
        origin = server.origin
    async with FireflyClient(settings_for(origin, ready=TOKEN)) as firefly:
        for call in (firefly.submit(make_job(1)), firefly.fetch(Output(1, f"{origin}/i?s={SIGNATURE}"))):
            with pytest.raises(ProviderError) as caught:
                await call
            assert_silent(everything_about(caught.value))
            assert no_foreign_error_hangs_on(caught.value)


def test_settings_and_client_show_nothing() -> None:
    settings = replace(settings_for("http://127.0.0.1:9", ready=TOKEN), proxy=f"http://me:{SECRET}@proxy:3128")
    assert_silent(f"{settings!r} {settings} {vars(FireflyClient(settings))!r}")


async def test_the_canaries_are_sent_so_that_the_other_tests_can_fail() -> None:
    async with raw_server(answer(500)) as server, FireflyClient(settings_for(server)) as firefly:
        with pytest.raises(ProviderError):
            await firefly.submit(make_job(1))
        assert SECRET in server.token_requests[0].body.decode()
        assert TOKEN in server.calls[0].headers["authorization"]
    with pytest.raises(AssertionError):
        assert_silent(f"oops {base64.b64encode(TOKEN.encode()).decode()}")
