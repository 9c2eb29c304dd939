"""Headers: a malformed one is the caller's mistake and told as one; Host and X-Forwarded-Proto are followed."""

from __future__ import annotations

import asyncio
import logging

import pytest

from tests.sandbox.conftest import Caller

LIST = b"GET /v3/custom-models HTTP/1.1\r\n"
HOST = b"Host: 127.0.0.1\r\n"
MALFORMED = [
    LIST + HOST + b"x-request-id: \xff\xfe\r\n",
    LIST + HOST + b"x-request-id: a\x01b\r\n",
    LIST + HOST + b"no colon\r\n",
    LIST + HOST + b"Content-Length: many\r\n",
    LIST + HOST + b"Content-Length: -1\r\n",
    LIST + HOST + b"Transfer-Encoding: never\r\n",
    LIST + HOST + b"X-Forwarded-Proto: gopher\r\n",
    LIST + HOST + b"X-Long: " + b"x" * 70_000 + b"\r\n",
    LIST + b"Host: a b\r\n",
    LIST + b"Host: ://[\r\n",
    LIST + b"Host: x:port\r\n",
    LIST,
    b"GET http://[bad/ HTTP/1.1\r\n" + HOST,
    b"\x16\x03\x01\x02\x00\x01\x00",  # somebody speaks TLS
    b"POST /ims/token/v3 HTTP/1.1\r\n" + HOST + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n",
]


async def answer_to(caller: Caller, head: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(caller.origin.rpartition(":")[2]))
    writer.write(head + b"\r\n" + (b"{}" if b"Content-Length: 2" in head else b""))
    answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return answer


@pytest.mark.parametrize("head", MALFORMED)
async def test_a_malformed_header_is_400_and_leaves_no_trace(
    caller: Caller, head: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        assert (await answer_to(caller, head)).split()[1] == b"400"
    assert not [record for record in caplog.records if record.name != "asyncio"]
    assert (await caller.call("GET", "/v3/custom-models")).status == 200


async def test_a_caller_of_http_1_0_need_not_name_a_host(caller: Caller) -> None:
    assert (await answer_to(caller, b"GET /v3/custom-models HTTP/1.0\r\n")).split()[1] == b"401"


@pytest.mark.parametrize("content_type", ["", ";;;=", "application/json; charset=never-heard-of", "a/b/c"])
async def test_an_odd_content_type_is_answered(caller: Caller, content_type: str) -> None:
    headers = caller.headers | {"Content-Type": content_type, "x-model-version": "image3"}
    answer = await caller.call("POST", "/v3/images/generate-async", data=b'{"prompt": "a"}', headers=headers)
    assert answer.status == (202 if content_type.startswith("application/json") else 415)
    assert (await caller.call("POST", "/v2/storage/image", data=b"x", headers=headers)).status == 400


@pytest.mark.parametrize(
    ("host", "proto", "origin"),
    [
        ("sandbox:18080", None, "http://sandbox:18080"),  # the published port of a container
        ("localhost", None, "http://localhost"),
        ("firefly.example", "https", "https://firefly.example"),  # a proxy that ends TLS
        ("[::1]:8080", "HTTPS, http", "https://[::1]:8080"),
    ],
)
async def test_all_addresses_are_at_the_host_that_was_asked(
    caller: Caller, host: str, proto: str | None, origin: str
) -> None:
    caller.headers |= {"Host": host} | ({"X-Forwarded-Proto": proto} if proto else {})
    answer = await caller.generate()
    job = answer.json["jobId"]
    assert answer.json["statusUrl"] == f"{origin}/v3/status/{job}"
    assert answer.json["cancelUrl"] == f"{origin}/v3/cancel/{job}"
    links = f'<{origin}/v3/status/{job}>; rel="status", <{origin}/v3/cancel/{job}>; rel="cancel"'
    assert answer.headers["Link"] == links
    caller.clock.pass_(2)
    status = await caller.call("GET", f"/v3/status/{job}")
    assert status.json["result"]["outputs"][0]["image"]["url"].startswith(f"{origin}/presigned/images/")
    assert status.headers["Link"] == links
