"""A body as it came, made plain UTF-8: where there is one way to read it, and never more of it than a MiB."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as some

from campaign_runner.firefly.protocol.encodings import decoded
from campaign_runner.firefly.protocol.untrusted import MOST_JSON_BYTES

TEXT = '{"jobId": "urn:ff:jobs:epo:1", "name": "アーモンド 😀"}'
PLAIN = TEXT.encode()
PACKED = gzip.compress(PLAIN)
AS_UTF_16 = TEXT.encode("utf-16")


def raw_deflate(content: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-15)
    return packing.compress(content) + packing.flush()


@pytest.mark.parametrize(
    ("body", "header"),
    [
        (PLAIN, ""),
        (PLAIN, "identity"),
        (PLAIN, "gzip"),  # a header that something on the way forgot
        (PLAIN, "deflate"),
        (PLAIN, "aws-chunked"),
        (PACKED, "gzip"),
        (PACKED, " X-GZIP "),
        (PACKED, ""),  # no JSON begins like that
        (PACKED, "br"),
        (gzip.compress(PACKED), "gzip"),
        (gzip.compress(PACKED), "gzip, gzip"),
        (gzip.compress(zlib.compress(PLAIN)), "deflate, gzip"),  # in the order in which they were applied
        (gzip.compress(PLAIN[:9]) + gzip.compress(b"") + gzip.compress(PLAIN[9:]), "gzip"),
        (zlib.compress(PLAIN), "deflate"),
        (raw_deflate(PLAIN), "deflate"),
        (b"\xef\xbb\xbf" + PLAIN, ""),
        *((TEXT.encode(f"utf-{name}"), "") for name in ("16", "16-le", "16-be", "32", "32-le", "32-be", "8-sig")),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), ""),
        (b"\x00\x00\xfe\xff" + TEXT.encode("utf-32-be"), ""),
        (gzip.compress(AS_UTF_16), "gzip"),
    ],
    ids=range(26),
)
def test_what_has_one_reading_is_read_however_it_was_packed_and_encoded(body: bytes, header: str) -> None:
    plain = decoded(body, header)
    assert (plain.body, plain.fault) == (PLAIN, "")


@pytest.mark.parametrize(
    ("body", "shows"),
    [
        (PACKED[:-1], PLAIN),  # the end of its checksum is missing
        (PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:], b""),  # its checksum is another's
        (PACKED + b"\0", PLAIN),
        (PACKED + PLAIN, PLAIN),
        (PACKED + PACKED[:20], PLAIN),
        (zlib.compress(PLAIN) + b"x", PLAIN),
        (zlib.compress(PLAIN)[:-2], PLAIN),
        (AS_UTF_16 + b"\0", PLAIN + "\ufffd".encode()),
        (b"\xff\xfe\x00\xd8{\x00", "\ufffd".encode()),  # half of a pair
    ],
    ids=range(9),
)
def test_what_has_no_single_reading_is_shown_and_not_believed(body: bytes, shows: bytes) -> None:
    plain = decoded(body, "deflate" if body[:1] == b"x" else "")
    assert plain.fault
    assert plain.body.startswith(shows)


@pytest.mark.parametrize(
    "bomb",
    [
        lambda: gzip.compress(bytes(50 << 20)),
        lambda: gzip.compress(gzip.compress(bytes(50 << 20))),
        lambda: gzip.compress(bytes(1 << 20)) * 40,
        lambda: gzip.compress(b"") * 50_000,  # nothing, again and again
        lambda: gzip.compress(b" ") * 20,
    ],
    ids=range(5),
)
def test_no_more_than_a_mib_is_ever_unpacked(bomb: Callable[[], bytes]) -> None:
    body, began = bomb(), time.process_time()
    plain = decoded(body, "gzip, gzip")
    assert plain.fault
    assert len(plain.body) <= MOST_JSON_BYTES + 1
    assert time.process_time() - began < 0.5


def test_a_body_of_just_the_largest_size_is_unpacked() -> None:
    body = json.dumps({"x": "y" * (MOST_JSON_BYTES - 9)}).encode()
    assert len(body) == MOST_JSON_BYTES
    assert decoded(gzip.compress(body), "gzip").body == body


@given(some.binary(max_size=200), some.sampled_from(["", "gzip", "deflate", "br", "gzip, deflate", ",,"]))
def test_no_bytes_break_the_decoder(body: bytes, header: str) -> None:
    for whole in (body, gzip.compress(body), zlib.compress(body), b"\xff\xfe" + body):
        assert isinstance(decoded(whole, header).body, bytes)
