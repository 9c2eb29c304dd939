"""Where the service says that things lie: at the host that the caller asked, however the call came here.

A published port of a container, another name of this machine and a proxy that ends TLS are followed by the Host
header and by X-Forwarded-Proto.
"""

from __future__ import annotations

import re

from aiohttp import web

from campaign_runner.sandbox.refusals import api_error

_HOST = re.compile(r"(?P<name>[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_SPOKEN = re.compile(r"[\t -~\u00a0-\uffff]*")


def origin(request: web.Request, *, port: int = 0) -> str:
    """Scheme, host and port as the caller sees them; with `port` another port of that host."""
    scheme = request.headers.get("X-Forwarded-Proto", "http").partition(",")[0].strip().lower()
    host = request.host
    found = _HOST.fullmatch(host)
    return f"{scheme}://{found['name']}:{port}" if port and found else f"{scheme}://{host}"


def refuse_malformed(request: web.Request) -> None:
    """Raises 400 for a header that nobody can read, or that names no host and no scheme."""
    for name, value in request.headers.items():
        if not (_is_text(name) and _is_text(value)):
            raise api_error(400, "bad_request", "A header has a character that no header may have.")
    if not _HOST.fullmatch(request.host):
        raise api_error(400, "bad_request", "The Host header names no host.")
    if not origin(request).startswith(("http://", "https://")):
        raise api_error(400, "bad_request", "X-Forwarded-Proto is http or https.")


def _is_text(text: str) -> bool:
    return _SPOKEN.fullmatch(text) is not None and not any("\ud800" <= letter <= "\udfff" for letter in text)
