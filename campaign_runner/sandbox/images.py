"""Placeholder pictures: real files of the asked size, the same for the same request and seed."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}


@dataclass(frozen=True, slots=True)
class Picture:
    """All that decides how a placeholder looks."""

    prompt: str
    size: tuple[int, int]
    seed: int
    styles: tuple[str, ...] = ()
    content_class: str = ""
    model: str = ""
    """The family and, for a custom model, its name."""
    is_plain: bool = False


def render(picture: Picture, media_type: str) -> bytes:
    """The file, in one of three media types. Takes tens of milliseconds: not for the event loop."""
    image = Image.new("RGB", picture.size, (picture.seed * 37 % 256, picture.seed * 91 % 256, 128))
    font = ImageFont.load_default(picture.size[0] // 20)
    ImageDraw.Draw(image).text((20, 20), f"SANDBOX {picture.seed}", font=font)
    buffer = io.BytesIO()
    image.save(buffer, FORMATS[media_type], quality=82)
    return buffer.getvalue()
