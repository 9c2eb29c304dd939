"""Firefly's requests as bytes, its answers as they came. No socket, no clock, no token.

What is asked of the service can be read here from top to bottom; who signs a request
is `auth`, what an answer means is `answers`. The source of every rule is Adobe's
Firefly API specification.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from urllib.parse import quote, quote_plus, urlencode

from campaign_runner.errors import Rejected
from campaign_runner.firefly.protocol.encodings import decoded
from campaign_runner.firefly.protocol.hosts import host_of, may_receive_token
from campaign_runner.firefly.protocol.interfaces import interface_of
from campaign_runner.firefly.protocol.untrusted import excerpt
from campaign_runner.model import NO_UPLOADS, Job, Ticket, canonical_json

MODELS_PER_PAGE = 50
_SHORTEST_SECRET = 8  # characters; Adobe's are longer, and blotting out a letter would spoil the answer

_ESCAPED = re.compile(rb"\\(?:u00([2-7][0-9A-Fa-f])|(.))", re.DOTALL)  # an escaped backslash escapes nothing itself


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """What to send. Its repr shows method and host only: headers and bodies carry secrets, URLs signatures."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Request({self.method} {self.host})"

    @property
    def host(self) -> str:
        return host_of(self.url)


@dataclass(frozen=True, slots=True, repr=False)
class Response:
    """A complete answer. Header names are in lower case; `media_type` is without parameters, lower case.

    `fault` says why there is no single way to read the body; its text is then only for showing.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    media_type: str = ""
    fault: str = ""

    def __repr__(self) -> str:
        return f"Response({self.status} {self.media_type}, {len(self.body)} bytes)"

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    def decoded(self) -> Response:
        """This answer with its body in plain UTF-8, however it was packed and encoded."""
        plain = decoded(self.body, self.headers.get("content-encoding", ""))
        if plain.body is self.body and not plain.fault:
            return self
        return replace(self, body=plain.body, fault=plain.fault)

    def without(self, *secrets: str) -> Response:
        """This answer with `secrets` blotted out where the service repeats them; one too short to be one stays.

        Also where it repeats them in any way that JSON may spell them, or as in the form that asks for a token, or
        where the answer ends in the middle of one. Only a `decoded` answer shows all of them.
        """
        plain = body = _ESCAPED.sub(_plain, self.body)
        for spelling in (spelling for secret in secrets for spelling in _spellings(secret)):
            body = _without_beginning(spelling, body.replace(spelling, b"***"))
        return self if body == plain else replace(self, body=body)

    def head(self) -> str:
        """How the body begins, for a person: one harmless line of at most 2 KiB. `without` comes first."""
        return excerpt(_ESCAPED.sub(_plain, self.body))


def _without_beginning(spelling: bytes, body: bytes) -> bytes:
    """`body` without the beginning of a secret at its end, where the answer was cut off in the middle of it."""
    beginning = spelling[:_SHORTEST_SECRET]
    at = body.find(beginning, max(0, len(body) - len(spelling)))
    while at != -1 and not spelling.startswith(body[at:]):
        at = body.find(beginning, at + 1)
    return body if at == -1 else body[:at] + b"***"


@lru_cache(maxsize=16)  # they are looked for in every answer
def _spellings(secret: str) -> frozenset[bytes]:
    if len(secret) < _SHORTEST_SECRET:
        return frozenset()
    quoted = {quote(secret, safe=""), quote_plus(secret)}
    return frozenset(text.encode() for text in {secret, json.dumps(secret)[1:-1], html.escape(secret)} | quoted)


def _plain(escaped: re.Match[bytes]) -> bytes:
    """A character that JSON may spell in several ways, in the usual one; what cannot be in a secret stays."""
    code, other = escaped.groups()
    if code is None:
        return b"/" if other == b"/" else escaped[0]
    return json.dumps(chr(int(code, 16)))[1:-1].encode()


def token_request(ims_url: str, client_id: str, client_secret: str, scope: str) -> Request:
    """Ask for a token with the client credentials grant; in the body, as Adobe advises, never in the URL."""
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": client_secret,
        "scope": scope,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    return Request("POST", f"{ims_url}/ims/token/v3", headers, urlencode(form).encode())


def models_request(origin: str, start: int) -> Request:
    """One page of the custom models, oldest first so that training a model while we read shifts no page."""
    query = urlencode({"sortBy": "createdDate", "start": start, "limit": MODELS_PER_PAGE})
    return Request("GET", f"{origin}/v3/custom-models?{query}", {"Accept": "application/json"})


def generate_request(origin: str, job: Job, uploads: Mapping[str, str] = NO_UPLOADS) -> Request:
    """Ask for the images of `job`.

    Raises Rejected for a reference image that the recipe names by its content and is not in `uploads`:
    the service would ignore it and charge for other images.
    """
    recipe = job.recipe
    interface = interface_of(recipe.version)
    if any(digest not in uploads for digest in interface.references(recipe.body)):
        raise Rejected("a reference image was not uploaded", code="reference_not_uploaded", sent=False)
    body = interface.sent(recipe.body, job.seeds, uploads)
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "x-model-version": recipe.version,  # always: sources disagree about the default
    }
    if recipe.accept is not None:
        headers["x-accept-mimetype"] = recipe.accept
    return Request("POST", f"{origin}{interface.path}", headers, canonical_json(body).encode())


def upload_request(origin: str, content: bytes, media_type: str) -> Request:
    """Hand over a reference image, at most 15 MB; the answer names it for seven days."""
    headers = {"Accept": "application/json", "Content-Type": media_type}
    return Request("POST", f"{origin}/v2/storage/image", headers, content)


def status_requests(origin: str, ticket: Ticket) -> tuple[Request, Request]:
    """Ask for the status of a job: where the service said, if that host is trusted, otherwise where it should be.

    Then the same at the API origin, whatever the service said.
    """
    return _about_job(origin, ticket, "GET", "status", ticket.status_url)


def cancel_requests(origin: str, ticket: Ticket) -> tuple[Request, Request]:
    """Ask to cancel the job of `ticket`, at the URL it was given if that host is trusted; and at the API origin."""
    return _about_job(origin, ticket, "PUT", "cancel", ticket.cancel_url)


def warnings_about(origin: str, ticket: Ticket) -> Sequence[str]:
    """What a person should know of the URLs in `ticket`; hosts only, for URLs may be signed."""
    if _trusted(origin, ticket.status_url):
        return ()
    if ticket.status_url is None:
        return ("Adobe gave no status URL; the usual one is used",)
    return (f"the status URL names {host_of(ticket.status_url)}, which is not trusted; it was not contacted",)


_JSON = {"Accept": "application/json"}


def _trusted(origin: str, url: str | None) -> str | None:
    return url if url is not None and may_receive_token(url, (origin,)) else None


def _about_job(origin: str, ticket: Ticket, method: str, what: str, named: str | None) -> tuple[Request, Request]:
    own = f"{origin}/v3/{what}/{quote(ticket.job_id, safe='')}"
    return Request(method, _trusted(origin, named) or own, _JSON), Request(method, own, _JSON)
