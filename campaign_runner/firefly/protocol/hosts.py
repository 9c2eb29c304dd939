"""Which host may be told what. A URL from an answer is a stranger's word until it passes here.

`may_receive_token` is the only way to the account's token, `may_fetch_image` the only
way to a download. Both parse more strictly than any HTTP library does: what is not
plainly a trusted host is not trusted, so a parser's quirk cannot be turned against us.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from campaign_runner.errors import UsageError

LOOPBACK = "127.0.0.1"
TOKEN_SUFFIX = "adobe.io"  # status URLs name production shards such as firefly-epo854211.adobe.io
IMAGE_SUFFIXES = ("amazonaws.com", "windows.net", "adobe.io", "adobe.com")  # where presigned outputs are kept

_LONGEST_URL = 8192
_URL = re.compile(
    r"""(?P<scheme>https?)://
        (?P<host>[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*)
        (:(?P<port>[1-9][0-9]{0,4}))?
        (?P<rest>([/?][!-~]*)?)""",  # authority ends here for every parser: no "@", no "\\", no "[" before it
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_PROXY = re.compile(r"http://([^\s/@:]+(:[^\s/@]*)?@)?[A-Za-z0-9.-]+(:[0-9]{1,5})?/?", re.ASCII)
_NAME = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)  # and no IP
_LONGEST_NAME = 253
_DEFAULT_PORTS = {"https": 443, "http": 80}


def may_receive_token(url: str, origins: Iterable[str]) -> bool:
    """Whether the account's token may go to `url`: a configured origin, or an https host under adobe.io.

    A configured `http://127.0.0.1:PORT` (a sandbox) trusts every port of 127.0.0.1 and nothing else.
    """
    parts = _parts(url)
    if parts is None:
        return False
    known = [origin for origin in map(_parts, origins) if origin is not None]
    if any(_is_loopback(origin) for origin in known):
        return _is_loopback(parts)
    return parts in known or _is_under(parts, (TOKEN_SUFFIX,))


def may_fetch_image(url: str, api_origin: str, further: Sequence[str] = ()) -> bool:
    """Whether `url` may be downloaded, without token or key: https on a storage host of Adobe or a `further` one.

    From a loopback API origin also every port of that same literal host.
    """
    parts = _parts(url)
    if parts is None:
        return False
    return _is_under(parts, (*IMAGE_SUFFIXES, *further)) or (_is_loopback(parts) and _is_loopback(_parts(api_origin)))


def is_adobe(origin: str) -> bool:
    """Whether a service is Adobe's, where images are bought; all others are sandboxes."""
    parts = _parts(origin)
    return parts is not None and _is_under(parts, (TOKEN_SUFFIX,))


def host_of(url: str) -> str:
    """The host of `url` for a message: never its path, query or userinfo."""
    parts = _parts(url)
    return "an unreadable address" if parts is None else parts[1]


def origin_of(url: str) -> str:
    """Where `url` leads, as `checked_origin` spells it; empty for an unreadable address."""
    parts = _parts(url)
    return "" if parts is None else _spelt(parts)


def checked_origin(text: str) -> str:
    """`text` as an origin in its one spelling: lower case, without trailing slash and without the usual port.

    Journals and the allowance know a service by it. Raises UsageError for all but https and http://127.0.0.1:PORT.
    """
    origin = text.removesuffix("/")
    parts = _parts(origin)
    if parts is None or origin.count("/") != 2 or "?" in origin or not (parts[0] == "https" or _is_loopback(parts)):
        raise UsageError("a service address must be https://HOST or http://127.0.0.1:PORT, without a path")
    return _spelt(parts)


def recorded_origin(text: str) -> str:
    """What a journal calls its service, in its one spelling; a word that is not an origin (`sandbox`) as it is."""
    try:
        return checked_origin(text)
    except UsageError:
        return text


def checked_proxy(text: str) -> str:
    """`text` as a proxy's URL, userinfo allowed. Raises UsageError for anything else; never quotes it."""
    if not _PROXY.fullmatch(text):
        raise UsageError("CAMPAIGN_RUNNER_PROXY must be http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT")
    return text


def checked_image_host(text: str) -> str:
    """`text` as the name of a host, in lower case, that images may come from as from everything below it.

    Raises UsageError for all but a name of two labels at least: no IP, port, scheme or `*`.
    """
    name = text.strip(" \t").lower()
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        raise UsageError(
            "CAMPAIGN_RUNNER_IMAGE_HOSTS takes host names such as images.example.com, separated by commas, without "
            f"scheme, port or *; {text[:60]!a} is not one"
        )
    return name


_Parts = tuple[str, str, int]


@lru_cache(maxsize=256)  # a call asks several times about the same few addresses
def _parts(url: str) -> _Parts | None:
    """Scheme, host and port, lower case; None for anything but a plain http or https URL."""
    if len(url) > _LONGEST_URL or "\\" in url or "#" in url:
        return None
    found = _URL.fullmatch(url)
    if found is None:
        return None
    scheme, host = found["scheme"].lower(), found["host"].lower()
    port = int(found["port"]) if found["port"] else _DEFAULT_PORTS[scheme]
    return (scheme, host, port) if port <= 65535 else None


def _spelt(parts: _Parts) -> str:
    scheme, host, port = parts
    return f"{scheme}://{host}" if port == _DEFAULT_PORTS[scheme] else f"{scheme}://{host}:{port}"


def _is_loopback(parts: _Parts | None) -> bool:
    return parts is not None and parts[:2] == ("http", LOOPBACK)


def _is_under(parts: _Parts, suffixes: Sequence[str]) -> bool:
    scheme, host, port = parts
    if scheme != "https" or port != 443:
        return False
    return any(host == suffix or host.endswith(f".{suffix}") for suffix in suffixes)
