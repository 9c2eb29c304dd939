"""A complaint: what the service says is wrong, as a code and one harmless sentence.

Reading one never fails: whatever an error answer holds, there is a code (the service's
word, otherwise `http_<status>`) and a line a terminal can show. `stack_trace` and everything
else Adobe's error bodies may carry is left where it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from campaign_runner.firefly.protocol.hosts import host_of
from campaign_runner.firefly.protocol.untrusted import Unreadable, read_object, sanitize
from campaign_runner.firefly.protocol.wire import Response

_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_MOST_FIELDS = 5


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """`words` is empty where the service gave none. `is_json`: the API itself spoke, not something in between."""

    code: str
    words: str
    is_json: bool

    def __str__(self) -> str:
        return f"{self.code}: {self.words}" if self.words else self.code


def read_complaint(response: Response, default: str = "") -> ErrorBody:
    """The complaint in an answer of the API: `ApiError`, or the `{reason, message}` of the models list."""
    body = _object_or_none(response)
    fields = body or {}
    missing_right = _code(response.headers.get("x-access-error"))  # quota_exhausted, user_non_entitled, …
    code = _code(fields.get("error_code")) or missing_right or default or _status(response)
    words = [missing_right if missing_right != code else ""]
    words.append(_sentence(fields.get("message")) or _sentence(fields.get("reason")))
    words.extend(_field_complaints(fields.get("validation_errors")))
    if 300 <= response.status < 400:
        words = [f"redirects to {host_of(response.headers.get('location', ''))}, which was not followed"]
    is_json = body is not None and response.media_type.endswith("json")
    return ErrorBody(code, sanitize("; ".join(filter(None, words))), is_json)


def read_oauth_complaint(response: Response) -> ErrorBody:
    """The complaint of the token service: only `error` and `error_description`, for it may echo the request."""
    fields = _object_or_none(response) or {}
    code = _code(fields.get("error")) or _status(response)
    return ErrorBody(code, _sentence(fields.get("error_description")), is_json=bool(fields))


def read_json(response: Response) -> dict[str, Any]:
    """The JSON object in an answer. Raises Unreadable where there is none, or more than one way to read it."""
    if response.fault:
        raise Unreadable(response.fault)
    return read_object(response.body)


def _object_or_none(response: Response) -> dict[str, Any] | None:
    try:
        return read_json(response)
    except Unreadable:
        return None  # an HTML page, which says nothing to a person


def _field_complaints(errors: object) -> list[str]:
    """`seeds: ensure this value has at most 4 items` for each field the service names."""
    listed = [error for error in errors if isinstance(error, Mapping)] if isinstance(errors, list) else []
    return [f"{_place(error.get('loc'))}{_sentence(error.get('msg'))}" for error in listed[:_MOST_FIELDS]]


def _place(loc: object) -> str:
    steps = [str(step) for step in loc if isinstance(step, str | int)] if isinstance(loc, list) else []
    named = ".".join(step for step in steps if step != "body")
    return f"{sanitize(named)}: " if named else ""


def _sentence(value: object) -> str:
    return sanitize(value) if isinstance(value, str) else ""


def _code(value: object) -> str:
    """A code as the service gave it (old ones are numbers); empty for anything that is none."""
    text = str(value) if type(value) in {str, int} else ""
    return text if _CODE.fullmatch(text) else ""


def _status(response: Response) -> str:
    return f"http_{response.status}"
