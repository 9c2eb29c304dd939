"""The client against a server that breaks off, lies and redirects: what each call costs, and who sees what."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from campaign_runner.errors import (
    SAME_TOKEN,
    AccountRefused,
    BlockedHost,
    Damaged,
    InDoubt,
    LinkExpired,
    ProviderError,
    Throttled,
    Unavailable,
    UsageError,
)
from campaign_runner.firefly.client import FireflyClient
from campaign_runner.firefly.connection import Lost, gather
from campaign_runner.firefly.credentials import Credentials, Secret
from campaign_runner.firefly.losses import lost_image, lost_read
from campaign_runner.firefly.settings import Settings, Timeouts
from campaign_runner.model import Job, Output, Ticket
from campaign_runner.ports import Permit
from campaign_runner.uptime import Deadline
from tests.firefly.asking import make_job, settings_for
from tests.firefly.raw_server import TOKEN, Act, answer, begin, close, granted, hang, raw_server, reset

ACCEPTED = answer(202, {"jobId": "urn:1"})
RUNNING = answer(200, {"jobId": "urn:1", "status": "running"})
TICKET = Ticket("urn:1")
CLOSING: dict[str, Any] = {"connection": "close"}  # a header, as `answer` takes it
SOON = 0.2  # seconds a hanging answer is waited for

Call = Callable[[FireflyClient], Awaitable[object]]
CALLS: dict[str, Call] = {
    "submit": lambda firefly: firefly.submit(make_job(1)),
    "poll": lambda firefly: firefly.poll(TICKET),
    "cancel": lambda firefly: firefly.cancel(TICKET),
    "models": lambda firefly: firefly.list_models(),
}
READS = {name: call for name, call in CALLS.items() if name != "submit"}

UNANSWERED = {
    "reset after the request": reset,
    "closed without an answer": close,
    "no answer in time": hang,
    "a status line and no more": begin(b"HTTP/1.1 202 Accepted\r\n"),
    "headers without an end": begin(b"HTTP/1.1 202 Accepted\r\nx: y\r\n"),
    "half a body": begin(answer(202, {"jobId": "urn:1"}, length=99)),
    "half a body, then closed": answer(202, {"jobId": "urn:1"}, length=99, **CLOSING),
    "half a refusal, then closed": answer(429, {"error_code": "rate_limited"}, length=99, **CLOSING),
    "no HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
    "two lengths": b"HTTP/1.1 202 A\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}x",
    "a length and chunks": answer(202, b"2\r\n{}\r\n0\r\n\r\n", transfer_encoding="chunked"),
    "a bad chunk": b"HTTP/1.1 202 A\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n",
    "a NUL in a header": b"HTTP/1.1 202 A\r\nx: \x00\r\ncontent-length: 2\r\n\r\n{}",
    "status 99": b"HTTP/1.1 99 A\r\ncontent-length: 2\r\n\r\n{}",
    "a huge header": b"HTTP/1.1 202 A\r\nx: " + b"x" * 100_000 + b"\r\n\r\n",
    "informed for ever": begin(b"HTTP/1.1 103 Hints\r\n\r\n" * 50),
    "too large": answer(202, b'{"jobId": "urn:1", "x": "' + b"x" * 2**20 + b'"}'),
    "too large and refused": answer(429, b"x" * (2**20 + 1)),
    "too large without a length": answer(202, b"x" * (2**20 + 1), content_length="", **CLOSING),
}


@pytest.mark.parametrize("act", UNANSWERED.values(), ids=UNANSWERED)
async def test_a_submit_that_left_without_a_complete_answer_is_in_doubt_and_not_repeated(act: bytes | Act) -> None:
    async with raw_server(act) as server, FireflyClient(settings_for(server, submit=SOON)) as firefly:
        with pytest.raises(InDoubt, match="no answer came") as caught:
            await firefly.submit(make_job(1))
        assert len(server.calls) == 1
        assert caught.value.code == "no_answer" and caught.value.sent


async def test_where_the_permit_is_too_old_once_the_connection_stands_not_one_byte_leaves() -> None:
    async with raw_server(answer(202, {"jobId": "urn:1"})) as server, FireflyClient(settings_for(server)) as firefly:
        with pytest.raises(Unavailable, match="nothing was sent") as caught:
            await firefly.submit(make_job(1), Permit(1, Deadline(0.0)))
        assert (caught.value.sent, caught.value.charged, caught.value.code) == (False, False, "too_late")
        await asyncio.sleep(0)
        assert server.calls == []
        assert (await firefly.submit(make_job(1), Permit(2, Deadline(900.0)))).job_id == "urn:1"


@pytest.mark.parametrize("act", UNANSWERED.values(), ids=UNANSWERED)
async def test_a_read_without_a_complete_answer_may_be_repeated(act: bytes | Act) -> None:
    async with raw_server(act) as server, FireflyClient(settings_for(server, ready=TOKEN, read=SOON)) as firefly:
        with pytest.raises(Unavailable, match="no answer"):
            await firefly.poll(TICKET)


BEGUN = {
    "half a body": begin(answer(202, {"jobId": "urn:1"}, length=99)),
    "half a body, then closed": answer(202, {"jobId": "urn:1"}, length=99, **CLOSING),
    "too large": answer(202, b'{"jobId": "urn:1"}' + b" " * 2**20),
    "too large without a length": answer(202, b'{"jobId": "urn:1"}' + b" " * 2**20, content_length="", **CLOSING),
    "half of a packed body": begin(answer(202, gzip.compress(b'{"jobId": "urn:1"}'), length=99)),
}


@pytest.mark.parametrize("act", BEGUN.values(), ids=BEGUN)
async def test_of_an_acceptance_that_does_not_come_whole_the_beginning_is_kept(act: bytes | Act) -> None:
    async with raw_server(act) as server, FireflyClient(settings_for(server, submit=SOON)) as firefly:
        with pytest.raises(InDoubt) as caught:
            await firefly.submit(make_job(1))
    assert caught.value.answer == '{"jobId": "urn:1"}'


async def test_the_beginning_of_a_refusal_that_does_not_come_whole_is_not_taken_for_an_acceptance() -> None:
    act = begin(answer(429, {"jobId": "urn:1"}, length=99))
    async with raw_server(act) as server, FireflyClient(settings_for(server, submit=SOON)) as firefly:
        with pytest.raises(InDoubt) as caught:
            await firefly.submit(make_job(1))
    assert caught.value.answer == ""


ANSWERED = {"jobId": "urn:1", "status": "running", "custom_models": [], "images": [{"id": "u"}], "x": "é"}
TEXT = json.dumps(ANSWERED, ensure_ascii=False)
OTHER_MAKES = {
    "gzip": answer(200, gzip.compress(TEXT.encode()), content_encoding="gzip"),
    "gzip, unsaid": answer(200, gzip.compress(TEXT.encode())),
    "a byte order mark": answer(200, TEXT.encode("utf-8-sig")),
    "UTF-16": answer(200, TEXT.encode("utf-16")),
    "UTF-16, unmarked": answer(200, TEXT.encode("utf-16-le")),
}


@pytest.mark.parametrize("act", OTHER_MAKES.values(), ids=OTHER_MAKES)
@pytest.mark.parametrize("call", [*CALLS.values(), lambda firefly: firefly.upload(b"x", "image/png")])
async def test_an_answer_of_another_make_is_read_whatever_was_asked(call: Call, act: bytes) -> None:
    async with raw_server(act) as server, FireflyClient(settings_for(server)) as firefly:
        await call(firefly)
        assert len(server.calls) == 1


async def test_a_token_and_a_refusal_are_read_in_another_make_too() -> None:
    token = gzip.compress(json.dumps({"access_token": "t", "expires_in": "86399"}).encode("utf-16"))
    refusal = answer(408, gzip.compress(b'{"error_code": "timeout_error"}'), content_encoding="gzip")
    async with (
        raw_server(refusal, tokens=[answer(200, token)]) as server,
        FireflyClient(settings_for(server)) as firefly,
    ):
        with pytest.raises(Unavailable, match="timeout_error"):  # Adobe's word in JSON, so certainly not charged
            await firefly.submit(make_job(1))


async def closed_port() -> str:
    async with raw_server() as server:
        return server.origin


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_what_never_left_may_be_sent_again_and_names_where_it_was_to_go(call: Call) -> None:
    origin = await closed_port()
    async with FireflyClient(settings_for(origin, ready=TOKEN)) as firefly:
        with pytest.raises(Unavailable, match=f"no program listens at {origin}") as caught:
            await call(firefly)
    assert not caught.value.reached and not caught.value.sent
    assert "PROXY" not in str(caught.value)


@pytest.mark.parametrize(
    ("ready", "variable"), [(TOKEN, "CAMPAIGN_RUNNER_FIREFLY_URL"), (None, "CAMPAIGN_RUNNER_IMS_URL")]
)
async def test_where_nothing_listens_on_this_machine_the_sandbox_is_to_be_started(
    ready: str | None, variable: str
) -> None:
    origin = await closed_port()
    start = f"`campaign-runner sandbox --port {origin.rpartition(':')[2]}`, or unset {variable}"
    async with FireflyClient(settings_for(origin, ready=ready)) as firefly:
        with pytest.raises(Unavailable) as caught:
            await firefly.list_models()
    told = f"no program listens at {origin} (the address in {variable}): start the sandbox there with {start}"
    assert str(caught.value) == told


LOST = [
    (
        Lost("firefly-api.adobe.io", "timed out", sent=False),
        "cannot reach firefly-api.adobe.io: timed out; if this net",
    ),
    (
        Lost("images.example.com", "timed out", sent=False),
        "cannot reach images.example.com (the address in CAMPAIGN_RUNNER_FIREFLY_URL): timed out; if this network",
    ),
    (
        Lost("firefly-api.adobe.io", "the proxy answered 407", sent=False, is_proxy=True),
        "cannot reach firefly-api.adobe.io: the proxy answered 407; its address is in CAMPAIGN_RUNNER_PROXY",
    ),
]


@pytest.mark.parametrize(("lost", "told"), LOST)
def test_what_could_not_be_reached_says_who_named_it(lost: Lost, told: str) -> None:
    assert str(lost_read(lost)).startswith(told)


@pytest.mark.parametrize("act", [reset, answer(503), answer(429), answer(401)])
async def test_a_token_that_cannot_be_had_leaves_the_job_unsent(act: bytes | Act) -> None:
    async with raw_server(tokens=[act]) as server, FireflyClient(settings_for(server)) as firefly:
        with pytest.raises((Unavailable, AccountRefused)) as caught:
            await firefly.submit(make_job(1))
        assert server.calls == []
        assert not caught.value.sent


@pytest.mark.parametrize("act", [hang, b"HTTP/1.1 400 plain http on a TLS port\r\n\r\n"])
async def test_a_handshake_that_fails_sent_nothing(act: bytes | Act) -> None:
    async def shake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(act, bytes):
            writer.write(act)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(shake, "127.0.0.1", 0)
    origin = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with FireflyClient(settings_for(origin, ready=TOKEN, submit=SOON)) as firefly:
        with pytest.raises(Unavailable, match="cannot reach"):
            await firefly.submit(make_job(1))
    server.close()


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_certificate_nobody_vouches_for_is_never_accepted(call: Call) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(Path(__file__).with_name("self_signed.pem"))
    async with raw_server(ACCEPTED, tls=tls) as server, FireflyClient(settings_for(server, ready=TOKEN)) as firefly:
        with pytest.raises(AccountRefused, match="certificate is not valid") as caught:
            await call(firefly)
        assert server.asked == []
        assert not caught.value.sent


def test_a_storage_with_a_bad_certificate_is_no_refusal_of_the_account() -> None:
    lost = Lost("bucket.s3.amazonaws.com", "its certificate is not valid", sent=False, is_certificate=True)
    assert type(lost_image(lost)) is Unavailable


async def test_every_submit_has_a_connection_of_its_own_and_reads_share_theirs() -> None:
    async with raw_server(ACCEPTED, ACCEPTED, RUNNING) as server, FireflyClient(settings_for(server)) as firefly:
        await firefly.submit(make_job(1))
        await firefly.submit(make_job(2))
        for _ in range(5):
            await firefly.poll(TICKET)
        assert server.connections == 3  # token and polls, and one for each submit
        assert [call.headers.get("connection") for call in server.calls[:3]] == ["close", "close", None]


async def test_a_call_says_who_asks_and_an_id_to_find_it_by() -> None:
    async with raw_server(ACCEPTED, RUNNING) as server, FireflyClient(settings_for(server)) as firefly:
        await firefly.submit(make_job(7))
        await firefly.poll(TICKET)
        for call in server.calls:
            assert call.headers["authorization"] == f"Bearer {TOKEN}"
            assert call.headers["x-api-key"] == "canary-client"
            assert call.headers["user-agent"].startswith("campaign-runner/")
        assert len({UUID(call.headers["x-request-id"]) for call in server.calls}) == 2
        assert json.loads(server.calls[0].body)["seeds"] == [7]


@pytest.mark.parametrize("call", READS.values(), ids=READS)
async def test_a_refused_token_is_renewed_once_and_the_call_repeated_once(call: Call) -> None:
    done = answer(202, {"jobId": "urn:1", "status": "running", "custom_models": []})
    tokens = [granted("old"), granted("new")]
    async with raw_server(answer(401), done, tokens=tokens) as server, FireflyClient(settings_for(server)) as firefly:
        await call(firefly)
        assert [request.headers["authorization"] for request in server.calls] == ["Bearer old", "Bearer new"]


async def test_a_submit_whose_token_is_refused_is_not_repeated_but_may_be_asked_for_again_with_another() -> None:
    tokens = [granted("old"), granted("new")]
    async with (
        raw_server(answer(401), ACCEPTED, tokens=tokens) as server,
        FireflyClient(settings_for(server)) as firefly,
    ):
        with pytest.raises(Unavailable) as caught:
            await firefly.submit(make_job(1))
        assert len(server.calls) == 1 and caught.value.sent and caught.value.reached
        await firefly.submit(make_job(1))
        assert [request.headers["authorization"] for request in server.calls] == ["Bearer old", "Bearer new"]


async def test_a_second_refusal_of_the_token_is_final_for_a_submit_too() -> None:
    tokens = [granted("old"), granted("new")]
    async with raw_server(answer(401), tokens=tokens) as server, FireflyClient(settings_for(server)) as firefly:
        for error in (Unavailable, AccountRefused):
            with pytest.raises(error):
                await firefly.submit(make_job(1))
        assert (len(server.calls), len(server.token_requests)) == (2, 2)


@pytest.mark.parametrize("call", READS.values(), ids=READS)
async def test_a_second_refusal_of_the_token_is_final(call: Call) -> None:
    tokens = [granted("old"), granted("new")]
    async with raw_server(answer(401), tokens=tokens) as server, FireflyClient(settings_for(server)) as firefly:
        with pytest.raises(AccountRefused):
            await call(firefly)
        assert (len(server.calls), len(server.token_requests)) == (2, 2)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_nothing_is_sent_with_a_token_that_was_refused_before(call: Call) -> None:
    async with raw_server(answer(401)) as server, FireflyClient(settings_for(server)) as firefly:
        with pytest.raises(Unavailable):
            await call(firefly)
        for _ in range(3):
            with pytest.raises(Unavailable) as caught:
                await call(firefly)
            assert (caught.value.code, caught.value.sent, caught.value.retry_after) == (SAME_TOKEN, False, 10)
        assert (len(server.calls), len(server.token_requests)) == (1, 2)  # and nobody asks for another at once


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_ready_token_that_is_refused_is_refused_for_good(call: Call) -> None:
    async with raw_server(answer(401)) as server, FireflyClient(settings_for(server, ready="r")) as firefly:
        with pytest.raises(AccountRefused):
            await call(firefly)
        assert (len(server.calls), len(server.token_requests)) == (1, 0)


async def test_a_token_that_a_host_of_a_ticket_refuses_is_still_good_for_the_api() -> None:
    async with (
        raw_server(answer(401)) as host,
        raw_server(RUNNING, RUNNING, ACCEPTED) as server,
        FireflyClient(settings_for(server)) as firefly,
    ):
        ticket = Ticket("urn:1", f"{host.origin}/status/1")
        for _ in range(3):
            with pytest.raises(Unavailable) as caught:
                await firefly.poll(ticket)
            assert caught.value.code == SAME_TOKEN
        assert await firefly.poll(ticket) is None  # the API origin is asked in turn
        await firefly.poll(TICKET)
        await firefly.submit(make_job(1))
        assert (len(host.calls), len(server.calls)) == (3, 3)


async def test_a_submit_lost_after_the_token_was_renewed_is_in_doubt() -> None:
    tokens = [granted("old"), granted("new")]
    async with raw_server(answer(401), reset, tokens=tokens) as server, FireflyClient(settings_for(server)) as firefly:
        with pytest.raises(Unavailable):
            await firefly.submit(make_job(1))
        with pytest.raises(InDoubt):
            await firefly.submit(make_job(1))
        assert len(server.calls) == 2


async def test_twenty_callers_need_one_token() -> None:
    async with raw_server(RUNNING) as server, FireflyClient(settings_for(server)) as firefly:
        await asyncio.gather(*(firefly.poll(TICKET) for _ in range(20)))
        assert (len(server.calls), len(server.token_requests)) == (20, 1)


REDIRECTS = (300, 301, 302, 303, 304, 305, 307, 308)


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_no_redirect_is_followed_with_credentials(status: int, call: Call) -> None:
    async with raw_server(ACCEPTED) as sink:
        away = answer(status, location=f"{sink.origin}/steal")
        async with raw_server(away) as server, FireflyClient(settings_for(server)) as firefly:
            with pytest.raises((AccountRefused, Unavailable), match=r"redirects to 127\.0\.0\.1"):
                await call(firefly)
        assert sink.asked == []
        assert len(server.calls) == 1


@pytest.mark.parametrize("status", REDIRECTS)
async def test_neither_a_token_request_nor_an_image_follows_a_redirect(status: int) -> None:
    async with raw_server(granted()) as sink:
        away = answer(status, location=f"{sink.origin}/ims/token/v3")
        async with raw_server(away, tokens=[away]) as server, FireflyClient(settings_for(server)) as firefly:
            with pytest.raises(AccountRefused):
                await firefly.poll(TICKET)
            with pytest.raises(Unavailable):
                await firefly.fetch(Output(1, f"{server.origin}/image"))
        assert sink.asked == []


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_server(RUNNING) as sink, raw_server(RUNNING) as server:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, sink.origin)
        async with FireflyClient(settings_for(server)) as firefly:
            await firefly.poll(TICKET)
        assert sink.asked == []


async def test_a_proxy_sees_a_host_and_nothing_else() -> None:
    async with raw_server(answer(407)) as proxy:
        settings = replace(settings_for("https://127.0.0.1:9", ready=TOKEN), proxy=proxy.origin)
        async with FireflyClient(settings) as firefly:
            with pytest.raises(Unavailable, match="the proxy answered 407"):
                await firefly.submit(make_job(1))
        (asked,) = proxy.asked
        assert (asked.method, asked.path) == ("CONNECT", "127.0.0.1:9")
        assert "authorization" not in asked.headers
        assert TOKEN not in repr(asked)


async def test_a_proxy_that_is_away_is_named() -> None:
    settings = replace(settings_for("https://127.0.0.1:9", ready=TOKEN), proxy=await closed_port())
    async with FireflyClient(settings) as firefly:
        with pytest.raises(Unavailable, match="the proxy cannot be reached"):
            await firefly.submit(make_job(1))


async def test_a_sandbox_is_reached_past_the_proxy_for_it_would_read_the_token() -> None:
    async with raw_server(RUNNING) as proxy, raw_server(RUNNING) as server:
        async with FireflyClient(replace(settings_for(server), proxy=proxy.origin)) as firefly:
            await firefly.poll(TICKET)
        assert proxy.asked == []


async def test_a_status_url_on_a_strangers_host_is_not_contacted() -> None:
    async with raw_server(RUNNING) as sink:
        stranger = sink.origin.replace("127.0.0.1", "localhost")
        body = {"jobId": "urn:1", "statusUrl": f"{stranger}/v3/status/urn:1", "cancelUrl": f"{stranger}/cancel"}
        async with raw_server(answer(202, body), RUNNING) as server, FireflyClient(settings_for(server)) as firefly:
            ticket = await firefly.submit(make_job(1))
            await firefly.poll(ticket)
            await firefly.cancel(ticket)
        assert sink.asked == []
        assert ticket.status_url == f"{stranger}/v3/status/urn:1"
        assert ticket.warnings == ("the status URL names localhost, which is not trusted; it was not contacted",)
        assert [call.path for call in server.calls[1:]] == ["/v3/status/urn%3A1", "/v3/cancel/urn%3A1"]


async def test_an_image_is_asked_for_exactly_as_signed_and_without_credentials() -> None:
    signed = "/i/a%2fb%7E~c?X-Amz-Credential=A%2F1&X-Amz-Signature=ab'c&x=+%20"
    steps = (answer(202, {"jobId": "urn:1"}, set_cookie="session=hush; Path=/"), answer(200, b"\xff\xd8"))
    async with raw_server(*steps) as server, FireflyClient(settings_for(server)) as firefly:
        await firefly.submit(make_job(1))
        assert await firefly.fetch(Output(1, server.origin + signed)) == b"\xff\xd8"
        asked = server.calls[-1]
        assert (asked.method, asked.path) == ("GET", signed)
        assert set(asked.headers) <= {"host", "user-agent", "accept", "accept-encoding"}
        assert asked.headers["accept-encoding"] == "identity"


async def test_no_cookie_is_kept() -> None:
    body = {"jobId": "urn:1", "status": "running"}
    given = answer(200, body, set_cookie="session=hush; Path=/")
    async with raw_server(given) as server, FireflyClient(settings_for(server)) as firefly:
        for _ in range(2):
            await firefly.submit(make_job(1))
            await firefly.poll(TICKET)
            await firefly.fetch(Output(1, f"{server.origin}/1"))
        assert len(server.calls) == 6
        assert not any("cookie" in call.headers for call in server.calls)


IMAGES = {
    "cut": (answer(200, b"x" * 50, length=99, **CLOSING), Damaged, "cut off"),
    "cut in a chunk": (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n9\r\nxyz",
        Damaged,
        "cut off",
    ),
    "too large by its length": (begin(answer(200, length=1001)), Damaged, "larger than"),
    "too large without a length": (answer(200, b"x" * 1001, content_length="", **CLOSING), Damaged, "larger than"),
    "compressed": (answer(200, b"x", content_encoding="gzip"), Damaged, "compressed"),
    "too slow": (begin(answer(200, b"x", length=99)), Damaged, "slower than"),
    "reset": (reset, Unavailable, "broke"),
    "silent": (hang, Unavailable, "within"),
    "expired": (answer(403, b"<Error><Code>AccessDenied</Code></Error>"), LinkExpired, "expired"),
    "busy": (answer(503), Unavailable, "503"),
}


@pytest.mark.parametrize(("act", "error", "why"), IMAGES.values(), ids=IMAGES)
async def test_an_image_that_does_not_come_whole_may_be_fetched_again(
    act: bytes | Act, error: type[ProviderError], why: str
) -> None:
    async with raw_server(act) as server:
        settings = settings_for(server, image=2 * SOON)
        limits = replace(settings.image, most_bytes=1000, window=SOON)
        async with FireflyClient(replace(settings, image=limits)) as firefly:
            with pytest.raises(error, match=why) as caught:
                await firefly.fetch(Output(1, f"{server.origin}/1?hush"))
        assert type(caught.value) is error
        assert "hush" not in str(caught.value)


async def test_a_compressed_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(10_000_000))
    async with raw_server(answer(200, bomb, content_encoding="gzip")) as server:
        settings = settings_for(server)
        limits = replace(settings.image, most_bytes=len(bomb))
        async with FireflyClient(replace(settings, image=limits)) as firefly:
            with pytest.raises(Damaged, match="compressed"):
                await firefly.fetch(Output(1, f"{server.origin}/1"))


async def test_an_image_of_the_largest_size_comes_whole() -> None:
    async with raw_server(answer(200, b"x" * 1000)) as server:
        settings = settings_for(server)
        async with FireflyClient(replace(settings, image=replace(settings.image, most_bytes=1000))) as firefly:
            assert len(await firefly.fetch(Output(1, f"{server.origin}/1"))) == 1000


class Paced:
    """A stream of equal parts, and the watch over it: notes after how many parts it is moved on."""

    def __init__(self, parts: int, each: int) -> None:
        self.left, self.each, self.read, self.moved_after = parts, each, 0, list[int]()

    async def readany(self) -> bytes:
        self.left, self.read = self.left - 1, self.read + 1
        return b"x" * self.each if self.left >= 0 else b""

    def reschedule(self, when: float | None, /) -> None:
        self.moved_after.append(self.read)


@pytest.mark.parametrize(
    ("each", "moved_after"),
    [
        (10, [3, 6]),  # 30 bytes a window are enough to go on
        (30, [1, 2, 3, 4, 5, 6, 7]),
        (4, []),  # 28 bytes in all never are
    ],
)
async def test_the_watch_over_an_image_moves_on_with_each_windows_worth_of_bytes(
    each: int, moved_after: list[int]
) -> None:
    stream = Paced(7, each)
    body = await gather(stream, stream, Timeouts(total=9, most_bytes=1000, window=3, pace=10))
    assert (len(body), stream.moved_after) == (7 * each, moved_after)


async def test_an_image_on_a_strangers_host_is_not_contacted() -> None:
    async with raw_server(answer(200, b"x")) as sink, FireflyClient(settings_for(sink)) as firefly:
        stranger = sink.origin.replace("127.0.0.1", "localhost")
        with pytest.raises(BlockedHost, match="localhost, which is not trusted") as caught:
            await firefly.fetch(Output(1, f"{stranger}/1?hush"))
        assert sink.asked == []
        assert "hush" not in str(caught.value)


async def test_an_output_without_a_link_is_polled_for_again() -> None:
    async with FireflyClient(settings_for("http://127.0.0.1:9")) as firefly:
        with pytest.raises(LinkExpired):
            await firefly.fetch(Output(1, ""))


def page(*names: str, total: int) -> bytes:
    models = [{"assetId": f"urn:{name}", "displayName": name, "assetName": f"asset-{name}"} for name in names]
    return answer(200, {"custom_models": models, "total_count": total})


async def test_models_are_listed_over_all_pages_and_each_once() -> None:
    pages = (page("a", "b", total=5), page("b", "c", total=5), page("d", total=5))
    async with raw_server(*pages) as server, FireflyClient(settings_for(server)) as firefly:
        assert [model.name for model in await firefly.list_models()] == ["a", "b", "c", "d"]
        assert [call.path.partition("start=")[2] for call in server.calls] == [f"{at}&limit=50" for at in (0, 2, 4)]


async def test_a_list_of_models_without_end_is_an_error_after_fifty_pages() -> None:
    async with raw_server(page("a", total=10**6)) as server, FireflyClient(settings_for(server)) as firefly:
        with pytest.raises(Unavailable, match="more than 50 pages"):
            await firefly.find_models("x")
        assert len(server.calls) == 50


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("Warm", ["urn:1", "urn:2"]),  # two of one display name: both, the caller decides
        ("warm", []),  # exactly
        ("Cold", ["urn:3"]),  # as display name before asset name
        ("only-asset", ["urn:2"]),
        ("urn:1", ["urn:1"]),
        ("nobody", []),
    ],
)
async def test_a_model_is_found_by_display_name_then_asset_name_then_id(name: str, ids: list[str]) -> None:
    models = [
        {"assetId": "urn:1", "displayName": "Warm", "assetName": "Cold"},
        {"assetId": "urn:2", "displayName": "Warm", "assetName": "only-asset"},
        {"assetId": "urn:3", "displayName": "Cold", "assetName": "x"},
    ]
    listed = answer(200, {"custom_models": models, "total_count": 3})
    async with raw_server(listed) as server, FireflyClient(settings_for(server)) as firefly:
        assert [model.id for model in await firefly.find_models(name)] == ids


async def test_how_long_to_wait_reaches_the_scheduler() -> None:
    async with raw_server(answer(429, retry_after="17")) as server, FireflyClient(settings_for(server)) as firefly:
        with pytest.raises(Throttled) as caught:
            await firefly.submit(make_job(1))
        assert caught.value.retry_after == 17


async def test_a_reference_that_was_not_uploaded_sends_nothing() -> None:
    job = make_job(1)
    body = {**job.recipe.body, "style": {"imageReference": {"source": {"sha256": "ab"}}}}
    async with raw_server(ACCEPTED) as server, FireflyClient(settings_for(server)) as firefly:
        with pytest.raises(ProviderError, match="not uploaded"):
            await firefly.submit(Job(type(job.recipe).of("image3", body), job.variations))
        assert server.asked == []


@pytest.mark.parametrize("change", [{"firefly_url": "http://evil.example"}, {"ims_url": "x"}, {"proxy": "socks5://x"}])
def test_settings_that_could_leak_are_refused_at_once(change: dict[str, Any]) -> None:
    good = Settings("https://firefly-api.adobe.io/", "https://ims-na1.adobelogin.com", Credentials("id", Secret("s")))
    assert good.firefly_url == "https://firefly-api.adobe.io"
    with pytest.raises(UsageError):
        replace(good, **change)


def test_the_http_library_still_tells_before_the_first_byte() -> None:
    """The money rule rests on this signal: should it go away, nothing may be sent."""
    assert aiohttp.TraceConfig().on_request_headers_sent is not None
