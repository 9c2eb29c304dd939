"""The origin that answers name: the host that the caller asked, however the call came here.

A published port of a container, another name of this machine and a proxy that ends TLS are followed by the Host
header and by X-Forwarded-Proto.
"""

from __future__ import annotations

import re

from aiohttp import web

from campaign_runner.sandbox.refusals import api_error

_HOST = re.compile(r"(?P<name>[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


def origin(request: web.Request, *, port: int = 0) -> str:
    """Scheme, host and port as the caller sees them; with `port` another port of that host."""
    scheme = request.headers.get("X-Forwarded-Proto", "http").partition(",")[0].strip().lower()
    host = _host(request)
    found = _HOST.fullmatch(host)
    return f"{scheme}://{found['name']}:{port}" if port and found else f"{scheme}://{host}"


def refuse_malformed(request: web.Request) -> None:
    """Raises 400 for a header that no one can read, or that names no host and no scheme."""
    if not all(value.replace("\t", " ").isprintable() for value in request.headers.values()):
        raise api_error(400, "bad_request", "A header has a character that no header may have.")
    if not _HOST.fullmatch(_host(request)):
        raise api_error(400, "bad_request", "The Host header names no host.")
    if not origin(request).startswith(("http://", "https://")):
        raise api_error(400, "bad_request", "X-Forwarded-Proto is http or https.")


def _host(request: web.Request) -> str:
    """The host asked for; a caller of HTTP/1.0 need not name one."""
    return request.headers.get("Host") or "127.0.0.1"
