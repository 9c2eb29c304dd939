"""A copy of an image is known by its looks, and each image is looked at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageOps

from campaign_runner.find.search import by_picture
from campaign_runner.pictures.likeness import NEAR, Likeness, difference_hash
from tests.many_images import copy_of, make, picture

Change = Callable[[Image.Image], Image.Image]


def half(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2))


def distance(one: Path, other: Path) -> int:
    bits = [difference_hash(BytesIO(path.read_bytes())) for path in (one, other)]
    assert bits[0] is not None and bits[1] is not None
    return (bits[0] ^ bits[1]).bit_count()


COPIES: list[tuple[str, Change, dict[str, Any]]] = [
    ("half.jpg", half, {"quality": 70}),
    ("small.webp", lambda image: image.resize((120, 120)), {"quality": 50}),
    ("same.png", lambda image: image, {}),
    ("grey.jpg", lambda image: image.convert("L"), {"quality": 30}),
    ("alpha.png", lambda image: image.convert("RGBA"), {}),
]


@pytest.mark.parametrize(("name", "change", "options"), COPIES, ids=[row[0] for row in COPIES])
@pytest.mark.parametrize("number", range(5))
def test_a_copy_is_near(number: int, name: str, change: Change, options: dict[str, Any], tmp_path: Path) -> None:
    original = picture(number)
    original.save(tmp_path / "original.jpg", quality=90)
    change(original).save(tmp_path / name, **options)
    assert distance(tmp_path / "original.jpg", tmp_path / name) <= NEAR // 2


@pytest.mark.parametrize("number", range(5))
def test_another_picture_is_far(number: int, tmp_path: Path) -> None:
    picture(number).save(tmp_path / "one.png")
    ImageOps.mirror(picture(number)).save(tmp_path / "mirrored.png")
    picture(number + 100).save(tmp_path / "other.png")
    assert distance(tmp_path / "one.png", tmp_path / "mirrored.png") > NEAR
    assert distance(tmp_path / "one.png", tmp_path / "other.png") > NEAR


@pytest.mark.parametrize("content", [b"", b"text", b"\xff\xd8\xff\xe0 cut"])
def test_what_is_no_picture_has_no_looks(content: bytes) -> None:
    assert difference_hash(BytesIO(content)) is None


def looked_at(images: int, tmp_path: Path) -> list[int]:
    """How many images are hashed for the first search, for a second one, and for a third with three images more."""
    likeness, counts = Likeness(tmp_path / "state"), []
    for number in (images, images, images + 3):
        folder = make(tmp_path, number)
        wanted = folder.path / sorted(file for file in folder.images.rglob("*.jpg"))[number // 2]
        looked: list[int] = []
        hits = asyncio.run(by_picture(copy_of(wanted, tmp_path / "copy.jpg"), [folder], likeness, looked.append))
        assert hits[0].file == str(wanted)
        counts.append(len(looked))
    return counts


def test_only_new_images_are_looked_at(tmp_path: Path) -> None:
    assert looked_at(20, tmp_path) == [20, 0, 3]


@pytest.mark.proof
def test_a_copy_is_found_among_thousands_and_only_new_ones_are_looked_at(tmp_path: Path) -> None:
    assert looked_at(3000, tmp_path) == [3000, 0, 3]
