"""What stands beside the pixels makes no sound picture a damaged one, and hides no damage."""

from __future__ import annotations

import random
import struct
import tracemalloc
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from campaign_runner.errors import Damaged
from campaign_runner.output_folder.folder import Folder
from campaign_runner.pictures.inspection import examine, opened
from campaign_runner.pictures.likeness import difference_hash
from campaign_runner.pictures.pixel_distance import likeness
from campaign_runner.report.sheet.contents import Picture
from campaign_runner.report.sheet.drawing import thumbnails
from campaign_runner.report.sheet.layout import Place

MIB = 1 << 20
SIZE = (64, 48)
NOISE = random.Random(8).randbytes(5 * MIB)
IMAGE = Image.effect_noise(SIZE, 60).convert("RGB")


def saved(kind: str, **options: object) -> bytes:
    content = BytesIO()
    IMAGE.save(content, kind, **options)
    return content.getvalue()


PLAIN = {kind: saved(kind) for kind in ("PNG", "JPEG", "WEBP")}


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(*chunks: bytes, late: bool = False) -> bytes:
    """A PNG with further chunks, before its pixels or after them."""
    at = PLAIN["PNG"].index(b"IEND" if late else b"IDAT") - 4
    return PLAIN["PNG"][:at] + b"".join(chunks) + PLAIN["PNG"][at:]


def jpeg(*segments: tuple[int, bytes]) -> bytes:
    made = b"".join(struct.pack(">BBH", 0xFF, code, len(content) + 2) + content for code, content in segments)
    return PLAIN["JPEG"][:2] + made + PLAIN["JPEG"][2:]


def webp(name: bytes, content: bytes, whole: bytes = PLAIN["WEBP"]) -> bytes:
    body = whole[12:] + name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def with_text(text: str, *, is_international: bool = False, is_packed: bool = True) -> bytes:
    info = PngImagePlugin.PngInfo()
    if is_international:
        info.add_itxt("XML:com.adobe.xmp", text, zip=is_packed)
    else:
        info.add_text("parameters", text, zip=is_packed)
    return saved("PNG", pnginfo=info)


def packed(content: bytes) -> bytes:
    return b"a\0\0" + zlib.compress(content)


def sound() -> Iterator[tuple[str, bytes]]:
    """Pictures with much beside the pixels: as Pillow writes it, and as nobody should."""
    yield "a packed text of 2 MiB", with_text("word " * (2 * MIB // 5))
    yield "a text of 2 MiB", with_text("word " * (2 * MIB // 5), is_packed=False)
    yield "XMP of 5 MiB", with_text("<x/>" * (5 * MIB // 4), is_international=True, is_packed=False)
    yield "packed XMP of 5 MiB", with_text("<x/>" * (5 * MIB // 4), is_international=True)
    yield "a profile of 4 MiB in a PNG", saved("PNG", icc_profile=NOISE[: 4 * MIB])
    yield "EXIF of 3 MiB in a PNG", saved("PNG", exif=b"Exif\0\0" + NOISE[: 3 * MIB])
    yield "a hundred texts of a megabyte", png(*[chunk(b"zTXt", packed(bytes(MIB)))] * 100)
    yield "texts after the pixels", png(*[chunk(b"zTXt", packed(bytes(2 * MIB)))] * 3, late=True)
    yield (
        "a text that would be gigabytes",
        png(chunk(b"zTXt", b"a\0\0" + zlib.compress(zlib.compress(bytes(64 * MIB))))),
    )
    yield "ten thousand texts", png(*[chunk(b"tEXt", b"a\0b")] * 10_000)
    yield "content credentials of 40 MiB", png(chunk(b"caBX", NOISE * 8))
    yield "a packed text that is none", png(chunk(b"zTXt", b"a\0\0" + NOISE[:100]), chunk(b"iCCP", b"a\0\7x"))
    yield "a text without its keyword", png(chunk(b"tEXt", b""), chunk(b"iTXt", b"a"), chunk(b"zTXt", b""))
    yield (
        "numbers that are cut",
        png(chunk(b"pHYs", b"\0"), chunk(b"gAMA", b""), chunk(b"cHRM", b"\1"), chunk(b"sRGB", b"")),
    )
    yield "an animation that is none", png(chunk(b"acTL", b"\0"), chunk(b"fcTL", b"\0"), chunk(b"fdAT", b""))
    yield "a chunk nobody knows", png(chunk(b"zzZz", NOISE[:MIB]), chunk(b"IENd", b""), chunk(b"idat", b"x"))
    yield "a profile of 4 MiB in a JPEG", saved("JPEG", icc_profile=NOISE[: 4 * MIB])
    yield "marks of scans in a profile", saved("JPEG", icc_profile=b"\xff\xda" * MIB)
    yield "marks of scans in a comment", jpeg((0xFE, b"\xff\xda" * 30_000))
    yield "content credentials in a JPEG", jpeg(*[(0xEB, NOISE[n : n + 65_000]) for n in range(0, 5 * MIB, 65_000)])
    yield "a picture behind the picture", saved("JPEG") + saved("JPEG", icc_profile=NOISE)
    yield "EXIF that is none", jpeg((0xE1, b"Exif\0\0MM\0*\0\0\0\x08" + b"\xff" * 50))
    yield "a list of pictures that is none", jpeg((0xE2, b"MPF\0MM\0*\0\0\0\x08\0\3" + b"\xff" * 60))
    yield "names of formats, and no more", jpeg((0xE0, b"JFIF\0"), (0xEE, b"Adobe"), (0xED, b"Photoshop 3.08BIM\xff"))
    yield "XMP of 5 MiB in a WebP", saved("WEBP", xmp=NOISE)
    yield "a profile of 4 MiB in a WebP", saved("WEBP", icc_profile=NOISE[: 4 * MIB])
    yield "a chunk nobody knows in a WebP", webp(b"C2PA", NOISE[: MIB + 1])
    yield "the same beside a profile", webp(b"C2PA", NOISE[:MIB], saved("WEBP", icc_profile=NOISE[:99]))


SOUND = dict(sound())


@pytest.mark.parametrize("content", SOUND.values(), ids=SOUND)
def test_what_stands_beside_the_pixels_does_not_count(content: bytes, tmp_path: Path) -> None:
    kind = next(kind for kind, plain in PLAIN.items() if plain[:2] == content[:2])
    examined = examine(content)
    assert (examined.size.width, examined.size.height) == SIZE
    assert examined.media_type == f"image/{kind.lower()}"
    with opened(BytesIO(content)) as picture, opened(BytesIO(PLAIN[kind])) as plain:
        assert picture.tobytes() == plain.tobytes()


@pytest.mark.parametrize("content", SOUND.values(), ids=SOUND)
async def test_whoever_looks_at_pictures_opens_it_too(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    file = tmp_path / "images" / "a.png"
    file.write_bytes(content)
    plain = tmp_path / "plain"
    plain.write_bytes(next(plain for plain in PLAIN.values() if plain[:2] == content[:2]))
    with file.open("rb") as ours, plain.open("rb") as theirs:
        assert difference_hash(ours) == difference_hash(theirs) is not None
    assert likeness(content, plain.read_bytes()).verdict == "identical_pixels"
    warned: list[str] = []
    picture = Picture(1, "images/a.png", None, "")
    assert await thumbnails(Folder(tmp_path), [(picture, Place(0, 0, 32, 24))], {"images/a.png"}, warned.append) != [
        None
    ]
    assert warned == []


DAMAGE = {
    "a text": png(chunk(b"tEXt", b"a\0words")),
    "a packed text of 2 MiB": SOUND["a packed text of 2 MiB"],
    "a profile": saved("PNG", icc_profile=b"profile"),
    "content credentials": png(chunk(b"caBX", NOISE[:1000])),
    "a text after the pixels": png(chunk(b"tEXt", b"a\0words"), late=True),
    "nothing else": PLAIN["PNG"],
}


@pytest.mark.parametrize("content", DAMAGE.values(), ids=DAMAGE)
def test_a_wrong_sum_of_any_chunk_is_damage(content: bytes) -> None:
    for start, stop in chunks(content):
        for at in {start + 8, stop - 4, stop - 1}:  # its content, if it has any, and its sum
            spoiled = bytearray(content)
            spoiled[at] ^= 1
            with pytest.raises(Damaged):
                examine(bytes(spoiled))


@pytest.mark.parametrize("content", DAMAGE.values(), ids=DAMAGE)
def test_a_cut_in_or_between_any_chunks_is_damage(content: bytes) -> None:
    for start, stop in chunks(content):
        for at in {start, start + 4, start + 8, (start + stop) // 2, stop - 4, stop - 1}:
            with pytest.raises(Damaged):
                examine(content[:at])


def chunks(content: bytes) -> Iterator[tuple[int, int]]:
    at = 8
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        yield at, at + 12 + length
        at += 12 + length


def test_an_end_that_stands_in_a_text_does_not_hide_a_cut() -> None:
    content = png(chunk(b"tEXt", b"a\0" + PLAIN["PNG"][-12:]))
    assert examine(content)
    with pytest.raises(Damaged):
        examine(content[:-12])


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_much_beside_the_pixels_does_not_hide_a_cut(kind: str) -> None:
    content = saved(kind, icc_profile=b"\xff\xd9" * MIB)
    assert examine(content)
    for cut in (1, 2, 50, 1000):
        with pytest.raises(Damaged):
            examine(content[:-cut])


def test_what_is_packed_beside_the_pixels_is_not_unpacked() -> None:
    texts = [chunk(name, packed(bytes(64 * MIB))) for name in (b"zTXt", b"iCCP")]
    content = png(*texts * 20, *texts * 20)
    tracemalloc.start()
    examine(content)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8 * MIB


def test_transparency_and_colours_are_shown(tmp_path: Path) -> None:
    content = BytesIO()
    Image.new("P", SIZE, 3).save(content, "PNG", transparency=3)
    with opened(BytesIO(content.getvalue())) as picture:
        assert picture.has_transparency_data
    content = BytesIO()
    Image.new("CMYK", SIZE, (0, 255, 255, 0)).save(content, "JPEG")
    with opened(BytesIO(content.getvalue())) as picture:
        assert picture.convert("RGB").tobytes()[0] > 200  # red of the first pixel
