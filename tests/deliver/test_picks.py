"""What people picked is what goes out; what they say later takes it back."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

from campaign_runner.campaign_file.loader import load
from campaign_runner.output_folder.folder import Folder
from campaign_runner.plan.plan import Plan
from tests.cli.typed import Ask
from tests.deliver.stored import store
from tests.deliver.test_command import delivered

SEASON = """\
campaign: season
model: image3
products: {candle: almond candle, soap: almond soap}
prompts: {hero: "{product.name} on an oak table"}
sizes: [1024x1024]
seeds: [1, 2]
channels: [{name: shop, size: 64x64}]
deliver: {alt: "{product.name}"}
"""
CANDLE, SOAP = "season_candle_hero_shop_64x64", "season_soap_hero_shop_64x64"


def keys(folder: Folder) -> list[str]:
    """The keys of all images, in plan order: candle 1 and 2, soap 1 and 2."""
    return list(Plan(load(folder.path.parents[1] / "campaigns" / "season.yaml")).keys())


def test_only_picked_images_go_out_and_rows_without_a_pick_wait(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SEASON, name="season")
    assert ask("review", "season", "--pick", keys(folder)[1], "--as", "anna", "--yes").status == 0
    said = ask("deliver", "season")
    assert said.status == 0, said.err
    assert delivered(folder) == [f"{CANDLE}.jpg", "upload.csv"]
    assert "waiting    1 row has no chosen image of 1024x1024: soap/hero/plain" in said.out
    assert "for shop" in said.out
    (row,) = csv.DictReader(StringIO((folder.path / "deliver" / "upload.csv").read_text(encoding="utf-8-sig")))
    assert row["approved_by"] == "anna" and row["key8"] == keys(folder)[1][:8] and row["approved_at"]


def test_another_pick_is_another_version_and_the_one_before_moves_out(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SEASON, name="season")
    first, second = keys(folder)[:2]
    ask("review", "season", "--pick", first, "--as", "anna", "--yes")
    ask("deliver", "season")
    ask("review", "season", "--pick", second, "--as", "anna", "--yes")
    ask("deliver", "season")
    assert delivered(folder) == [f"{CANDLE}_v02.jpg", "upload.csv"]
    assert (folder.path / "deliver-old" / f"{CANDLE}.jpg").exists()
    states = {file["file"]: (file["state"], file["version"]) for file in record(folder)["files"]}
    assert states == {f"{CANDLE}.jpg": ("replaced", 1), f"{CANDLE}_v02.jpg": ("current", 2)}


def test_a_pick_that_is_taken_back_moves_its_file_out_and_is_named(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SEASON, name="season")
    key = keys(folder)[0]
    ask("review", "season", "--pick", key, "--as", "anna", "--yes")
    ask("deliver", "season")
    ask("review", "season", "--reject", key, "--reason", "brand", "--as", "anna", "--yes")
    said = ask("deliver", "season")
    assert said.status == 0
    assert delivered(folder) == ["upload.csv"]
    assert f"withdrawn  1 file moved to deliver-old/: {CANDLE}.jpg" in said.out
    assert [file["state"] for file in record(folder)["files"]] == ["withdrawn"]  # not only replaced by nothing
    assert f"{key[:8]} was rejected by anna" in said.out and "after its delivery" in said.out


def test_the_same_pick_again_is_the_same_version_where_it_was(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SEASON, name="season")
    key = keys(folder)[0]
    ask("review", "season", "--pick", key, "--as", "anna", "--yes")
    ask("deliver", "season")
    ask("review", "season", "--reject", key, "--reason", "brand", "--as", "anna", "--yes")
    ask("deliver", "season")
    ask("review", "season", "--pick", key, "--as", "anna", "--yes")
    ask("deliver", "season")
    assert delivered(folder) == [f"{CANDLE}.jpg", "upload.csv"]
    assert list((folder.path / "deliver-old").iterdir()) == []


def test_only_by_decision_delivers_what_is_proposed(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SEASON + "review: {final: lead}\n", name="season")
    ask("review", "season", "--pick", keys(folder)[2], "--as", "anna", "--yes")
    assert delivered_after(ask, folder) == []
    assert delivered_after(ask, folder, "--only", "decision=proposed") == [f"{SOAP}.jpg", "upload.csv"]


def test_decisions_that_cannot_be_read_refuse_the_delivery(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SEASON, name="season")
    (folder.path / "decisions").mkdir()
    (folder.path / "decisions" / "anna.jsonl").write_text("nonsense\n{}\n", encoding="utf-8")
    said = ask("deliver", "season", "--all")
    assert said.status == 2 and "anna.jsonl" in said.out + said.err
    assert not (folder.path / "deliver").exists()


def delivered_after(ask: Ask, folder: Folder, *flags: str) -> list[str]:
    assert ask("deliver", "season", *flags).status == 0
    return delivered(folder)


def record(folder: Folder) -> dict[str, list[dict[str, object]]]:
    """What deliver.json says."""
    told: dict[str, list[dict[str, object]]] = json.loads((folder.path / "deliver.json").read_text(encoding="utf-8"))
    return told
