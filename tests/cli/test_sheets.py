"""Campaigns whose products are in a sheet, from the first run to the record."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from campaign_runner.model import canonical_json
from tests.cli.typed import Ask

CAMPAIGN = """\
campaign: spring
model: image4_standard
products: products.csv
prompts: {hero: "{product.name} of {product.material} on an oak table"}
sizes: [square]
seeds: [66080, 82683]
"""
ROWS = ("id,name,material,price", "AB-1,candle,soy wax,12", "AB-2,soap,olive oil,4", "AB-3,tray,oak,30")


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    """The sheet of the campaign `campaigns/spring.yaml`."""
    folder = tmp_path / "campaigns"
    folder.mkdir()
    (folder / "spring.yaml").write_text(CAMPAIGN, encoding="utf-8")
    write(folder / "products.csv", *ROWS)
    return folder / "products.csv"


def write(sheet: Path, *rows: str) -> None:
    sheet.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")


def test_a_campaign_with_a_sheet_runs_and_its_record_names_the_rows(sheet: Path, ask: Ask, tmp_path: Path) -> None:
    said = ask("run", "--sandbox", "campaigns/spring.yaml")
    assert said.status == 0, said.err
    manifest = json.loads((tmp_path / "output/spring.sandbox/manifest.json").read_text(encoding="utf-8"))
    rows = [dict(zip(ROWS[0].split(",")[:3], row.split(",")[:3], strict=True)) for row in ROWS[1:]]
    assert manifest["products_sha256"] == hashlib.sha256(canonical_json(rows).encode()).hexdigest()
    assert [image["product"] for image in manifest["images"]] == ["ab-1", "ab-1", "ab-2", "ab-2", "ab-3", "ab-3"]


def test_plan_says_what_was_done_to_the_rows(sheet: Path, ask: Ask) -> None:
    ask("run", "--sandbox", "campaigns/spring.yaml")
    write(sheet, *ROWS[:2], "AB-2,soap,palm oil,4", ROWS[3], "AB-4,vase,glass,9", "AB-5,bowl,oak,9")
    said = ask("plan", "--sandbox", "campaigns/spring.yaml").out
    assert "2 rows new, 1 changed: 6 images due, 3 requests, 1 min; 4 unchanged; 2 no longer in the campaign" in said


def test_sorting_and_columns_that_are_not_used_buy_nothing(sheet: Path, ask: Ask) -> None:
    ask("run", "--sandbox", "campaigns/spring.yaml")
    write(sheet, "stock,material,name,id", "1,oak,tray,AB-3", "2,soy wax,candle,AB-1", "3,olive oil,soap,AB-2")
    assert json.loads(ask("plan", "--sandbox", "--json", "campaigns/spring.yaml").out)["due"] == 0


def test_the_plan_of_the_last_run_is_made_without_the_sheet(sheet: Path, ask: Ask) -> None:
    ask("run", "--sandbox", "campaigns/spring.yaml")
    sheet.unlink()
    said = ask("status", "--sandbox", "campaigns/spring.yaml")
    assert said.status == 0
    assert "6 of 6" in said.out


def test_a_manifest_is_made_again_without_the_sheet(sheet: Path, ask: Ask, tmp_path: Path) -> None:
    ask("run", "--sandbox", "campaigns/spring.yaml")
    sheet.unlink()
    said = ask("rerun", "--sandbox", "output/spring.sandbox/manifest.json", "--yes")
    assert said.status == 0, said.err
    again = {*tmp_path.glob("output/**/manifest.json")} - {tmp_path / "output/spring.sandbox/manifest.json"}
    assert ["products_sha256" in json.loads(path.read_text(encoding="utf-8")) for path in again] == [True]


def test_a_campaigns_products_become_a_sheet_that_it_can_read(sheet: Path, ask: Ask, tmp_path: Path) -> None:
    said = ask("export", "products", "campaigns/spring.yaml", "campaigns/again.xlsx")
    assert (said.status, said.out) == (0, "campaigns/again.xlsx   3 products, 3 columns\n")
    (tmp_path / "campaigns/spring.yaml").write_text(CAMPAIGN.replace("products.csv", "again.xlsx"), encoding="utf-8")
    assert json.loads(ask("plan", "--sandbox", "--json", "campaigns/spring.yaml").out)["due"] == 6


def test_an_exported_sheet_overwrites_nothing(sheet: Path, ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "mine.xlsx").write_bytes(b"mine")
    said = ask("export", "products", "campaigns/spring.yaml", "mine.xlsx")
    assert said.status == 2
    assert (tmp_path / "mine.xlsx").read_bytes() == b"mine"
    assert "is an Excel workbook" in ask("export", "products", "campaigns/spring.yaml", "mine.csv").err


def test_check_tells_what_it_read_of_the_sheet(sheet: Path, ask: Ask) -> None:
    assert ask("check", "campaigns/spring.yaml").out == (
        "campaigns/products.csv: 1 column not used: price\ncampaigns/spring.yaml: ok\n"
        "  6 images = 3 products x 1 prompt x 1 preset x 1 size x 2 seeds; 3 requests\n"
    )


def test_diff_tells_what_was_done_to_the_rows(sheet: Path, ask: Ask, tmp_path: Path) -> None:
    write(tmp_path / "campaigns/new.csv", *ROWS, "AB-4,vase,glass,9")
    (tmp_path / "campaigns/new.yaml").write_text(CAMPAIGN.replace("products.csv", "new.csv"), encoding="utf-8")
    said = ask("plan", "--diff", "campaigns/spring.yaml", "campaigns/new.yaml").out
    assert said == "1 row new: 2 images due, 1 request, 1 min; 6 unchanged\n"


def test_a_campaign_with_a_sheet_is_retaken_and_cloned_like_any_other(sheet: Path, ask: Ask, tmp_path: Path) -> None:
    first, products, *rest = CAMPAIGN.replace("products: products.csv\n", "").partition("prompts")
    text = f"{first}{products}{''.join(rest)}products:\n  file: products.csv\n  columns:\n    id: id\n    name: name\n"
    (tmp_path / "campaigns/spring.yaml").write_text(f"{text}    material: material   # the end\n", encoding="utf-8")
    ask("run", "--sandbox", "campaigns/spring.yaml")
    manifest = json.loads((tmp_path / "output/spring.sandbox/manifest.json").read_text(encoding="utf-8"))
    said = ask("retake", manifest["images"][0]["key"][:8], "--sandbox", "--text", "a candle alone", "--yes")
    assert said.status == 0, said.err
    assert json.loads(ask("plan", "--sandbox", "--json", "campaigns/spring.yaml").out)["due"] == 1
    assert ask("clone", "campaigns/spring.yaml", "summer").status == 0
    assert "file: products.csv" in (tmp_path / "campaigns/summer.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("words", [("check", "spring"), ("plan", "--diff", "campaigns/spring.yaml", "spring")])
def test_a_mistake_in_the_sheet_alone_is_told_where_the_campaign_is_named(
    words: tuple[str, ...], sheet: Path, ask: Ask
) -> None:
    write(sheet, *ROWS, "AB-3,vase,glass,9")
    said = ask(*words)
    assert said.status == 2 and 'products.csv: row 5, column "name": ' in said.out + said.err, said
