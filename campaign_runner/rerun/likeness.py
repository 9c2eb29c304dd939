"""How far two pictures are from each other: the same bytes, the same pixels, much alike, or different.

Alike is told by a difference hash: 64 bits that say, over a grid of eight by eight, whether each spot is
brighter than the one to its right. It ignores how a picture was saved and survives small changes of colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Literal

from PIL import Image

from campaign_runner.store import examine

Verdict = Literal["identical_bytes", "identical_pixels", "similar", "different"]
BITS = 64
SIMILAR_BITS = 10
"""Up to so many differing bits two pictures are much alike."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """`distance` counts the bits of the difference hash that differ, 0 to 64; None where it was not asked for."""

    verdict: Verdict
    distance: int | None = None


def likeness(one: bytes, other: bytes) -> Likeness:
    """How alike two whole pictures are. Raises Damaged where one is none."""
    if one == other:
        return Likeness("identical_bytes")
    for content in (one, other):
        examine(content)
    first, second = _pixels(one), _pixels(other)
    if first.size == second.size and first.tobytes() == second.tobytes():
        return Likeness("identical_pixels", 0)
    distance = (difference_hash(first) ^ difference_hash(second)).bit_count()
    is_similar = distance <= SIMILAR_BITS and first.size == second.size
    return Likeness("similar" if is_similar else "different", distance)


def difference_hash(picture: Image.Image) -> int:
    """64 bits that say how brightness changes from left to right."""
    grey = picture.convert("L").resize((9, 8), Image.Resampling.BOX).tobytes()
    bits = 0
    for row in range(8):
        for column in range(8):
            bits = bits << 1 | (grey[row * 9 + column] > grey[row * 9 + column + 1])
    return bits


def _pixels(content: bytes) -> Image.Image:
    with Image.open(BytesIO(content), formats=("JPEG", "PNG", "WEBP")) as picture:
        return picture.convert("RGBA")
