"""Foreign text: what somebody else wrote, made harmless before it is believed or shown.

JSON is bounded in size and depth and has one reading only; a sentence for a terminal
is one line without control characters or anything that looks like a secret; a
Retry-After is a number of seconds or nothing. Nothing here raises but Unreadable.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

MOST_JSON_BYTES = 1024 * 1024
MOST_DEPTH = 64
MOST_SENTENCE = 300  # characters
MOST_RETRY_AFTER = 3600.0  # seconds

# A string, to its end or the text's, or a bracket: every byte is looked at once, whatever is sent.
_STRING_OR_BRACKET = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|([\[{])|[\]}]', re.DOTALL)
_REST = r"(?:\S*bearer\s)*\S*"  # of the word, and the next one where it ends in "bearer"
_SECRETS = re.compile(
    rf"(?P<url>//[^\s?#]+)[?#]{_REST}"
    rf"|(?P<name>access_token|client_secret|authorization|x-api-key)[\"']?\s?[=:]\s?{_REST}"
    rf"|bearer\s(?=\S{{16}}){_REST}"
    rf"|eyJ[\w-]{{8,}}{_REST}",  # how a token of Adobe's begins
    re.IGNORECASE | re.ASCII,
)


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
    json.dumps(value, ensure_ascii=False).encode("utf-8")  # fails on lone surrogates
    return value


def _check_depth(body: bytes) -> None:
    """Counted before parsing, since a parser recurses."""
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
    raise Unreadable("JSON with a number that is none")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_number(text)


def sanitize(text: str) -> str:
    """`text` for a terminal: one line of at most 300 characters, no controls, no bidi, no secrets, no URL queries."""
    line = "".join(character if _is_harmless(character) else " " for character in text[: 8 * MOST_SENTENCE])
    line = " ".join(_SECRETS.sub(_without_secret, line).split())
    return line if len(line) <= MOST_SENTENCE else line[: MOST_SENTENCE - 1] + "…"


def _is_harmless(character: str) -> bool:
    # Cc: C0, DEL, C1. Cf: bidi and zero-width controls. Cs: surrogates. Zl, Zp: line and paragraph separators.
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _without_secret(found: re.Match[str]) -> str:
    return f"{found['url'] or found['name'] or ''} ***".lstrip()


def read_retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait, 0 to 3600, from seconds or an HTTP date (RFC 9110, 10.2.3); None for anything else.

    Adobe's specification calls it a date, its older pages used seconds.
    """
    text = (value or "").strip(" \t")
    if not text.isascii() or len(text) > 64:
        return None
    if text.isdigit():
        return min(float(text), MOST_RETRY_AFTER) if len(text) <= 9 else None
    wait = read_date(text, now)
    return None if wait is None else min(max(wait, 0.0), MOST_RETRY_AFTER)


def read_date(value: str | None, now: datetime) -> float | None:
    """How many seconds an HTTP date lies after `now`; None for anything else."""
    try:
        then = parsedate_to_datetime((value or "")[:64])
        return None if then.tzinfo is None else (then - now).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
