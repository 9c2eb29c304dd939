"""One picture to the files of its channels: cut, shrunk, and saved as well as the weight of a channel allows.

It runs in processes of its own and knows only bytes and numbers.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from campaign_runner.channels.channel import Channel
from campaign_runner.channels.crops import MIDDLE, Crop, crop_at
from campaign_runner.deliver.cuts.xmp import Description, packet
from campaign_runner.model import Size
from campaign_runner.pictures.colours import srgb, upright
from campaign_runner.pictures.inspection import BROKEN

BEST_QUALITY = 92
_FULL_COLOUR = 80
"""From this quality on a JPEG has the colour of every pixel (4:4:4), below it that of every fourth (4:2:0)."""
_STEP = 4
_REDUCING_GAP = 3.0
SUFFIXES = {"jpeg": "jpg", "png": "png", "webp": "webp"}


@dataclass(frozen=True, slots=True)
class CutRequest:
    """What is to be made of a picture for one channel. `focus` is None for the middle."""

    channel: Channel
    focus: tuple[float, ...] | None
    description: Description
    min_quality: int


@dataclass(frozen=True, slots=True)
class Cut:
    """A file for a channel: its bytes, its format, its quality (None where it has none), and what it shows."""

    content: bytes
    format: str
    quality: int | None
    crop: Crop


@dataclass(frozen=True, slots=True)
class NotMade:
    """Why there is no file for a channel, in words."""

    reason: str


def cut_all(content: bytes, requests: Sequence[CutRequest]) -> list[Cut | NotMade]:
    """The files that are asked for of one original, in their order."""
    try:
        picture = upright(content)
    except BROKEN:
        return [NotMade("the original cannot be decoded")] * len(requests)
    return [cut(picture, request) for request in requests]


def cut(picture: Image.Image, request: CutRequest) -> Cut | NotMade:
    """One file of an upright sRGB picture."""
    channel = request.channel
    whole = Size(*picture.size)
    crop = crop_at(whole, channel, request.focus or MIDDLE)
    if crop.enlarges(channel):
        part = f"{crop.width:.0f}x{crop.height:.0f} pixels of the picture"
        return NotMade(f"{part} would be enlarged to {channel.size}")
    size = (channel.size.width, channel.size.height)
    small = picture.resize(size, Image.Resampling.LANCZOS, box=crop.box(whole), reducing_gap=_REDUCING_GAP)
    for format in channel.formats:
        found = _saved(small, format, request)
        if found is not None:
            return Cut(*found, crop)
    return NotMade(f"it cannot be made as light as {channel.max_kb:,} kB at a quality of {request.min_quality}")


def qualities(lowest: int) -> list[int]:
    """The qualities that are tried, from the lowest up."""
    return sorted({lowest, *range(BEST_QUALITY, lowest, -_STEP)})


def _saved(picture: Image.Image, format: str, request: CutRequest) -> tuple[bytes, str, int | None] | None:
    """The picture in a format, as good as its channel takes; None where it is too heavy at any quality allowed."""
    most = request.channel.max_bytes
    xmp = packet(request.description)
    if format == "png":
        content = _png(picture, xmp)
        return (content, format, None) if most is None or len(content) <= most else None
    save = _jpeg if format == "jpeg" else _webp
    content = save(picture, BEST_QUALITY, xmp)
    if most is None or len(content) <= most:
        return content, format, BEST_QUALITY
    found = _lighter(lambda quality: save(picture, quality, xmp), most, qualities(request.min_quality)[:-1])
    return None if found is None else (found[0], format, found[1])


def _lighter(save: Callable[[int], bytes], most: int, steps: Sequence[int]) -> tuple[bytes, int] | None:
    """What has the best of the qualities `steps` (ascending) with at most so many bytes; None if none has."""
    made: dict[int, bytes] = {}

    def is_heavy(quality: int) -> bool:
        made[quality] = save(quality)
        return len(made[quality]) > most

    bisect_left(steps, True, key=is_heavy)
    light = [quality for quality, content in made.items() if len(content) <= most]
    return (made[max(light)], max(light)) if light else None


def _jpeg(picture: Image.Image, quality: int, xmp: bytes) -> bytes:
    subsampling = "4:4:4" if quality >= _FULL_COLOUR else "4:2:0"
    return _written(picture, "JPEG", quality=quality, subsampling=subsampling, optimize=True, xmp=xmp)


def _webp(picture: Image.Image, quality: int, xmp: bytes) -> bytes:
    return _written(picture, "WEBP", quality=quality, method=4, xmp=xmp)


def _png(picture: Image.Image, xmp: bytes) -> bytes:
    texts = PngInfo()
    texts.add_itxt("XML:com.adobe.xmp", xmp.decode())
    return _written(picture, "PNG", pnginfo=texts)


def _written(picture: Image.Image, format: str, **options: Any) -> bytes:
    file = BytesIO()
    picture.save(file, format, icc_profile=srgb(), **options)
    return file.getvalue()
