"""Foreign text: what someone else wrote, made harmless before it is believed or shown.

JSON is bounded in size and depth and has one reading only; a sentence for a terminal
is one line without control characters or anything that looks like a secret; a
Retry-After is a number of seconds to wait or nothing. Nothing here raises but Unreadable.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, NoReturn

MOST_JSON_BYTES = 1024 * 1024
MOST_DEPTH = 64
MOST_SENTENCE = 300  # characters
MOST_EXCERPT = 2048  # bytes
MOST_RETRY_AFTER = 3600.0  # seconds
_NEVER_SET_BEFORE = datetime(2020, 1, 1, tzinfo=UTC)  # what a clock that no one has set says

# A string, to its end or the text's, or a bracket: every byte is looked at once, whatever is sent.
_STRING_OR_BRACKET = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|([\[{])|[\]}]', re.DOTALL)
_REST = r"(?:\S*bearer\s)*\S*"  # of the word, and the next one where it ends in "bearer"
_SECRETS = re.compile(
    rf"(?P<url>//[^\s?#]+)[?#]{_REST}"
    rf"|(?P<name>access_token|client_secret|authorization|x-api-key|x-amz-[a-z-]+)[\"']?\s?[=:]\s?{_REST}"
    rf"|bearer\s(?=\S{{16}}){_REST}"
    rf"|eyJ[\w-]{{8,}}{_REST}",  # how a token of Adobe's begins
    re.IGNORECASE | re.ASCII,
)
_STACK_TRACE = re.compile(r"stack_trace[^\]]*+\]?")  # it may hold anything, also what nothing marks as a secret


class Unreadable(Exception):
    """Not the JSON that was promised; the message says what it is instead, without quoting it."""


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises Unreadable for anything that has no single plain reading."""
    if len(body) > MOST_JSON_BYTES:
        raise Unreadable("larger than 1 MiB")
    _check_depth(body)
    value: object = None
    with suppress(ValueError):  # not UTF-8, not JSON, a number of thousands of digits: their errors quote the body,
        value = _parsed(body)  # so nothing may hang on them
    if not isinstance(value, dict):
        raise Unreadable("not a JSON object")
    return value


def _parsed(body: bytes) -> object:
    text = body.decode("utf-8")
    value = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_number, parse_float=_finite)
    if b"\\u" in body:
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # fails on lone surrogates, which are escaped alone
    return value


def _check_depth(body: bytes) -> None:
    """Counted before parsing, since a parser recurses."""
    if body.count(b"[") + body.count(b"{") <= MOST_DEPTH:
        return
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(body):
        if found[0][:1] != b'"':
            depth += 1 if found[1] else -1
        if depth > MOST_DEPTH:
            raise Unreadable(f"nested deeper than {MOST_DEPTH}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("a JSON object that names a field twice")
    return found


def _refuse_number(_: str) -> NoReturn:
    raise Unreadable("JSON with an invalid number")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_number(text)


def sanitize(text: str) -> str:
    """`text` for a terminal: one line of at most 300 characters, no controls, no bidi, no secrets, no URL queries."""
    line = _harmless(text[: 8 * MOST_SENTENCE])
    return line if len(line) <= MOST_SENTENCE else line[: MOST_SENTENCE - 1] + "…"


def excerpt(body: bytes) -> str:
    """How `body` begins, as harmless as what `sanitize` makes: one line of at most 2 KiB, without a stack trace."""
    text = _STACK_TRACE.sub("stack_trace ***", body[: 2 * MOST_EXCERPT].decode("utf-8", "replace"))
    line = _harmless(text)
    return line.encode()[:MOST_EXCERPT].decode("utf-8", "ignore")


def _harmless(text: str) -> str:
    line = "".join(character if _is_harmless(character) else " " for character in text)
    return " ".join(_SECRETS.sub(_without_secret, line).split())


def _is_harmless(character: str) -> bool:
    # Cc: C0, DEL, C1. Cf: bidi and zero-width controls. Cs: surrogates. Zl, Zp: line and paragraph separators.
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _without_secret(found: re.Match[str]) -> str:
    return f"{found['url'] or found['name'] or ''} ***".lstrip()


def read_retry_after(value: str | None, now: datetime, *, date: str | None = None) -> float | None:
    """Seconds to wait, up to 3600, from seconds or an HTTP date (RFC 9110, 10.2.3); None where it asks for no wait.

    A date is compared with `date`, the Date header of the same answer: our clock, `now`, may be wrong, and counts
    only where that header is missing or nonsense. 0 and the past are no wait. Adobe's specification calls it a date,
    its older pages used seconds.
    """
    text = (value or "").strip(" \t")
    if not text.isascii() or len(text) > (9 if text.isdigit() else 64):
        return None
    if text.isdigit():
        return _usable(float(text))
    until = read_date(text, now)
    return None if until is None else _usable(until - _ahead(date, now))


def _usable(wait: float) -> float | None:
    return min(wait, MOST_RETRY_AFTER) if wait > 0 else None


def _ahead(date: str | None, now: datetime) -> float:
    """How many seconds the clock behind a Date header is ahead of ours; 0 where the header is missing or nonsense."""
    ahead = read_date(date, now)
    return 0.0 if ahead is None or ahead < (_NEVER_SET_BEFORE - now).total_seconds() else ahead


def read_date(value: str | None, now: datetime) -> float | None:
    """How many seconds an HTTP date is after `now`; None for anything else."""
    then = _moment((value or "")[:64])
    try:
        return None if then is None else (then - now).total_seconds()
    except OverflowError:
        return None


@lru_cache(maxsize=4)  # the answers of a second name the same
def _moment(value: str) -> datetime | None:
    """What an HTTP date names; None for anything else."""
    try:
        then = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return None if then.tzinfo is None else then
