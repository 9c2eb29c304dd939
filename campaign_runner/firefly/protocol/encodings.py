"""The body of an answer made plain UTF-8, whatever a gateway between us and Adobe did to it.

Identity is asked for and UTF-8 is promised, yet gateways pack answers, and some write a byte
order mark or UTF-16. What can be read in one way only is read that way; the rest keeps a `fault`,
and as much of its text as can be had, for a person to look at. Unpacking stops at the size of the largest
answer. Pure; nothing here raises.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass

from campaign_runner.firefly.protocol.untrusted import MOST_JSON_BYTES

_GZIP = b"\x1f\x8b"  # how every gzip stream begins, and no JSON text
_MOST_CODINGS = 2
_MOST_MEMBERS = 16  # of a gzip stream; each costs a copy of what follows it
_AS_GZIP, _AS_ZLIB, _AS_RAW = 31, 15, -15  # what zlib calls the three ways of packing


@dataclass(frozen=True, slots=True)
class Plain:
    """A body in UTF-8. `fault`: why it must not be believed; empty where there is one way to read it."""

    body: bytes
    fault: str = ""


def decoded(body: bytes, content_encoding: str) -> Plain:
    """`body` without its packing, in UTF-8. A header that names a packing the body does not have is ignored."""
    for coding in _codings(content_encoding):
        unpacked = _unpacked(body, coding)
        if unpacked.fault:
            return Plain(_in_utf8(unpacked.body).body, unpacked.fault)
        body = unpacked.body
    return _in_utf8(body)


def _codings(header: str) -> list[str]:
    """The codings to undo, the last one applied first. What begins like gzip is gzip, whatever the header says."""
    named = [name.strip().lower() for name in reversed(header.split(","))]
    return [*named[:_MOST_CODINGS], "gzip"]


def _unpacked(body: bytes, coding: str) -> Plain:
    if coding in {"gzip", "x-gzip"} and body.startswith(_GZIP):
        return _inflated(body, _AS_GZIP)
    if coding == "deflate":
        if _is_zlib(body):
            return _inflated(body, _AS_ZLIB)
        raw = _inflated(body, _AS_RAW)  # not what the word means, but what some servers send
        return Plain(body) if raw.fault else raw
    return Plain(body)


def _is_zlib(body: bytes) -> bool:
    """Whether `body` begins with a zlib header (RFC 1950, 2.2)."""
    return len(body) > 1 and body[0] & 15 == 8 and (body[0] * 256 + body[1]) % 31 == 0


def _inflated(packed: bytes, way: int) -> Plain:
    """The content of one stream, or of the members of a gzip file; nothing may follow it."""
    content = b""
    for _ in range(_MOST_MEMBERS):
        stream = zlib.decompressobj(way)
        try:
            content += stream.decompress(packed, MOST_JSON_BYTES + 1 - len(content))
        except zlib.error:
            return Plain(content, "compressed and damaged, or followed by something else")
        if len(content) > MOST_JSON_BYTES:
            return Plain(content, "larger than 1 MiB once unpacked")
        if not stream.eof:
            return Plain(content, "compressed and cut off")
        packed = stream.unused_data
        if not packed:
            return Plain(content)
        if way != _AS_GZIP:
            break
    return Plain(content, "compressed and followed by something else")


def _in_utf8(body: bytes) -> Plain:
    """`body` in UTF-8, by its byte order mark or by where its first zeros are, as JSON permits to tell."""
    encoding = json.detect_encoding(body)
    if encoding == "utf-8":
        return Plain(body)
    try:
        return Plain(body.decode(encoding).encode())
    except UnicodeError:
        return Plain(body.decode(encoding, "replace").encode(), "not text")
