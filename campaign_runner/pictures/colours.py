"""Colours: what we make of a picture is upright sRGB of 8 bits, converted by the profile of the original.

The profile and the turn of a picture are stored beside its pixels, with anything else: what cannot be read there is
taken as not said.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO

from PIL import Image, ImageCms

from campaign_runner.pictures.appearance import on_paper, orientation_in, turned
from campaign_runner.pictures.inspection import BROKEN, opened, opened_with_surroundings

_PAPER = "white"
_DATE = slice(24, 36)
"""Where an ICC profile says when it was made: two equal files must not differ in that."""
_MADE_AT = bytes.fromhex("07ea000100010000000000000000")[:12]


@cache
def srgb() -> bytes:
    """The sRGB profile that is embedded; always the same bytes."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_DATE] = _MADE_AT
    return bytes(profile)


def upright(content: bytes) -> Image.Image:
    """The picture in `content`: upright, sRGB, without transparency. Raises one of BROKEN where it is not a picture."""
    profile, orientation = beside(content)
    with opened(BytesIO(content)) as source:
        source.load()
        return turned(in_srgb(source.copy(), profile), orientation)


def in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """A picture whose colours are those of `profile` in sRGB, on white paper where it is seen through."""
    if picture.has_transparency_data:
        picture = on_paper(picture, _PAPER)
    if profile is not None:
        picture = _converted(picture, profile)
    return picture.convert("RGB")


def _converted(picture: Image.Image, profile: bytes) -> Image.Image:
    """In sRGB; as it is where its profile is broken, or of another kind of colours than the picture."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        target = ImageCms.ImageCmsProfile(BytesIO(srgb()))
        found = ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, *BROKEN):
        return picture
    return found or picture


def beside(content: bytes) -> tuple[bytes | None, int]:
    """The profile of a picture, None where it has none or sRGB; and how it is to be turned (1: not)."""
    try:
        with opened_with_surroundings(BytesIO(content)) as picture:
            profile, orientation = picture.info.get("icc_profile"), orientation_in(picture)
    except BROKEN:
        return None, 1
    usable = profile if isinstance(profile, bytes) and profile and profile != srgb() else None
    return usable, orientation
