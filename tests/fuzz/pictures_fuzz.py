"""Pictures: real ones of every kind, whole, cut, spoiled, foreign, and ones that claim to be enormous."""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from campaign_runner.errors import Damaged
from campaign_runner.pictures.inspection import examine
from tests.fuzz.fuzzing import Target, spoiled

PIECES = (
    b"\xff\xd8", b"\xff\xd9", b"\xff\xda", b"\xff\xe1\xff\xff", b"\xff\xc0", b"\xff\xc2\x00\x11\x08\xff\xff\xff\xff",
    b"IEND\xaeB`\x82", b"IDAT", b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"acTL", b"fdAT",
    b"iCCP", b"zTXt", b"VP8X", b"ANMF", b"RIFF", b"WEBP", b"EXIF", b"Exif\x00\x00II*\x00\x08\x00\x00\x00\xff\xff",
)  # fmt: skip
SIZE = (48, 40)


@dataclass(frozen=True)
class Picture:
    """What came for a picture. `is_cut`: the last bytes of a good one are missing."""

    content: bytes
    is_whole: bool = False
    is_cut: bool = False


@cache
def drawn(kind: str, mode: str, **options: Any) -> bytes:
    """A noisy picture; the same in every process."""
    rows = Random(kind).randbytes(SIZE[0] * SIZE[1] * 3)
    content = BytesIO()
    Image.frombytes("RGB", SIZE, rows).convert(mode).save(content, kind, **options)
    return content.getvalue()


@cache
def good() -> tuple[bytes, ...]:
    frames = [Image.new("RGB", SIZE, color) for color in ("red", "blue")]
    return (
        drawn("JPEG", "RGB"),
        drawn("JPEG", "RGB", progressive=True),
        drawn("JPEG", "CMYK"),
        drawn("JPEG", "L", exif=b"Exif\0\0" + drawn("JPEG", "RGB")[:300]),
        drawn("PNG", "RGBA"),
        drawn("PNG", "P"),
        drawn("PNG", "1", optimize=True),
        drawn("WEBP", "RGB"),
        drawn("WEBP", "RGBA", lossless=True),
        _saved(frames, "PNG"),
        _saved(frames, "WEBP"),
    )


@cache
def foreign() -> tuple[bytes, ...]:
    """Kinds that a picture library reads and nobody asked for."""
    return (drawn("GIF", "P"), drawn("TIFF", "RGB"), drawn("BMP", "RGB"), drawn("PPM", "RGB"), drawn("ICO", "RGBA"))


def _saved(frames: list[Image.Image], kind: str) -> bytes:
    content = BytesIO()
    frames[0].save(content, kind, save_all=True, append_images=frames[1:])
    return content.getvalue()


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG that claims to be so large, and has these chunks."""
    header = (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    whole = b"\x89PNG\r\n\x1a\n"
    for name, body in (header, *chunks, (b"IEND", b"")):
        whole += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return whole


def make(chance: Random) -> Picture:
    content = chance.choice(good())
    match chance.randrange(12):
        case 0:
            return Picture(content + chance.randbytes(chance.randrange(20)), is_whole=True)
        case 1 | 2:
            return Picture(content[: chance.randrange(len(content))], is_cut=True)
        case 3:
            return Picture(content[: -chance.randint(1, 8)], is_cut=True)
        case 4:
            return Picture(spoiled(chance, chance.choice(foreign()), PIECES))
        case 5:
            return Picture(_enormous(chance, content))
        case 6:
            return Picture(chance.randbytes(chance.randrange(300)))
        case _:
            return Picture(spoiled(chance, content, PIECES, most=chance.choice((1, 2, 8))))


def _enormous(chance: Random, content: bytes) -> bytes:
    """A picture that says it has more pixels than it could have."""
    side = struct.pack(">I", chance.choice((0, 1, 8000, 8001, 30_000, 65_535, 2**31 - 1, 2**32 - 1)))
    other = struct.pack(">I", chance.choice((0, 1, 8001, 65_535, 2**31 - 1)))
    if content.startswith(b"\x89PNG"):
        rows = zlib.compress(b"\0" * chance.choice((0, 100, 100_000)))
        return png(*struct.unpack(">II", side + other), (b"IDAT", rows))
    if content.startswith(b"\xff\xd8"):
        at = max(content.find(mark) for mark in (b"\xff\xc0", b"\xff\xc2"))
        return content[: at + 5] + side[2:] + other[2:] + content[at + 9 :]
    return content[:20] + side + other + content[28:]


def hold(picture: Picture, folder: Path) -> str:
    """Examined as it is, or Damaged; a cut is always noticed."""
    try:
        examined = examine(picture.content)
    except Damaged as error:
        assert not picture.is_whole, error
        return "damaged"
    assert not picture.is_cut, f"cut at {len(picture.content)}"
    assert examined.sha256 == hashlib.sha256(picture.content).hexdigest()
    assert 0 < examined.size.width * examined.size.height <= 64_000_000
    return "examined"


PICTURES = Target("pictures", 60, make, hold, frozenset({"examined", "damaged"}))
