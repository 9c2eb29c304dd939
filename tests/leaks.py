"""What must never show: secrets in any spelling, and characters that a terminal obeys.

Imports nothing of the package.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

SIGNED = (b"X-Amz-Signature", b"/presigned/")
"""What only a signed URL holds."""
CREDENTIALED = re.compile(rb"^(authorization|x-api-key|cookie|proxy-authorization)\s*:", re.IGNORECASE | re.MULTILINE)
# All of C0 but the end of a line, a tab and a bar's way back; DEL; C1; what turns the direction of writing.
OBEYED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
TRACEBACK = "Traceback (most recent call last)"


def spellings(secret: bytes) -> set[bytes]:
    """`secret` as it is, quoted for a URL, in base64 wherever it may begin, in hex, in JSON and in HTML."""
    text = secret.decode()
    found = {secret, quote(text, safe="").encode(), json.dumps(text)[1:-1].encode(), html.escape(text).encode()}
    found |= {secret.hex().encode(), secret.hex().upper().encode()}
    return found | set(_in_base64(secret))


def _in_base64(secret: bytes) -> Iterator[bytes]:
    """What is the same whatever stands before and after `secret`, at each of three places it can begin."""
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + secret)
        first, last = -(-before * 8 // 6), (before + len(secret)) * 8 // 6
        yield whole[first:last]
        yield whole[first:last].replace(b"+", b"-").replace(b"/", b"_")


def check_bytes(places: Iterable[tuple[str, bytes]], secrets: Collection[bytes]) -> None:
    """No spelling of a secret is in any of the named bytes."""
    sought = {spelling: secret for secret in secrets for spelling in spellings(secret)}
    for name, content in places:
        for spelling, secret in sought.items():
            assert spelling not in content, f"{secret!r} is in {name}, spelled {spelling!r}"


def files_below(*folders: Path) -> Iterator[tuple[str, bytes]]:
    """Every file's bytes, and every name: a name is written, too."""
    for folder in folders:
        for path in folder.rglob("*"):
            yield "a name", path.name.encode()
            if path.is_file() and not path.is_symlink():
                yield str(path.relative_to(folder)), path.read_bytes()


def check_shown(texts: Iterable[str]) -> None:
    """What a person sees moves no cursor, turns no text around, and is no traceback."""
    for text in texts:
        obeyed = OBEYED.search(text)
        assert obeyed is None, f"{obeyed.group()!r} reaches a terminal: {text[max(0, obeyed.start() - 40) :][:120]!r}"
        assert TRACEBACK not in text, text[text.index(TRACEBACK) :][:2000]


def check_strangers(requests: Iterable[bytes]) -> None:
    """What arrived at hosts that are not trusted carries no credentials."""
    for request in requests:
        found = CREDENTIALED.search(request)
        assert found is None, f"{found.group()!r} was sent to a host that is not trusted"
