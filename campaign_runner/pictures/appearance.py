"""What people see of a picture: upright, and on paper where it is transparent.

How it is to be turned is stored beside its pixels, with anything else: what cannot be read there is taken as not
said.
"""

from __future__ import annotations

from PIL import ExifTags, Image, ImageOps

_UPRIGHT = 1
_TURNS = range(2, 9)
ON_ITS_SIDE = range(5, 9)
"""Turns that make width of height."""


def orientation_in(picture: Image.Image) -> int:
    """How an open picture is to be turned, as EXIF counts: 1 (upright) to 8. Raises one of BROKEN."""
    found = picture.getexif().get(ExifTags.Base.Orientation)
    return found if isinstance(found, int) and found in _TURNS else _UPRIGHT


def turned(picture: Image.Image, orientation: int) -> Image.Image:
    """The picture upright."""
    if orientation == _UPRIGHT:
        return picture
    picture.getexif()[ExifTags.Base.Orientation] = orientation
    return ImageOps.exif_transpose(picture)


def on_paper(picture: Image.Image, colour: str) -> Image.Image:
    """The picture in RGB; where it is seen through, there is paper of this colour."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, colour), layer).convert("RGB")
