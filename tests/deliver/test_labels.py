"""What delivered files say of themselves, read back by a reader that shares no code with us (Debian's exiftool)."""

from __future__ import annotations

import json
import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms

from campaign_runner.channels.channel import Channel
from campaign_runner.deliver.cuts.encoding import Cut, CutRequest, NotMade, cut_all
from campaign_runner.deliver.cuts.xmp import AI_GENERATED, Description
from campaign_runner.model import Size
from tests.cli.typed import Ask
from tests.deliver.stored import gradient, jpeg, store
from tests.deliver.test_command import SPRING, delivered

HOSTILE = 'a "quoted" <b>&amp; 香り ü\u202e ]]> <?xpacket end="w"?> \N{PILE OF POO}'


def told(path: Path) -> dict[str, Any]:
    """All that exiftool reads of a file, by group and name."""
    read = subprocess.run(["exiftool", "-json", "-G1", "-a", str(path)], capture_output=True, check=True)
    (found,) = json.loads(read.stdout)
    return dict(found)


def cut_of(picture: bytes, tmp_path: Path, format: str, alt: str, credit: str = "") -> Path:
    """A file of one channel, on the disk."""
    channel = Channel("shop", Size(64, 48), formats=(format,))
    (made,) = cut_all(picture, [CutRequest(channel, None, Description(alt, credit), 60)])
    assert isinstance(made, Cut)
    path = tmp_path / f"file.{format}"
    path.write_bytes(made.content)
    return path


@pytest.mark.parametrize("format", ["jpeg", "png", "webp"])
@pytest.mark.parametrize("alt", ["almond candle on a table", HOSTILE])
def test_label_alt_and_credit_are_read_back_as_they_were_written(format: str, alt: str, tmp_path: Path) -> None:
    said = told(cut_of(jpeg(gradient(Size(640, 480), 3)), tmp_path, format, alt, "House & Söhne"))
    assert said["XMP-iptcExt:DigitalSourceType"] == AI_GENERATED
    assert said["XMP-iptcCore:AltTextAccessibility"] == alt
    assert said["XMP-photoshop:Credit"] == "House & Söhne"
    assert said["ICC_Profile:ProfileDescription"].startswith("sRGB")


def test_no_delivered_file_holds_a_prompt_a_seed_a_path_or_a_person(tmp_path: Path, ask: Ask) -> None:
    text = SPRING.replace("on an oak table", "besides SECRETWORD").replace("66080", "1234567")
    folder = store(tmp_path, text)
    assert ask("review", "spring", "--pick", *keys(ask), "--as", "anna-reviewer", "--yes").status == 0
    assert ask("deliver", "spring").status == 0
    pictures = [name for name in delivered(folder) if name.endswith(".jpg")]
    assert len(pictures) == 4
    for name in pictures:
        content = (folder.path / "deliver" / name).read_bytes()
        for secret in (b"SECRETWORD", b"1234567", str(tmp_path).encode(), b"anna"):
            assert secret not in content


def keys(ask: Ask) -> list[str]:
    """The keys of all images of the campaign."""
    found = ask("plan", "spring", "--list").out.splitlines()
    return [line.split()[1] for line in found]


def test_the_prompt_stands_in_alt_only_where_it_was_asked_for(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SPRING.replace('alt: "{product.name} on a table"', "alt: prompt"))
    ask("deliver", "spring", "--all")
    said = told(folder.path / "deliver" / delivered(folder)[0])
    assert said["XMP-iptcCore:AltTextAccessibility"] == "almond candle on an oak table"


def test_without_any_alt_it_is_the_name_of_the_product(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SPRING.replace('  alt: "{product.name} on a table"\n', ""))
    ask("deliver", "spring", "--all")
    assert told(folder.path / "deliver" / delivered(folder)[0])["XMP-iptcCore:AltTextAccessibility"] == "almond candle"


def test_colours_are_converted_by_the_profile_of_the_original(tmp_path: Path) -> None:
    """In a profile that gives the numbers of red and green to each other, a red picture is sRGB's green one."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    path = cut_of(jpeg(Image.new("RGB", (640, 480), (255, 0, 0)), icc_profile=bytes(profile)), tmp_path, "png", "x")
    with Image.open(path) as picture:
        pixel = picture.getpixel((20, 20))
    assert isinstance(pixel, tuple) and pixel[1] > 240 and pixel[0] < 15


def test_a_broken_profile_is_no_reason_not_to_deliver(tmp_path: Path) -> None:
    path = cut_of(jpeg(Image.new("RGB", (640, 480), (255, 0, 0)), icc_profile=b"nonsense"), tmp_path, "png", "x")
    with Image.open(path) as picture:
        assert picture.size == (64, 48)


def test_a_picture_that_lies_on_its_side_is_cut_upright(tmp_path: Path) -> None:
    picture = Image.new("RGB", (480, 640), "red")
    picture.paste("blue", (0, 0, 480, 320))
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned by a quarter to the right: its top is on the right
    path = cut_of(jpeg(picture, exif=turned), tmp_path, "png", "x")
    with Image.open(path) as cut:
        left, right = cut.getpixel((5, 24)), cut.getpixel((58, 24))
    assert isinstance(left, tuple) and isinstance(right, tuple)
    assert left[0] > 200 and right[2] > 200


def test_what_is_seen_through_is_white(tmp_path: Path) -> None:
    file = BytesIO()
    Image.new("RGBA", (640, 480), (0, 0, 0, 0)).save(file, "PNG")
    with Image.open(cut_of(file.getvalue(), tmp_path, "png", "x")) as picture:
        assert picture.mode == "RGB" and picture.getpixel((9, 9)) == (255, 255, 255)


def test_equal_requests_make_equal_bytes(tmp_path: Path) -> None:
    picture = jpeg(gradient(Size(640, 480), 3))
    assert len({cut_of(picture, tmp_path, "jpeg", "x").read_bytes() for _ in range(3)}) == 1


def noise(size: Size) -> bytes:
    """A picture that no encoder makes light."""
    return jpeg(Image.effect_noise((size.width, size.height), 120).convert("RGB"))


@pytest.mark.parametrize("max_kb", [1000, 60, 40, 25, 20])
def test_a_file_is_as_good_as_the_weight_allows_and_never_heavier(max_kb: int) -> None:
    channel = Channel("shop", Size(320, 240), max_kb=max_kb)
    (made,) = cut_all(noise(Size(640, 480)), [CutRequest(channel, None, Description("x"), 30)])
    assert isinstance(made, Cut) and len(made.content) <= max_kb * 1000
    with Image.open(BytesIO(made.content)) as picture:
        sampling = picture.layer  # type: ignore[attr-defined]
    has_full_colour = sampling[0][1:3] == sampling[1][1:3]
    assert made.quality is not None and has_full_colour == (made.quality >= 80)


def test_what_would_be_too_heavy_at_the_lowest_quality_is_not_made() -> None:
    channel = Channel("shop", Size(320, 240), max_kb=5)
    made = cut_all(noise(Size(640, 480)), [CutRequest(channel, None, Description("x"), 60)] * 2)
    assert [type(each) for each in made] == [NotMade, NotMade]


def test_the_next_format_is_taken_where_the_first_is_too_heavy() -> None:
    channel = Channel("shop", Size(320, 240), max_kb=60, formats=("png", "webp"))
    (made,) = cut_all(noise(Size(640, 480)), [CutRequest(channel, None, Description("x"), 60)])
    assert isinstance(made, Cut) and made.format == "webp" and len(made.content) <= 60_000
