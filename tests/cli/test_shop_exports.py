"""From the export of a shop to pictures: what its users type, with the sheet as it was downloaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.campaign_file.sheets.shop_exports import EXPORTS
from tests.cli.typed import Ask, AtATerminal

CAMPAIGN = """\
campaign: spring
model: image4_standard
products:
{products}
prompts: {{hero: "{{product.name}} of {{product.material}} on an oak table"}}
sizes: [square]
seeds: [66080]
"""
PRODUCTS = {
    "shopify.csv": """\
  file: shopify.csv
  columns: {id: Handle, name: Title, material: Material (product.metafields.custom.material)}
  where: {status: active}""",
    "woocommerce.csv": """\
  file: woocommerce.csv
  columns: {id: SKU, name: Name, material: Attribute 2 value(s)}
  where: {type: [simple, variable], published: 1}""",
    "akeneo.csv": """\
  file: akeneo.csv
  columns: {id: parent, name: name-en_US, material: material-en_US}
  where: {enabled: 1}""",
    "google.tsv": """\
  file: google.tsv
  columns: {id: item_group_id, name: title, material: material}""",
    "amazon.xlsx": """\
  file: amazon.xlsx
  sheet: Template
  columns: {id: item_sku, name: item_name, material: material_type}
  where: {parent_child: parent}""",
}
SKUS = ["alm-100", "alm-110", "alm-120"]


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_as_it_was_downloaded_makes_a_picture_of_each_product(name: str, tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "campaigns").mkdir()
    EXPORTS[name](tmp_path / "campaigns" / name)
    text = CAMPAIGN.format(products=PRODUCTS[name])
    (tmp_path / "campaigns/spring.yaml").write_text(text, encoding="utf-8")
    said = ask("run", "--sandbox", "spring")
    assert said.status == 0, said.err
    images = json.loads((tmp_path / "output/spring.sandbox/manifest.json").read_text(encoding="utf-8"))["images"]
    ids = [image["product"] for image in images]
    assert ids == (SKUS if name != "shopify.csv" else ["almond-candle", "almond-soap", "hand-cream-almond-and-oat"])
    assert [image["prompt"].partition(" of ")[0] for image in images] == [
        "Almond candle",
        "Almond soap",
        "Hand cream, almond & oat",
    ]
    assert len(list((tmp_path / "output/spring.sandbox/images").rglob("*.jpg"))) == 3


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("shopify.csv", "{file: shopify.csv, id: Handle, name: Title}"),
        ("woocommerce.csv", "woocommerce.csv"),
        ("google.tsv", "{file: google.tsv, id: id, name: title}"),
    ],
)
def test_init_offers_an_export_and_what_it_writes_can_run(
    name: str, line: str, at_a_terminal: AtATerminal, tmp_path: Path, ask: Ask
) -> None:
    (tmp_path / "campaigns").mkdir()
    EXPORTS[name](tmp_path / "campaigns" / name)
    shown = at_a_terminal("init", typed="\n" * 7)
    assert shown.status == 0 and f"[{name}]" in shown.out
    assert f"products: {line}\n" in (tmp_path / "campaigns/my-campaign.yaml").read_text(encoding="utf-8")
    assert ask("check", "campaigns/my-campaign.yaml").status == 0
