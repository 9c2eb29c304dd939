"""Pictures of anyone's making: whether one is whole, and how any of them is opened.

What is beside the pixels (texts, profiles, metadata of any size) is not part of the picture. The decoder is never
shown it, so nothing in it is unpacked, and none of the decoder's limits makes a sound picture a damaged one. A PNG says
of each of its chunks what it should add up to: that is held, whatever the chunk is for.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from itertools import accumulate
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from campaign_runner.errors import Damaged
from campaign_runner.model import Size
from campaign_runner.pictures.decoding import MOST_PIXELS, QUIET, ROOM
from campaign_runner.ports import Examined

_MOST_PARTS = 100_000
"""Of a picture: one of millions of empty parts would fill the memory."""
_MOST_READS = 200_000
_MOST_SCANS = 50
"""Of a JPEG; encoders write about ten. A scan is a few bytes and a pass over all pixels, so a file could take hours."""
_BLOCK = 1 << 20
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_SCAN, _END = b"\xff\xda", b"\xff\xd9"
_SEQUENTIAL = (b"\xff\xc0", b"\xff\xc1")
"""How the frame of a JPEG begins that is not progressive."""
_MARK = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")  # in a JPEG's rows: what is neither escaped nor a restart
_MEDIA_TYPES = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
BROKEN = (
    # what Pillow raises for broken pictures, which one depends on where the break is; and for too many pixels
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


def examine(content: bytes) -> Examined:
    """Decode `content` to its end. Raises Damaged for what is cut, of another format, or too many pixels."""
    try:
        has_end = _comes_to_its_end(content)  # first: a file may take the decoder hours
        media_type, size = _decode(content)
    except Image.DecompressionBombError as error:
        raise Damaged(f"the image has more than {MOST_PIXELS:,} pixels", code="too_many_pixels") from error
    except UnidentifiedImageError as error:
        raise Damaged("the image is not a JPEG, PNG or WebP picture", code="no_picture") from error
    except BROKEN as error:
        raise Damaged("the image is cut off or damaged", code="damaged") from error
    if not has_end:
        raise Damaged("the image is cut off before its end", code="damaged")
    return Examined(media_type, size, hashlib.sha256(content).hexdigest())


@contextmanager
def opened(file: BinaryIO) -> Iterator[Image.Image]:
    """The picture in `file`, of which only what is decoded is read; only for the length of the block.

    Raises one of BROKEN, then or while it is decoded.
    """
    with QUIET, Image.open(_Pixels(file), formats=("JPEG", "PNG", "WEBP")) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            raise Image.DecompressionBombError(picture.size)
        with ROOM.taken(picture.width * picture.height):
            yield picture


@contextmanager
def opened_with_surroundings(file: BinaryIO) -> Iterator[Image.Image]:
    """The same with everything beside the pixels, as far as the decoder's own limits let it be unpacked."""
    with (
        QUIET,
        Image.open(file, formats=("JPEG", "PNG", "WEBP")) as picture,
        ROOM.taken(picture.width * picture.height),
    ):
        yield picture


def _decode(content: bytes) -> tuple[str, Size]:
    """The media type and size of a picture that decodes to its end. Raises what Pillow raises."""
    with opened(BytesIO(content)) as picture:
        media_type, size = _MEDIA_TYPES[picture.format or ""], Size(*picture.size)
        # A baseline JPEG is decoded at an eighth: a third of the work, and a cut is still noticed.
        picture.draft(picture.mode, (max(1, size.width // 8), max(1, size.height // 8)))
        picture.load()
    return media_type, size


def _comes_to_its_end(content: bytes) -> bool:
    """Whether the closing mark is there: Pillow does not miss it once it has all the rows."""
    if content.startswith(_JPEG):
        *heads, (start, _) = _jpeg(BytesIO(content), len(content))
        if content.endswith(_END) and _is_one_scan(content, [head for head, _ in heads], start):
            return True
        return _rows_end(content, start)
    if content.startswith(b"RIFF"):
        return len(content) >= 8 + int.from_bytes(content[4:8], "little")
    return True  # a PNG without its last chunk cannot be opened


def _is_one_scan(content: bytes, heads: Sequence[int], scan: int) -> bool:
    """Whether a JPEG has all of its components in the scan that begins at `scan`: no mark is among its rows then.

    The decoder takes no further scan after such a one. So the closing mark at the end of the file is the rows' own.
    """
    components = [content[head + 9 : head + 10] for head in heads if content[head : head + 2] in _SEQUENTIAL]
    return content.startswith(_SCAN, scan) and components == [content[scan + 4 : scan + 5]] != [b""]


def _rows_end(content: bytes, at: int) -> bool:
    """Whether the rows of a JPEG, from `at` on, come to the mark that ends them. Raises Damaged, ValueError."""
    scans = 0
    for _ in range(_MOST_PARTS):
        found = _MARK.search(content, at)
        if found is None or found[0] == _END:
            return found is not None
        scans += found[0] == _SCAN
        if scans > _MOST_SCANS:
            raise Damaged("the image is a JPEG with more scans than any encoder writes", code="too_many_scans")
        at = found.end() + int.from_bytes(content[found.end() : found.end() + 2], "big")
    raise ValueError("a picture of too many parts")


_Span = tuple[int, int]
"""From one place in a file up to another."""


class _Pixels(BytesIO):
    """What of a picture's file the decoder is shown, as if it were all; in so many pieces and no more."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._spans = _spans(file)
        self._starts = [0, *accumulate(stop - start for start, stop in self._spans)]
        self._at = 0
        self._left = _MOST_READS

    def read(self, size: int | None = -1, /) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise OSError("a picture of too many parts")
        left = self._starts[-1] - self._at if size is None or size < 0 else size
        pieces = []
        while left > 0 and (piece := self._piece(left)):
            pieces.append(piece)
            left -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _piece(self, most: int) -> bytes:
        """The next bytes of one span; none at the end."""
        if self._at >= self._starts[-1]:
            return b""
        number = bisect_right(self._starts, self._at) - 1
        start, stop = self._spans[number]
        start += self._at - self._starts[number]
        self._file.seek(start)
        piece = self._file.read(min(most, stop - start))
        self._at += len(piece)
        return piece

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._starts[-1]}[whence]
        return self._at

    def tell(self) -> int:
        return self._at


def _spans(file: BinaryIO) -> list[_Span]:
    """What of a file is decoded, in order; neighbours are one. Raises ValueError for a PNG that is not sound."""
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(len(_PNG))
    spans: list[_Span] = []
    for start, stop in _png(file, end) if head == _PNG else _jpeg(file, end) if head[:2] == _JPEG else [(0, end)]:
        if spans and spans[-1][1] == start and stop > start:
            spans[-1] = spans[-1][0], stop
        else:
            spans.append((start, stop))
    return spans


def _png(file: BinaryIO, end: int) -> Iterator[_Span]:
    """The chunks that are decoded. Raises ValueError where any chunk, for whatever it is, is cut or damaged."""
    at = len(_PNG)
    yield 0, at
    for _ in range(_MOST_PARTS):
        file.seek(at)
        head = file.read(8)
        length, name = int.from_bytes(head[:4], "big"), head[4:]
        start, at = at, at + 12 + length
        if len(head) < 8 or at > end or _sum(file, name, length) != file.read(4):
            raise ValueError("a chunk that is cut or damaged")
        if not name[0] & 0x20 or name == b"tRNS":  # a small first letter: the picture can be shown without it
            yield start, at
        if name == b"IEND":
            return
    raise ValueError("a picture of too many parts")


def _sum(file: BinaryIO, name: bytes, length: int) -> bytes:
    """What a chunk adds up to, its content being the next `length` bytes of `file`."""
    total = zlib.crc32(name)
    while length > 0:
        block = file.read(min(length, _BLOCK))
        total, length = zlib.crc32(block, total), length - len(block)
    return total.to_bytes(4, "big")


def _jpeg(file: BinaryIO, end: int) -> Iterator[_Span]:
    """The segments before the first scan that are decoded, and last all from there on. Raises ValueError.

    What is not as it should be is left for the decoder to judge, with all that follows.
    """
    at = 2
    yield 0, at
    for _ in range(_MOST_PARTS):
        file.seek(at)
        head = file.read(16)
        if head[:2] == b"\xff\xff":  # filling
            at += 1
            continue
        length = int.from_bytes(head[2:4], "big")
        start, stop = at, at + 2 + length
        if head[:1] != b"\xff" or head[1:2] < b"\xc0" or head[:2] in (_SCAN, _END) or length < 2 or stop > end:
            yield at, end
            return
        if _is_decoded(head[1], head[4:], length):
            yield start, stop
        at = stop
    raise ValueError("a picture of too many parts")


def _is_decoded(code: int, content: bytes, length: int) -> bool:
    """Whether a segment says something about the pixels: of those for programs, the two that name the colours do."""
    if 0xE0 <= code <= 0xEF:
        return length >= 14 and (code, content[:5]) in ((0xE0, b"JFIF\0"), (0xEE, b"Adobe"))
    return code != 0xFE
