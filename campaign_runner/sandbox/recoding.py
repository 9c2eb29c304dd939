"""The same answer in another make: packed though no one asked for it, or in another encoding.

Each way has a name, the `word` of the fault `recoded`. Those of SPOILED cannot be read, or not in one way only.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Callable, Mapping

from aiohttp import web

Recoding = Callable[[bytes], bytes]


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def _in(encoding: str) -> Recoding:
    return lambda body: body.decode().encode(encoding)


READABLE: Mapping[str, Recoding] = {
    "gzip": _gzip,
    "gzip_unsaid": _gzip,  # without a header that says so
    "gzip_in_two": lambda body: _gzip(body[:7]) + _gzip(body[7:]),
    "gzip_in_gzip": lambda body: _gzip(_gzip(body)),
    "gzip_said": lambda body: body,  # the header says gzip, and it is not
    "gzip_of_utf-16": lambda body: _gzip(_in("utf-16")(body)),
    "deflate": zlib.compress,
    "raw_deflate": lambda body: zlib.compress(body, wbits=-15),
    "bom": lambda body: codecs.BOM_UTF8 + body,
    "utf-16": _in("utf-16"),  # with a byte order mark
    "utf-16-le": _in("utf-16-le"),
    "utf-16-be": _in("utf-16-be"),
    "utf-32": _in("utf-32"),
    "utf-32-le": _in("utf-32-le"),
    "utf-32-be": _in("utf-32-be"),
}
SPOILED: Mapping[str, Recoding] = {
    "gzip_cut": lambda body: _gzip(body)[:-9],
    "gzip_and_more": lambda body: _gzip(body) + b"{}",
    "gzip_bomb": lambda body: _gzip(body[:-1] + b" " * 2**22 + body[-1:]),  # 4 MiB of spaces before its end
    "brotli": lambda body: b"\x0b\x80" + body[::-1] + b"\x03",
    "utf-16_odd": lambda body: _in("utf-16")(body) + b"\0",
}
RECODINGS: Mapping[str, Recoding] = {**READABLE, **SPOILED}
_SAYS = {
    "gzip_unsaid": "",
    "gzip_in_gzip": "gzip, gzip",
    "deflate": "deflate",
    "raw_deflate": "deflate",
    "brotli": "br",
}


def recoded(response: web.Response, word: str) -> web.Response:
    """`response` in the make called `word`; without a word it is gzip'ed."""
    word = word or "gzip"
    body = response.body if isinstance(response.body, bytes) else b""
    coding = _SAYS.get(word, "gzip" if word.startswith("gzip") else "")
    headers = {name: value for name, value in response.headers.items() if name.lower() != "content-length"}
    headers |= {"Content-Encoding": coding} if coding else {}
    return web.Response(body=RECODINGS[word](body), status=response.status, headers=headers)
