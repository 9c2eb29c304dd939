"""What is a whole picture: told by its bytes, and every cut is noticed."""

from __future__ import annotations

from hashlib import sha256

import pytest

from campaign_runner.errors import Damaged
from campaign_runner.model import Size
from campaign_runner.pictures.inspection import examine
from tests.ports.pictures import picture

KINDS = [
    pytest.param("JPEG", {}, "image/jpeg", "jpg", id="jpeg"),
    pytest.param("JPEG", {"progressive": True}, "image/jpeg", "jpg", id="progressive"),
    pytest.param("JPEG", {"subsampling": 0, "quality": 95}, "image/jpeg", "jpg", id="jpeg-444"),
    pytest.param("JPEG", {"restart_marker_rows": 1}, "image/jpeg", "jpg", id="jpeg-restart"),
    pytest.param("PNG", {}, "image/png", "png", id="png"),
    pytest.param("WEBP", {}, "image/webp", "webp", id="webp"),
    pytest.param("WEBP", {"lossless": True}, "image/webp", "webp", id="webp-lossless"),
]


@pytest.mark.parametrize(("kind", "options", "media_type", "suffix"), KINDS)
def test_a_whole_picture_is_told_by_its_bytes(
    kind: str, options: dict[str, object], media_type: str, suffix: str
) -> None:
    content = picture(kind, (65, 33), **options)
    examined = examine(content)
    assert (examined.media_type, examined.suffix) == (media_type, suffix)
    assert examined.size == Size(65, 33)
    assert examined.sha256 == sha256(content).hexdigest()


@pytest.mark.parametrize(("kind", "options", "media_type", "suffix"), KINDS)
def test_every_cut_is_noticed(kind: str, options: dict[str, object], media_type: str, suffix: str) -> None:
    content = picture(kind, (97, 61), **options)
    tail = range(len(content) - 40, len(content))
    for length in {*range(0, len(content), 97), *tail}:
        with pytest.raises(Damaged):
            examine(content[:length])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>404</html>",  # a page where a picture was promised
        b'{"error_code": "not_found"}',
        b"\xff\xd8\xff\xe0",  # the first bytes of a JPEG and no more
        b"RIFF\xff\xff\xff\x7fWEBPVP8 ",
        picture("GIF"),  # a picture nobody asks for
        picture("BMP"),
        picture("TIFF"),
    ],
)
def test_what_is_no_picture_is_damaged(content: bytes) -> None:
    with pytest.raises(Damaged):
        examine(content)


def test_bytes_after_the_end_are_kept_and_allowed() -> None:
    content = picture() + b"more"
    assert examine(content).sha256 == sha256(content).hexdigest()


@pytest.mark.parametrize("is_progressive", [False, True])
def test_scans_that_no_encoder_writes_are_refused_however_the_file_ends(is_progressive: bool) -> None:
    content = picture("JPEG", (97, 61), progressive=is_progressive)
    scan = content.rindex(b"\xff\xda")
    again = content[scan : scan + 2 + int.from_bytes(content[scan + 2 : scan + 4], "big")]
    with pytest.raises(Damaged):
        examine(content[:-2] + again * 60 + content[-2:])
