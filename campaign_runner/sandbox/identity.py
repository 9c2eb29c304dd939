"""What makes two images the same purchase: everything asked for, and the seed.

The recipe is the SHA-256 of canonical JSON of the request without seeds and
numVariations; the key of an image is that of the recipe and its seed. Order of
fields and of style presets do not matter, and a reference counts by its content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

DigestOf = Callable[[str], str | None]
"""The SHA-256 of an upload by its id; None for an unknown one."""


def recipe_of(version: str, accept: str, *, body: Mapping[str, Any], digest_of: DigestOf) -> str:
    """The recipe of a request; `accept` is the media type asked for, empty if none."""
    asked: dict[str, Any] = {"v": 1, "version": version}
    asked["body"] = {
        name: _settled(value, digest_of) for name, value in body.items() if name not in ("seeds", "numVariations")
    }
    if accept:
        asked["accept"] = accept
    return _sha256(json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=False))


def key_of(recipe: str, seed: int) -> str:
    """The key of one image."""
    return _sha256(f"{recipe}:{seed}")


def _settled(value: Any, digest_of: DigestOf) -> Any:
    if not isinstance(value, dict):
        return value
    if "uploadId" in value:
        return {"sha256": digest_of(value["uploadId"])}
    settled = {name: _settled(inside, digest_of) for name, inside in value.items()}
    return settled | ({"presets": sorted(settled["presets"])} if "presets" in settled else {})


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
