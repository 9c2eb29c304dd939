"""The page as HTML: one file without a request to anywhere, whose policy allows its own script and style alone."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from campaign_runner.review.page.scripts import joined_script, part
from campaign_runner.review.page.spooled_list import pieces

KEYS = (
    (("←", "→", "↑", "↓"), "Previous and next image, previous and next row"),
    (("Space",), "Large view and back"),
    (("P",), "Pick; on a second image of a row, move the pick there"),
    (("X",), "Reject: must not go out. A digit then gives the reason"),
    (("U",), "Clear the verdict"),
    (("1", "–", "9"), "Pick the image with this number in the row"),
    (("N",), "Next open row"),
    (("C",), "Compare with the row’s pick, which stays on the left"),
    (("Z",), "100 % at the place under the mouse; it stays for the next image"),
    (("Shift", "←"), "Look further to the side at 100\u00a0%"),
    (("V",), "Show what each channel cuts from the picture, and dashed what the platform leaves free of it"),
    (("Shift", "V"), "The next channel; after the last one, all of them"),
    (("Alt", "←"), "Move the focus; or click on the picture, or drag a part of it"),
    (("−", "+"), "Show a smaller or a larger part in the channel"),
    (("Del",), "Clear the focus"),
    (("M",), "Note at a place; or double-click the picture"),
    (("Ctrl", "Z"), "Undo, as often as you like"),
    (("B",), "Show or hide others’ verdicts"),
    (("K",), "Copy the key of the image"),
    (("R",), "Copy the command that makes another version of the image"),
    (("A",), "Stay after a verdict, or go on by itself"),
    (("/",), "Search"),
    (("Ctrl", "S"), "Save marks as a file"),
    (("?",), "This list"),
)
"""Every key, and what it does."""
_DATA = "{{ data }}"
"""Where the page has its data."""


def document(data: Mapping[str, Any]) -> Iterator[bytes]:
    """The page that shows `data`, piece by piece. Raises StoreError."""
    said = {
        "campaign": data["campaign"],
        "problems": data["problems"],
        "has_rows": bool(data["rows"]),
        "is_single_file": data["is_single_file"],
        "keys": KEYS,
        "policy": policy(is_served=data["is_served"]),
        "style": part("page.css"),
        "script": joined_script(),
    }
    before, after = _templates()
    yield before.render(said).encode()
    yield from pieces(data)
    yield after.render(said).encode()


def policy(*, is_served: bool) -> str:
    """What the page may load and run: its own style and script by their digests, pictures, and its server."""
    pictures = "'self' data:" if is_served else "'self' file: data:"
    rules = {
        "default-src": "'none'",
        "script-src": _digest(joined_script()),
        "style-src": _digest(part("page.css")),
        "img-src": pictures,
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    if is_served:
        rules["connect-src"] = "'self'"
    return "; ".join(f"{name} {value}" for name, value in rules.items())


@cache
def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _templates() -> tuple[Template, Template]:
    """What comes before the data of the page, and what after."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    before, _, after = part("page.html").partition(_DATA)
    return environment.from_string(before), environment.from_string(after)
