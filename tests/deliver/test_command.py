"""`deliver` and `channels` as they are typed."""

from __future__ import annotations

import csv
import hashlib
import json
from io import StringIO
from pathlib import Path

from PIL import Image

from campaign_runner.channels.table import known_channels
from campaign_runner.output_folder.folder import Folder
from tests.cli.typed import Ask
from tests.deliver.stored import store

SPRING = """\
campaign: spring
model: image3
products:
  candle: almond candle
  soap: almond soap
prompts:
  hero: "{product.name} on an oak table"
sizes: [1344x768, 1024x1024]
seeds: [66080]
channels: [display-rectangle, {name: shop, size: 320x180}]
deliver:
  folders: [channel]
  alt: "{product.name} on a table"
"""


def delivered(folder: Folder) -> list[str]:
    """The names of all files in `deliver/`, sorted."""
    root = folder.path / "deliver"
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def digests(folder: Folder) -> dict[Path, str]:
    """What the originals hold."""
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.images.rglob("*") if path.is_file()}


def test_every_stored_image_is_cut_to_every_channel_with_its_name_and_its_exact_pixels(
    tmp_path: Path, ask: Ask
) -> None:
    folder = store(tmp_path, SPRING)
    before = digests(folder)
    said = ask("deliver", "spring", "--all")
    assert said.status == 0, said.err
    assert delivered(folder) == [
        "display-rectangle/spring_candle_hero_display-rectangle_300x250.jpg",
        "display-rectangle/spring_soap_hero_display-rectangle_300x250.jpg",
        "shop/spring_candle_hero_shop_320x180.jpg",
        "shop/spring_soap_hero_shop_320x180.jpg",
        "upload.csv",
    ]
    for name in delivered(folder)[:-1]:
        with Image.open(folder.path / "deliver" / name) as picture:
            assert picture.format == "JPEG" and f"{picture.width}x{picture.height}" in name
    assert said.out.splitlines()[-1] == "ok made=4 unchanged=0 replaced=0 withdrawn=0 waiting=0 left_out=0 exit=0"
    assert digests(folder) == before


def test_delivering_again_makes_nothing_and_touches_nothing(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SPRING)
    ask("deliver", "spring", "--all")
    before = {path: path.stat().st_mtime_ns for path in folder.path.rglob("deliver*")}
    said = ask("deliver", "spring", "--all")
    assert said.out.splitlines()[-1] == "ok made=0 unchanged=4 replaced=0 withdrawn=0 waiting=0 left_out=0 exit=0"
    assert {path: path.stat().st_mtime_ns for path in folder.path.rglob("deliver*")} == before


def test_a_dry_run_lists_and_writes_nothing(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SPRING)
    said = ask("deliver", "spring", "--all", "--dry-run")
    assert said.status == 0 and "shop/spring_soap_hero_shop_320x180.jpg" in said.out
    assert not (folder.path / "deliver").exists() and not (folder.path / "deliver.json").exists()


def test_the_list_has_one_line_a_file(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SPRING)
    ask("deliver", "spring", "--all")
    content = (folder.path / "deliver" / "upload.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(StringIO(content.decode("utf-8-sig"))))
    assert [row["file"] for row in rows] == delivered(folder)[:-1]
    for row in rows:
        file = folder.path / "deliver" / row["file"]
        assert row["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
        assert row["bytes"] == str(file.stat().st_size)
        assert row["alt"] == f"almond {row['product']} on a table"
        assert row["ai_generated"] == "yes"


def test_a_campaign_without_channels_is_told_the_line_to_write(tmp_path: Path, ask: Ask) -> None:
    store(tmp_path, SPRING.partition("channels:")[0])
    said = ask("deliver", "spring", "--all")
    assert said.status == 2 and "channels: [instagram-feed, linkedin-ad]" in said.out + said.err


def test_channels_are_listed_for_people_and_for_machines(ask: Ask) -> None:
    said = ask("channels")
    assert said.status == 0 and len(said.out.splitlines()) == len(known_channels())
    listed = json.loads(ask("channels", "--json").out)
    assert [channel["id"] for channel in listed] == list(known_channels())
    assert "https://www.linkedin.com/help/lms/answer/a426534" in ask("channels", "linkedin-ad").out


def test_an_unknown_channel_is_guessed_at(ask: Ask) -> None:
    said = ask("channels", "linkedin-adt")
    assert said.status == 2 and "did you mean 'linkedin-ad'?" in said.out + said.err
