"""Placeholder pictures worth looking at: real files of the asked size.

The same request and seed give the same bytes; another look, prompt, size or seed
gives another picture. The word SANDBOX is on each. A picture is drawn at half size,
softened, finished as its look says, enlarged, and lettered at full size.
"""

from __future__ import annotations

import io
import random
import re
import struct
import unicodedata
import zlib
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw, ImageEnhance, ImageFont

from campaign_runner.sandbox.drawing.composition import compose
from campaign_runner.sandbox.drawing.finishes import finished
from campaign_runner.sandbox.drawing.looks import look_of
from campaign_runner.sandbox.metadata import chunk

_BEYOND_SEEDS = 2**31
_SMALLEST = 256
"""Pixels of a side that can still be drawn on; what is smaller is drawn larger and shrunk."""
PUNCTUATION = " .,;:!?'\"()&%+-/_…"


@dataclass(frozen=True, slots=True)
class Picture:
    """All that decides how a placeholder looks."""

    prompt: str
    size: tuple[int, int]
    seed: int
    key: str
    """Names the request and the seed; its beginning is written on the picture."""
    version: str = ""
    styles: tuple[str, ...] = ()
    content_class: str = ""
    intensity: int | None = None
    is_plain: bool = False
    is_drifted: bool = False
    """Made by the models as they are after they were trained again."""


def render(picture: Picture, media_type: str) -> bytes:
    """The file, in one of three media types. Takes tens of milliseconds: not for the event loop."""
    image = _plain(picture) if picture.is_plain else _drawn(picture)
    buffer = io.BytesIO()
    match media_type:
        case "image/png":
            image.save(buffer, "PNG", compress_level=1)
        case "image/webp":
            image.save(buffer, "WEBP", quality=80, method=0)
        case _:
            image.save(buffer, "JPEG", quality=82)
    return buffer.getvalue()


@lru_cache(maxsize=1)
def render_bomb() -> bytes:
    """A PNG of 400 million pixels in some ten thousand bytes: real, and nothing to be decoded."""
    side = 20_000
    rows = zlib.compressobj(9)
    packed = b"".join(rows.compress(bytes(1 + side // 8)) for _ in range(side)) + rows.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)  # one bit a pixel, grey
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def _plain(picture: Picture) -> Image.Image:
    colour = bytes.fromhex(picture.key[6:12] if picture.is_drifted else picture.key[:6])
    return Image.new("RGB", picture.size, (colour[0], colour[1], colour[2]))


def _drawn(picture: Picture) -> Image.Image:
    wide, high = (max(side, _SMALLEST) for side in picture.size)
    seed = picture.seed + (_BEYOND_SEEDS if picture.is_drifted else 0)
    palette, finishes = look_of(picture.styles, picture.content_class, seed=seed)
    image = compose((wide // 2, high // 2), picture.prompt, palette=palette, seed=seed).reduce(2)
    image = finished(image, finishes, palette=palette, dice=random.Random(seed))
    if picture.intensity is not None:
        image = ImageEnhance.Color(image).enhance(0.4 + picture.intensity / 8)
        image = ImageEnhance.Contrast(image).enhance(0.7 + picture.intensity / 18)
    sampling = Image.Resampling.NEAREST if "pixels" in finishes else Image.Resampling.BILINEAR
    image = image.resize((wide, high), sampling)
    _letter(image, picture)
    return image if image.size == picture.size else image.resize(picture.size)


def _letter(image: Image.Image, picture: Picture) -> None:
    """A strip with the word SANDBOX, what the picture was made from, and its prompt."""
    unit = min(image.size) / 100
    high = round(unit * 9)
    top = image.height - high
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, top, image.width, image.height), fill=(24, 22, 28))
    name, small = _font(round(unit * 4.2)), _font(round(unit * 1.9))
    left = unit * 3
    pen.text((left, top + high / 2), "SANDBOX", font=name, fill=(255, 214, 90), anchor="lm")
    left += pen.textlength("SANDBOX", font=name) + unit * 3
    facts = f"seed {picture.seed}   {picture.size[0]}x{picture.size[1]}   {picture.version}   {picture.key[:8]}"
    facts += "   " + (", ".join(picture.styles) or picture.content_class)
    room = image.width - left - unit * 3
    for text, part, colour in ((facts, 0.3, (190, 186, 196)), (picture.prompt, 0.68, (250, 248, 244))):
        pen.text((left, top + high * part), _fitted(text, small, room), font=small, fill=colour, anchor="lm")


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _fitted(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, room: float) -> str:
    """As much of the text as fits, in letters that the font has."""
    text = drawable(text)
    while text and font.getlength(text) > room:
        text = text[: int(len(text) * 0.9)].rstrip("…") + "…" if len(text) > 4 else ""
    return text


def drawable(text: str) -> str:
    """Latin letters as they are; a run of others as one ellipsis."""
    kept = "".join(letter if _has(letter) else "…" for letter in text)
    return re.sub("…+", "…", kept)


def _has(letter: str) -> bool:
    return letter in PUNCTUATION or unicodedata.name(letter, "").startswith(("LATIN", "DIGIT"))
