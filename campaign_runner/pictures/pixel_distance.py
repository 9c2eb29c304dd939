"""How far two pictures are from each other: the same bytes, the same pixels, much alike, or different.

The distance is how far their colours lie apart on the average, in percent of black to white, once both are shrunk to
the same small size: saving a picture again moves it by a few tenths, another picture of the same kind by five or more.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Literal

from PIL import Image, ImageChops, ImageStat

from campaign_runner.pictures.inspection import examine, opened

Verdict = Literal["identical_bytes", "identical_pixels", "similar", "different"]
SIMILAR_PERCENT = 3.0
"""Up to this distance two pictures are much alike."""
_SMALL = (64, 64)
_DECIMALS = 2


@dataclass(frozen=True, slots=True)
class Distance:
    """`distance` is in percent, 0 for the same pixels."""

    verdict: Verdict
    distance: float


def likeness(one: bytes, other: bytes) -> Distance:
    """How alike two whole pictures are. Raises Damaged where one is none."""
    if one == other:
        return Distance("identical_bytes", 0.0)
    for content in (one, other):
        examine(content)
    first, second = _pixels(one), _pixels(other)
    if first.size == second.size and first.tobytes() == second.tobytes():
        return Distance("identical_pixels", 0.0)
    distance = _distance(first, second)
    is_similar = distance <= SIMILAR_PERCENT and first.size == second.size
    return Distance("similar" if is_similar else "different", distance)


def _distance(first: Image.Image, second: Image.Image) -> float:
    small = (picture.convert("RGB").resize(_SMALL, Image.Resampling.BOX) for picture in (first, second))
    means = ImageStat.Stat(ImageChops.difference(*small)).mean
    return round(sum(means) / len(means) / 255 * 100, _DECIMALS)


def _pixels(content: bytes) -> Image.Image:
    with opened(BytesIO(content)) as picture:
        return picture.convert("RGBA")
