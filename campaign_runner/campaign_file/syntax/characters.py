"""Characters that no text of a campaign may have: they cannot be seen, and came along when it was copied."""

from __future__ import annotations

import re

_PASTED_NAMES = {
    "\u00ad": "a soft hyphen",
    "\u200b": "a zero width space",
    "\u2060": "a word joiner",
    "\ufeff": "a byte order mark",
}
PASTED = re.compile(f"[{''.join(_PASTED_NAMES)}]")
"""Invisible characters that only come along when text is copied; joiners and direction marks are part of a script."""
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def pasted_flaw(text: str) -> str:
    """What is wrong with a text that has pasted characters."""
    found = PASTED.findall(text)
    named = f"{_PASTED_NAMES[found[0]]}, U+{ord(found[0]):04X}"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"this text contains an invisible character{more}: {named}"
