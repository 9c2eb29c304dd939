"""Answers that no honest service gives: JSON that no one can read, and bytes that are not HTTP.

Each has a name, the `word` of a fault. Noise is said once the request has had its effect, as by something
that is between the service and its caller.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

GARBLED: Mapping[str, bytes] = {
    "huge": b'{"status": "running", "x": "' + b"x" * 2**20 + b'"}',  # more than a MiB
    "deep": b'{"status": ' + b"[" * 100 + b"]" * 100 + b"}",
    "nan": b'{"status": "running", "progress": NaN}',
    "twice": b'{"status": "running", "status": "failed", "jobId": "urn:1", "jobId": "urn:2"}',
    "surrogate": b'{"status": "running\\ud800", "jobId": "\\ud800"}',
    "list": b"[]",
    "empty": b"",
}
"""Bodies that come instead of the answer's. Without a word, half of the answer comes."""

_OK = b"HTTP/1.1 200 OK\r\n"
NOISE: Mapping[str, bytes] = {
    "ssh": b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "two_lengths": _OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}x",
    "length_and_chunks": _OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "bad_chunk": _OK + b"transfer-encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n",
    "nul": _OK + b"x-y: \x00\r\ncontent-length: 2\r\n\r\n{}",
    "status_99": b"HTTP/1.1 99 Low\r\ncontent-length: 2\r\n\r\n{}",
    "status_999": b"HTTP/1.1 999 \x1b[31mred\r\nx-y: \x1b]0;title\x07\r\ncontent-length: 2\r\n\r\n{}",
    "huge_header": _OK + b"x-y: " + b"x" * 100_000 + b"\r\n\r\n",
    "many_headers": _OK + b"".join(b"x-%d: y\r\n" % number for number in range(5000)) + b"\r\n",
    "half_headers": _OK + b"x-y: z\r\n",
    "half_chunk": _OK + b"transfer-encoding: chunked\r\n\r\n9\r\nxyz",
    "half_length": _OK + b"content-length: 99\r\n\r\nxyz",
}
"""What is said instead of an answer; then the connection ends."""

ENDLESS: Mapping[str, bytes] = {
    "silence": b"",
    "endless_headers": _OK + b"x-y: z\r\n",
    "endless_hints": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50,
    "endless_body": _OK + b"content-length: 99\r\n\r\n{",
}
"""What is said first; then nothing more, until the caller gives up."""


async def make_noise(request: web.Request, word: str) -> web.Response:
    """Say the noise called `word`; what is returned reaches no one."""
    transport = request.transport
    if transport is None or transport.is_closing():
        return web.Response()
    if word in ENDLESS:
        transport.write(ENDLESS[word])
        while not transport.is_closing():  # noqa: ASYNC110 - nothing else tells that the caller has left
            await asyncio.sleep(1)
    else:
        transport.write(NOISE[word or "ssh"])
        transport.close()
    return web.Response()
