"""Pictures: real files, the same for the same request and seed, different for any other."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image, ImageStat

from campaign_runner.sandbox.drawing.looks import STYLES
from campaign_runner.sandbox.drawing.subjects import THINGS, candle, parcel, soap, thing_of
from campaign_runner.sandbox.images import Picture, drawable, render
from tests.sandbox.conftest import Caller, Open

SMALL = Picture("almond candle, autumn leaves", (1024, 1024), 66080, "ab12" * 16, "image3")
SIZES = [
    (2048, 2048), (1024, 1024), (2304, 1792), (1792, 2304), (2688, 1536), (2688, 1512),
    (1344, 768), (1344, 756), (1152, 896), (896, 1152), (1440, 2560),
]  # fmt: skip


def decoded(picture: Picture, media_type: str = "image/jpeg") -> Image.Image:
    image = Image.open(io.BytesIO(render(picture, media_type)))
    image.load()
    return image


def difference(one: Picture, other: Picture) -> float:
    """Mean difference of two pictures' channels, 0 to 255, without the lettered strip."""
    crops = [decoded(picture).convert("RGB").resize((64, 64)).crop((0, 0, 64, 56)) for picture in (one, other)]
    first, second = (crop.tobytes() for crop in crops)
    return sum(abs(a - b) for a, b in zip(first, second, strict=True)) / len(first)


@pytest.mark.parametrize("size", SIZES)
def test_every_size_of_every_family_is_drawn_exactly(size: tuple[int, int]) -> None:
    assert decoded(replace(SMALL, size=size)).size == size


@pytest.mark.parametrize("size", [(1, 1), (1, 4096), (4096, 3), (100, 100), (257, 999), (4096, 4096)])
@pytest.mark.parametrize("style", [(), ("painting",), ("pixel_art", "halftone")])
def test_any_size_that_adobe_does_not_forbid_is_drawn_exactly(size: tuple[int, int], style: tuple[str, ...]) -> None:
    assert decoded(replace(SMALL, size=size, styles=style)).size == size


@pytest.mark.parametrize("seed", [-(10**40), -1, 2**31, 2**64, 10**40])
def test_any_seed_is_drawn(seed: int) -> None:
    assert decoded(replace(SMALL, size=(896, 1152), seed=seed)).size == (896, 1152)


@pytest.mark.parametrize(("media_type", "kind"), [("image/jpeg", "JPEG"), ("image/png", "PNG"), ("image/webp", "WEBP")])
def test_each_media_type_is_a_real_file_of_its_kind(media_type: str, kind: str) -> None:
    assert decoded(SMALL, media_type).format == kind


@pytest.mark.parametrize("style", [None, "grainy_film", "painting", "pop_art", "watercolor", "never_heard_of"])
def test_the_same_picture_has_the_same_bytes(style: str | None) -> None:
    picture = replace(SMALL, styles=(style,) if style else ())
    assert render(picture, "image/jpeg") == render(picture, "image/jpeg")


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 82683},
        {"styles": ("painting",)},
        {"styles": ("golden_hour", "painting")},
        {"content_class": "art"},
        {"prompt": "almond soap, autumn leaves"},
        {"prompt": "almond candle, winter snow"},
        {"prompt": "macro of almond candle, autumn leaves"},
        {"intensity": 10},
    ],
)
def test_another_look_prompt_or_seed_is_seen_at_once(other: dict[str, Any]) -> None:
    assert difference(SMALL, replace(SMALL, **other)) > 3


def test_whatever_else_differs_shows_in_the_lettering() -> None:
    assert render(SMALL, "image/jpeg") != render(replace(SMALL, key="cd34" * 16), "image/jpeg")


def test_seeds_that_lie_near_each_other_differ_in_wall_and_colours() -> None:
    near = [replace(SMALL, seed=seed) for seed in range(5)]
    assert min(difference(one, other) for one in near for other in near if one is not other) > 8


@pytest.mark.parametrize("style", sorted(STYLES))
def test_every_listed_style_draws_something_with_contrast(style: str) -> None:
    image = decoded(replace(SMALL, size=(896, 1152), styles=(style,)))
    assert max(ImageStat.Stat(image).stddev) > 10


def test_a_black_and_white_look_has_no_colour() -> None:
    image = decoded(replace(SMALL, styles=("bw",))).crop((0, 0, 1024, 900))
    red, _, blue = (channel.tobytes() for channel in image.split())
    assert max(abs(a - b) for a, b in zip(red, blue, strict=True)) < 12  # what JPEG loses


@pytest.mark.parametrize(
    ("prompt", "thing"),
    [
        ("almond candle beside a bar of soap", candle),  # the first word counts
        ("soap beside a candle", soap),
        ("mandelkerze auf einem eichentisch", candle),
        ("オーク材のテーブルに置いたアーモンドキャンドル", candle),
        ("a thing without a name", parcel),
    ],
)
def test_the_prompt_says_which_thing_is_drawn(prompt: str, thing: Callable[..., object]) -> None:
    assert thing_of(prompt) is thing


@pytest.mark.parametrize("word", [words[0] for words in THINGS.values()])
def test_every_thing_can_be_drawn_from_both_sides(word: str) -> None:
    for seed in (1, 2, 3, 4):
        assert decoded(replace(SMALL, prompt=word, seed=seed, size=(896, 1152))).size == (896, 1152)


@pytest.mark.parametrize("text", ["x" * 1024, "秋" * 1024, "\N{GRINNING FACE}", "a\u0301", "W" * 3])
def test_any_prompt_can_be_lettered(text: str) -> None:
    assert decoded(replace(SMALL, prompt=text)).size == (1024, 1024)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Mandelkerze, weiß: 50 %", "Mandelkerze, weiß: 50 %"),
        ("オーク材 oak", "… oak"),  # a run of letters the font lacks
        ("秋", "…"),
        ("golden_hour, painting", "golden_hour, painting"),
    ],
)
def test_letters_that_the_font_lacks_become_an_ellipsis(text: str, shown: str) -> None:
    assert drawable(text) == shown


def test_a_plain_picture_is_flat_and_of_its_key() -> None:
    image = decoded(replace(SMALL, is_plain=True), "image/png")
    assert image.getcolors() == [(1024 * 1024, (0xAB, 0x12, 0xAB))]


def test_pictures_drawn_at_the_same_time_do_not_disturb_each_other() -> None:
    pictures = [replace(SMALL, seed=seed, styles=("painting",)) for seed in range(6)]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda picture: render(picture, "image/jpeg"), pictures))
    assert together == [render(picture, "image/jpeg") for picture in pictures]


class CountingPool(ThreadPoolExecutor):
    """Threads that count what they were given."""

    given = 0

    def submit(self, *call: Any, **more: Any) -> Future[Any]:
        self.given += 1
        return super().submit(*call, **more)


async def test_pictures_are_drawn_off_the_event_loop(caller: Caller) -> None:
    pool = CountingPool(1)
    asyncio.get_running_loop().set_default_executor(pool)
    url = (await caller.outputs(await caller.accepted()))[0]["image"]["url"]
    before = pool.given
    assert (await caller.download(url)).status == 200
    assert pool.given == before + 1


async def test_a_part_of_an_image_is_given_as_cloud_stores_do(caller: Caller) -> None:
    url = (await caller.outputs(await caller.accepted()))[0]["image"]["url"]
    whole = await caller.download(url)
    length = len(whole.body)
    assert whole.headers["Accept-Ranges"] == "bytes"
    for asked, first, last in (
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, length - 1),
        ("bytes=-7", length - 7, length - 1),
        (f"bytes=5-{10**15}", 5, length - 1),
        ("bytes=-99999999", 0, length - 1),
    ):
        part = await caller.download(url, {"Range": asked})
        assert (part.status, part.headers["Content-Range"]) == (206, f"bytes {first}-{last}/{length}")
        assert part.body == whole.body[first : last + 1]
        assert part.headers["ETag"] == whole.headers["ETag"]


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=9-2", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=１-2", ""])
async def test_what_is_no_range_is_not_looked_at(caller: Caller, asked: str) -> None:
    url = (await caller.outputs(await caller.accepted()))[0]["image"]["url"]
    assert (await caller.download(url, {"Range": asked})).status == 200


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
async def test_a_range_behind_the_end_is_416(caller: Caller, asked: str) -> None:
    url = (await caller.outputs(await caller.accepted()))[0]["image"]["url"]
    length = len((await caller.download(url)).body)
    answer = await caller.download(url, {"Range": asked})
    assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{length}")
    assert b"<Code>InvalidRange</Code>" in answer.body


async def test_the_head_of_an_image_is_given_and_by_a_strict_one_refused_as_s3_does(opened: Open) -> None:
    for strict, status in ((False, 200), (True, 403)):
        caller = await opened(strict=strict)
        url = (await caller.outputs(await caller.accepted()))[0]["image"]["url"]
        head, image = await caller.call("HEAD", url, headers={}), await caller.download(url)
        assert (head.status, head.body) == (status, b"")
        assert strict or {name: head.headers[name] for name in ("Content-Length", "Content-Type", "ETag")} == {
            "Content-Length": str(len(image.body)), "Content-Type": "image/jpeg", "ETag": image.headers["ETag"],
        }  # fmt: skip


async def test_the_same_request_in_another_sandbox_gives_the_same_bytes(opened: Open) -> None:
    digests = set()
    for _ in range(2):
        caller = await opened()
        url = (await caller.outputs(await caller.accepted("image3", seeds=[7], contentClass="art")))[0]["image"]["url"]
        digests.add(hashlib.sha256((await caller.download(url)).body).hexdigest())
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("switch", "asked", "sent"),
    [
        ("", {}, "image/jpeg"),
        ("", {"x-accept-mimetype": "image/webp"}, "image/webp"),
        ("image/png", {"x-accept-mimetype": "image/webp"}, "image/png"),  # asked for in vain
    ],
)
async def test_the_media_type_is_as_asked_unless_the_switch_says_otherwise(
    opened: Open, switch: str, asked: dict[str, str], sent: str
) -> None:
    caller = await opened(media_type=switch)
    url = (await caller.outputs(await caller.accepted("image3", asked)))[0]["image"]["url"]
    picture = await caller.download(url)
    assert picture.headers["Content-Type"] == sent
    assert Image.open(io.BytesIO(picture.body)).get_format_mimetype() == sent


@pytest.mark.parametrize("is_plain", [False, True])
def test_models_trained_anew_draw_another_picture_of_the_same_request_and_seed(is_plain: bool) -> None:
    picture = replace(SMALL, is_plain=is_plain)
    drifted = replace(picture, is_drifted=True)
    assert difference(picture, drifted) > 3
    assert render(drifted, "image/jpeg") == render(drifted, "image/jpeg")
