"""The example with a product master, and what a campaign's products look like as a sheet."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaign_runner.authoring.product_sheet import as_workbook, left_out, product_rows
from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.sheets.reader import read_sheet
from campaign_runner.campaign_file.syntax.source import Loc
from campaign_runner.plan.plan import Plan
from tests.campaign_file.conftest import Load
from tests.campaign_file.sheets import example_master

CAMPAIGNS = Path(__file__).parents[3] / "campaigns"
PRODUCTS: Loc = ("products",)


def test_the_master_is_what_its_script_writes(tmp_path: Path) -> None:
    example_master.write(tmp_path / "again.xlsx")
    assert list(read_sheet(tmp_path / "again.xlsx")) == list(read_sheet(CAMPAIGNS / "almond-master.xlsx"))


def test_the_example_reads_parents_markets_and_the_rows_that_it_wants() -> None:
    campaign = load(CAMPAIGNS / "almond-master.yaml")
    assert {id: product.markets for id, product in campaign.products.items()} == {
        "alm-100": None,
        "alm-110": None,
        "alm-120": ("us",),
        "alm-130": ("de",),
    }
    assert campaign.products["alm-110"].words == {"material": {"en": "olive oil", "de": "Olivenöl"}}
    assert [note.partition(": ")[2] for note in campaign.notes] == [
        "1 hidden row read like any other",
        "3 rows left out by 'where'",
        "4 rows with the id of a row above",
        "16 columns not used: SKU, Colour, Size, Launch date, EAN and 11 more",
    ]


@pytest.mark.parametrize("name", ["almond-autumn", "almond-master", "benchmark-72", "first", "sixty-lines"])
def test_exported_products_make_the_same_images(name: str, tmp_path: Path) -> None:
    campaign = load(CAMPAIGNS / f"{name}.yaml")
    (tmp_path / "products.xlsx").write_bytes(as_workbook(product_rows(campaign)))
    _, node = campaign.source.find(PRODUCTS)
    text = campaign.text
    (tmp_path / "again.yaml").write_text(f"{text[: node.start]} products.xlsx\n{text[node.end :]}", encoding="utf-8")
    again = load(tmp_path / "again.yaml")
    assert list(left_out(campaign)) == []
    assert list(Plan(again).keys()) == list(Plan(campaign).keys())


def test_what_no_sheet_can_say_is_told(campaign: Load) -> None:
    loaded = campaign(products="{a--b: {name: soap, seeds: [66080], visual_intensity: null}}")
    assert list(left_out(loaded)) == [
        "the id of a--b would become a-b: change it before you use the sheet",
        "the seeds of a--b are left out: a sheet has no column for them",
        "'visual_intensity' of a--b is left out: a sheet cannot take away what was set before",
    ]


def test_a_text_that_begins_like_a_formula_stays_a_text(campaign: Load, tmp_path: Path) -> None:
    loaded = campaign(products='{soap: {name: "=SUM(A1:A9)"}}')
    (tmp_path / "products.xlsx").write_bytes(as_workbook(product_rows(loaded)))
    assert [cell.text for cell in list(read_sheet(tmp_path / "products.xlsx"))[1].cells.values()] == [
        "soap",
        "=SUM(A1:A9)",
    ]
