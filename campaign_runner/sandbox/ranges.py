"""Parts of an image, as cloud stores give them: one range of bytes; every other range is ignored."""

from __future__ import annotations

import re

from campaign_runner.sandbox.refusals import store_error

_ONE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


def part_of(length: int, header: str | None) -> range | None:
    """The bytes that a Range header asks for, of `length`; None for all. Raises 416 for none of them."""
    found = _ONE.fullmatch((header or "").strip())
    if found is None or found[0] == "bytes=-":
        return None
    first, last = found.groups()
    if not first:
        asked = range(max(0, length - int(last)), length)
    elif last and int(last) < int(first):
        return None
    else:
        asked = range(int(first), min(length, int(last) + 1 if last else length))
    if not asked:
        refusal = store_error(416, "InvalidRange", "The requested range is not satisfiable")
        refusal.headers |= {"Content-Range": f"bytes */{length}"}
        raise refusal
    return asked


def said(part: range, length: int) -> str:
    """What Content-Range says about a part."""
    return f"bytes {part.start}-{part.stop - 1}/{length}"
