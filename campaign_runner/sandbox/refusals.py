"""Every way the sandbox says no, with the documented body.

A `Refusal` is raised where a rule is broken and becomes an HTTP answer in one place.
Bodies follow `ApiError` of Adobe's Firefly API specification; the custom models list,
the token service and the image store have shapes of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from aiohttp import web

from campaign_runner.sandbox.fields import sentence


class Refusal(Exception):
    """An answer other than success. `why` is its short name in the ledger."""

    def __init__(self, http: int, body: Mapping[str, Any] | str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{http}")
        self.http = http
        self.body = body
        self.headers = dict(headers or {})

    @property
    def why(self) -> str:
        """`429 rate_limited`: the status and the service's word for it."""
        if isinstance(self.body, str):
            return str(self.http)
        word = self.body.get("error_code") or self.body.get("error") or self.body.get("reason")
        return f"{self.http} {word}"

    def response(self) -> web.Response:
        """The HTTP answer: JSON for a mapping, otherwise XML or HTML by its first characters."""
        if not isinstance(self.body, str):
            return web.json_response(self.body, status=self.http, headers=self.headers)
        kind = "application/xml" if self.body.startswith("<?xml") else "text/html"
        return web.Response(text=self.body, status=self.http, content_type=kind, headers=self.headers)


class Dropped(Exception):
    """The connection is to be cut without an answer."""


def api_error(
    http: int, code: str, message: str = "", *, headers: Mapping[str, str] | None = None, **more: object
) -> Refusal:
    """A refusal with the body `ApiError`."""
    body: dict[str, Any] = {"error_code": code}
    if message:
        body["message"] = message
    return Refusal(http, body | more, headers=headers)


def validation_error(mistakes: Sequence[Mapping[str, Any]]) -> Refusal:
    """422 with all that is wrong with a request, once more in words."""
    return api_error(422, "validation_error", "; ".join(map(sentence, mistakes)), validation_errors=list(mistakes))


def list_error(http: int, reason: str, message: str) -> Refusal:
    """A refusal with the body `ErrorResponse`, used by the custom models list alone."""
    return Refusal(http, {"reason": reason, "message": message})


def ims_error(code: str, description: str, *, http: int = 400) -> Refusal:
    """A refusal of the token service (the OAuth shape)."""
    return Refusal(http, {"error": code, "error_description": description})


def store_error(http: int, code: str, message: str, **more: str) -> Refusal:
    """A refusal of the image store, in S3's XML."""
    fields = {"Code": code, "Message": message} | more | {"RequestId": "SANDBOX", "HostId": "sandbox"}
    inside = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items())
    return Refusal(http, f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inside}</Error>')


def page(http: int, title: str) -> Refusal:
    """An HTML page, as gateways send."""
    title = f"{http} {title}"
    return Refusal(http, f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>")
