"""Answers of the service, of its store and of whatever stands in between: any status, headers and body.

What each means is read without a socket; the rules of the money are told again here, independently.
"""

from __future__ import annotations

import codecs
import gzip
import json
import re
import unicodedata
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from campaign_runner.errors import (
    BlockedHost,
    CampaignError,
    Damaged,
    GenerationFailed,
    InDoubt,
    LinkExpired,
    ProviderError,
    Unavailable,
)
from campaign_runner.firefly.protocol import answers
from campaign_runner.firefly.protocol.image_v3 import IMAGE_V3
from campaign_runner.firefly.protocol.untrusted import read_retry_after
from campaign_runner.firefly.protocol.wire import Response
from tests.fuzz.fuzzing import Target, spoiled

NOW = datetime(2026, 10, 21, 7, 28, tzinfo=UTC)
JOB = "urn:ff:jobs:1"
CANARIES = ("canary-9f3a61", "X-Amz-Signature=0dd5")
SIGNED = f"https://store.s3.amazonaws.com/a/1?{CANARIES[1]}"
BODIES: tuple[Any, ...] = (
    {"jobId": JOB, "statusUrl": f"https://firefly-api.adobe.io/v3/status/{JOB}", "cancelUrl": "https://x.adobe.io/c"},
    {"jobId": JOB, "status": "running", "progress": 50},
    {
        "jobId": JOB,
        "status": "succeeded",
        "result": {
            "size": {"width": 1024, "height": 1024},
            "outputs": [{"seed": 1, "image": {"url": SIGNED}}, {"seed": 2, "image": {"url": SIGNED}}],
            "promptHasDeniedWords": True,
        },
    },
    {"jobId": JOB, "status": "failed", "error_code": "internal", "message": f"see {SIGNED}"},
    {"error_code": "validation_error", "message": "no", "validation_errors": [{"loc": ["body", "seeds"], "msg": "x"}]},
    {"error": "invalid_client", "error_description": "bad secret"},
    {"access_token": CANARIES[0], "token_type": "bearer", "expires_in": 86399},
    {"custom_models": [{"assetId": "urn:1", "displayName": "Warm", "version": "1"}], "total_count": 1},
    {"images": [{"id": "upload-1"}]},
    {"reason": "job_completed", "error_code": "job_completed", "message": f"access_token={CANARIES[0]}"},
    {},
    [],
)
OWN: Mapping[str, Sequence[Any]] = {
    "submit": BODIES[:1],
    "poll": BODIES[1:4],
    "image": BODIES,
    "token": BODIES[6:7],
    "models": BODIES[7:8],
    "upload": BODIES[8:9],
    "cancel": BODIES[9:10],
}
FIELDS = sorted({name for body in BODIES if isinstance(body, dict) for name in body} | {"seed", "image", "url", "id"})
TEXTS = (
    "", " ", JOB, "urn:other", "succeeded", "SUCCEEDED", "cancelled", "timeout", "\n", "\x1b[2J", "\u202e", "é\u0301",
    "a" * 600, "x" * 5000, "\x00", "\U0010ffff", "<script>", "../../etc", "job_already_canceled", "uploadId",
    "https://evil.tld/", "https://firefly-api.adobe.io@evil.tld/", "//x", SIGNED, f"Bearer {CANARIES[0]}{'x' * 20}",
)  # fmt: skip
NUMBERS = (0, 1, -1, 1.5, 2**31, 10**40, 1e308, True, None)
PIECES = (
    b"{", b"}", b"[" * 70, b'{"a":' * 70, b"NaN", b"Infinity", b"-", b"1e999", b"9" * 5000, b'"jobId": "other", ',
    b'"status": "failed", ', b"\\ud800", b"\\u0000", b"\xff", b"\xef\xbb\xbf", b"\x00", b'"', b"\\", b",", b":",
    b"null", b"<html>", b"\r\n",
)  # fmt: skip
STATUSES = (200, 201, 202, 204, 206, 301, 302, 307, 400, 401, 402, 403, 404, 405, 408, 409, 410, 413, 415, 422, 429,
            451, 500, 502, 503, 504, 100, 199, 299, 599, 600, 999)  # fmt: skip
WAITS = (
    "0", "30", "3601", "-1", "1_0", "１２", "1e3", " 7 ", "999999999", "9999999999", "nan", "inf", "0x10", "+5", "",
    "Wed, 21 Oct 2026 07:28:30 GMT", "Wed, 21 Oct 2026 07:28:30", "Wed, 99 Oct 2026 99:28:30 GMT", "1 Jan 0001 GMT",
    "Wed, 21 Oct 99999 07:28:30 GMT", "Sun Nov  6 08:49:37 1994", "Wednesday, 21-Oct-26 07:28:30 GMT", "\x00", "a" * 80,
    "Wed, 21 Oct 2026 07:28:30 +9999", "Wed, 21 Oct 2026 07:28:30 -2400", "Fri, 31 Dec 9999 23:59:59 -0100",
)  # fmt: skip
MAKES: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("gzip", lambda body: gzip.compress(body, mtime=0)),
    ("", lambda body: gzip.compress(body, mtime=0)),
    ("gzip, gzip", lambda body: gzip.compress(gzip.compress(body, mtime=0), mtime=0)),
    ("deflate", zlib.compress),
    ("", lambda body: codecs.BOM_UTF8 + body),
    *(("", lambda body, name=name: _in(name, body)) for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32")),
)  # fmt: skip
HEADERS = ("retry-after", "content-encoding", "x-access-error", "location", "content-type", "date")


@dataclass(frozen=True)
class Asked:
    """A kind of question, and the answer it gets."""

    kind: str
    response: Response
    is_plain: bool  # what a secret looks like is not spoiled


READERS: Mapping[str, Callable[[Response], object]] = {
    "submit": lambda response: answers.read_ticket(response, NOW, IMAGE_V3),
    "poll": lambda response: answers.read_status(response, JOB, NOW),
    "image": lambda response: answers.read_image(response, NOW),
    "token": lambda response: answers.read_token(response, NOW),
    "models": lambda response: answers.read_models(response, NOW),
    "upload": lambda response: answers.read_upload(response, NOW),
    "cancel": lambda response: answers.read_cancel(response, NOW),
}


def make(chance: Random) -> Asked:
    kind = chance.choice(list(READERS))
    status = chance.choice(STATUSES) if chance.random() < 0.6 else 200
    headers = {name: chance.choice((*WAITS, *TEXTS)) for name in HEADERS if chance.random() < 0.3}
    media_type = chance.choice(("application/json", "application/problem+json", "text/html", "", "\x00"))
    body, is_plain = _body(chance, kind), chance.random() < 0.6
    if not is_plain:
        body = spoiled(chance, body, PIECES, most=2)
    if chance.random() < 0.2:
        coding, recode = chance.choice(MAKES)
        headers, body = {**headers, "content-encoding": coding}, recode(body)
        if chance.random() < 0.3:
            body, is_plain = spoiled(chance, body, PIECES, most=2), False
    response = Response(status, headers, body, media_type)
    return Asked(kind, response if kind == "image" else response.decoded(), is_plain)


def _body(chance: Random, kind: str) -> bytes:
    if chance.random() < 0.05:
        return chance.randbytes(chance.randrange(100))
    body = _odd(chance, chance.choice(BODIES if chance.random() < 0.4 else OWN[kind]))
    return json.dumps(body, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")


def _in(encoding: str, body: bytes) -> bytes:
    return body.decode("utf-8", "replace").encode(encoding, "surrogatepass")


def _odd(chance: Random, value: object) -> object:
    """`value` with some of its parts of another kind, missing, or more than there were."""
    if chance.random() < 0.08:
        return chance.choice((*TEXTS, *NUMBERS, [], {}))
    if isinstance(value, dict):
        kept = {name: _odd(chance, part) for name, part in value.items() if chance.random() > 0.05}
        return kept | ({chance.choice(FIELDS): chance.choice((*TEXTS, *NUMBERS))} if chance.random() < 0.1 else {})
    if isinstance(value, list):
        return [_odd(chance, part) for part in value] * chance.choice((1, 1, 1, 0, 3))
    return value


def hold(asked: Asked, folder: Path) -> str:
    """A value, or one ProviderError that costs what the status says and shows no secret."""
    try:
        READERS[asked.kind](asked.response)
    except ProviderError as error:
        check_shown(error)
        assert not asked.is_plain or not any(canary in str(error) for canary in CANARIES), error
        if asked.kind == "submit":
            check_money(asked.response, error)
            check_answer(asked, error)
        else:
            assert not isinstance(error, InDoubt | BlockedHost), error
        if asked.kind == "poll":
            check_poll(asked.response, error)
        assert error.charged is not True or isinstance(error, LinkExpired | Damaged), error
        return f"{asked.kind} refused"
    assert 200 <= asked.response.status < 300 or asked.kind == "cancel", asked.response.status
    return f"{asked.kind} read"


def check_shown(error: CampaignError) -> None:
    """One line that a terminal shows as it is, and a code of plain letters."""
    text = str(error)
    assert text and len(text) < 2500, text
    assert not any(unicodedata.category(character) in {"Cc", "Cf", "Cs"} for character in text), text
    code = getattr(error, "code", "")
    assert re.fullmatch(r"[A-Za-z0-9_.-]{0,64}", code), code
    wait = getattr(error, "retry_after", None)
    assert wait is None or 0 < wait <= 3600


def check_money(response: Response, error: ProviderError) -> None:
    """A submit is free only where a complete answer says so: 3xx, 4xx but a proxy's 408, or 503."""
    status = response.status
    is_plain_refusal = 300 <= status < 500 or status == 503
    if isinstance(error, InDoubt):
        assert not is_plain_refusal or status == 408, status
    else:
        assert is_plain_refusal and error.charged is False, status
        assert status != 408 or response.media_type.endswith("json"), "a proxy's word was taken for Adobe's"


def check_answer(asked: Asked, error: ProviderError) -> None:
    """What is kept of an answer that may be an acceptance is one harmless line of 2 KiB, without what is secret."""
    kept = error.answer if isinstance(error, InDoubt) else ""
    assert len(kept.encode()) <= 2048
    assert not any(unicodedata.category(character) in {"Cc", "Cf", "Cs"} for character in kept), kept
    assert not asked.is_plain or not any(canary in kept for canary in CANARIES), kept
    assert not kept or 200 <= asked.response.status < 300


def check_poll(response: Response, error: ProviderError) -> None:
    """A paid job ends only where the service ended it in so many words."""
    if isinstance(error, GenerationFailed):
        said = response.status == 451 or re.search(rb"(?i)failed|cancell?ed|timeout", response.body)
        assert said, response.body
    else:
        assert isinstance(error, Unavailable) or response.status in {401, 402, 403, 429}, type(error)


def make_wait(chance: Random) -> str:
    if chance.random() < 0.5:
        return spoiled(chance, chance.choice(WAITS).encode(), [text.encode() for text in WAITS]).decode("latin-1")
    return "".join(chance.choices("0123456789 +-.,:;eE_GMTUCWedOctFri\t\x00\xa0²", k=chance.randrange(40)))


def hold_wait(text: str, folder: Path) -> str:
    """Plain seconds, or a date with a zone, up to an hour from now; else nothing."""
    wait = read_retry_after(text, NOW)
    if wait is None:
        assert not re.fullmatch(r"[0-9]{1,9}", text) or int(text) == 0, text
        return "ignored"
    assert 0 < wait <= 3600
    if re.fullmatch(r"[0-9]{1,9}", text.strip(" \t")):
        assert wait == min(int(text), 3600)
        return "seconds"
    assert re.search(r"[0-9]", text) and re.search(r"[A-Za-z]|[+-][0-9]", text), text
    return "date"


ANSWERS = Target(
    "answers",
    220,
    make,
    hold,
    frozenset(f"{kind} {became}" for kind in READERS for became in ("read", "refused")),
)
RETRY_AFTER = Target("retry-after", 60, make_wait, hold_wait, frozenset({"ignored", "seconds", "date"}))
