"""`deliver` and `channels` as they are typed."""

from __future__ import annotations

import csv
import hashlib
import json
from io import StringIO
from pathlib import Path

import pytest
from PIL import Image

from campaign_runner.channels.table import known_channels
from campaign_runner.deliver.cuts import cutting
from campaign_runner.model import State
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


def test_a_slip_in_only_is_told_where_nothing_is_delivered(tmp_path: Path, ask: Ask) -> None:
    store(tmp_path, SPRING)
    said = ask("deliver", "spring", "--all", "--only", "product=cnadle")
    assert said.out.splitlines()[-1].startswith("ok made=0 ")
    assert said.err == "--only selects nothing that is delivered or waits: check the names\n"
    assert ask("deliver", "spring", "--only", "product=candle").err == ""


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


def test_what_processes_of_their_own_cut_is_the_same(tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = store(tmp_path, SPRING)
    assert ask("deliver", "spring", "--all", "--to", tmp_path / "here").status == 0
    monkeypatch.setattr(cutting, "FEW", 1)
    assert ask("deliver", "spring", "--all").status == 0
    files = delivered(folder)
    assert len(files) == 5
    for file in files:
        assert (folder.path / "deliver" / file).read_bytes() == (tmp_path / "here" / file).read_bytes()


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
    assert "; date of the page: undated copy" in ask("channels", "instagram-story").out


def test_an_unknown_channel_is_guessed_at(ask: Ask) -> None:
    said = ask("channels", "linkedin-adt")
    assert said.status == 2 and "did you mean 'linkedin-ad'?" in said.out + said.err


def test_check_says_how_many_warnings_stop_a_delivery_and_deliver_shows_them(tmp_path: Path, ask: Ask) -> None:
    store(tmp_path, SPRING.replace("display-rectangle", "display-rectangel"))
    said = ask("check", "campaigns/spring.yaml")
    assert said.status == 0 and "spring.yaml: ok, 1 warning; fix it before you deliver" in said.out
    refused = ask("deliver", "spring", "--all")
    assert refused.status == 2 and "did you mean 'display-rectangle'?" in refused.out + refused.err


def test_plan_says_from_which_size_a_channel_is_cut_and_what_it_shows(tmp_path: Path, ask: Ask) -> None:
    store(tmp_path, SPRING)
    said = ask("plan", "spring")
    assert "  channels   display-rectangle 300x250 from 1024x1024, shows 83%" in said.out
    assert "             shop 320x180 from 1344x768, shows 98%" in said.out


def test_a_delivery_waits_for_no_run_it_says_that_one_goes_on(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SPRING)
    with folder.locked():
        assert ask("deliver", "spring", "--all").status == 11
    assert not (folder.path / "deliver").exists()


def test_a_later_focus_is_another_version_and_named(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SPRING.replace("[display-rectangle, {name: shop, size: 320x180}]", "[display-rectangle]"))
    key, cell_digest = next(iter(keys_and_digests(folder)))
    mark: dict[str, object] = {"key": key, "sha256": cell_digest, "cell": None, "after": []}
    pick: dict[str, object] = {
        **mark,
        "id": "0" * 16,
        "kind": "verdict",
        "value": {"verdict": "pick", "reason": None, "text": None},
    }
    decide(folder, [{**pick, "at": "2026-01-01T10:00:00Z"}])
    ask("deliver", "spring")
    first = delivered(folder)
    focus: dict[str, object] = {
        **mark,
        "id": "1" * 16,
        "kind": "focus",
        "value": {"*": [0.0, 0.0]},
        "at": "2100-01-01T10:00:00Z",
    }
    decide(folder, [{**pick, "at": "2026-01-01T10:00:00Z"}, focus])
    assert f"{key[:8]} was given another focus by anna" in ask("status", "spring").out
    said = ask("deliver", "spring")
    assert said.status == 0 and "replaced=1" in said.out
    assert delivered(folder) == [first[0].replace(".jpg", "_v02.jpg"), "upload.csv"]


def keys_and_digests(folder: Folder) -> list[tuple[str, str]]:
    """Of the square images, which the channel is cut from."""
    with folder.ledger() as ledger:
        entries = [each for each in ledger.in_states(State.STORED) if each.cell.size.width == 1024]
    return [(each.key, str(each.sha256)) for each in entries]


def decide(folder: Folder, marks: list[dict[str, object]]) -> None:
    """What anna's file says."""
    head = {"decisions_version": 1, "campaign": "spring", "reviewer": {"id": "anna", "name": "Anna"}}
    path = folder.path / "decisions" / "anna.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in (head, *marks)), encoding="utf-8")


def test_where_nothing_is_picked_nothing_is_written_and_the_next_command_is_said(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SPRING)
    said = ask("deliver", "spring")
    assert said.status == 0
    assert f"  next       to pick images: campaign-runner review {folder.path}\n" in said.out
    assert f"to deliver every stored one: campaign-runner deliver {folder.path} --all\n" in said.out
    assert not (folder.path / "deliver").exists() and not (folder.path / "deliver.json").exists()
