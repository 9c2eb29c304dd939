"""Sheets as well-known shops export them: parents and variants, web pages in cells, a feed with tabs."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.sheets.suggestion import suggestion
from tests.campaign_file.conftest import Load

VARIANTS = """\
Handle,Title,Body (HTML),Vendor,Tags,Published,Option1 Name,Option1 Value,Variant SKU,Variant Price,Status
almond-candle,Almond Candle,"<p>Soy wax, cotton wick.</p>",House,"autumn, almond",TRUE,Size,S,ALM-100-1,19.90,active
almond-candle,,,,,,,M,ALM-100-2,24.90,
almond-candle,,,,,,,,,,
almond-soap,Almond Soap,"<p>Olive oil ""classic"".
Second line</p>",House,almond,TRUE,Title,Default Title,ALM-110,7.90,active
"""
SHOP = """\
ID,Type,SKU,Name,Published,"Is featured?",Description,"Weight (kg)",Categories,Parent,"Attribute 1 value(s)"
44,variable,woo-tee,"V-Neck T-Shirt",1,1,"Long text.",0.5,"Clothing > Tshirts",,"Blue, Green, Red"
46,simple,woo-hoodie,Hoodie,1,0,,1.5,"Clothing > Hoodies",,
"""
FEED = "id\ttitle\tlink\tprice\tgtin\tmaterial\nSKU123\tPolo Shirt\thttps://x\t15.00 USD\t3234567890126\tcotton\n"
SHAPES = {
    "variants": ("shop.csv", VARIANTS, "{file: shop.csv, id: Handle, name: Title}", ["almond-candle", "almond-soap"]),
    "a shop": ("shop.csv", SHOP, "shop.csv", ["44", "46"]),
    "a feed": ("feed.tsv", FEED, "{file: feed.tsv, id: id, name: title}", ["sku123"]),
}


@pytest.mark.parametrize(("name", "content", "line", "ids"), SHAPES.values(), ids=SHAPES)
def test_the_line_for_a_sheet_is_guessed_and_reads_its_products(
    name: str, content: str, line: str, ids: list[str], tmp_path: Path, campaign: Load
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert suggestion(tmp_path / name) == line
    assert list(campaign(products=line).products) == ids


def test_what_is_nearly_a_word_that_is_missing_is_told(tmp_path: Path, campaign: Load) -> None:
    (tmp_path / "a.csv").write_text("id,name,name germn\nAB-1,candle,Kerze\n", encoding="utf-8")
    loaded = campaign(products="a.csv", markets="{de: {locale: de-DE}, german: {locale: de-AT}}")
    assert [warning.message for warning in loaded.warnings] == ["this column is not used; did you mean 'name german'?"]


def test_a_value_of_where_that_no_row_has_warns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,name,season\nAB-1,candle,AW26\nAB-2,soap,SS27\n", encoding="utf-8")
    (tmp_path / "a.yaml").write_text(
        "campaign: a\nmodel: image4_standard\nproducts: {file: a.csv, where: {season: [aw26, AW27]}}\n"
        'prompts: {hero: "{product.name}"}\nsizes: [square]\nseeds: [1]\n',
        encoding="utf-8",
    )
    loaded = load(tmp_path / "a.yaml")
    assert list(loaded.products) == ["ab-1"]
    assert [warning.message for warning in loaded.warnings] == [
        "no row has 'AW27' in column 'season'; did you mean 'AW26'?"
    ]


def test_one_name_for_markets_of_several_languages_warns_in_words_for_a_sheet(tmp_path: Path, campaign: Load) -> None:
    (tmp_path / "a.csv").write_text("id,name\nAB-1,candle\n", encoding="utf-8")
    loaded = campaign(
        products="a.csv",
        prompts='{hero: {other: "{product.name}"}}',
        markets="{us: {locale: en-US}, de: {locale: de-DE}}",
    )
    (warning,) = loaded.warnings
    assert warning.place().endswith('a.csv: row 2, column "name"')
    assert warning.advice == (
        "add columns 'name de' and 'name en' to the sheet, or call the column 'name other' if you mean one name for all"
    )


def test_several_sheets_are_told_where_the_campaign_names_none(tmp_path: Path, campaign: Load) -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.create_sheet("Second").append(["id", "name"])
    sheet = book["Sheet"]
    sheet.append(["id", "name"])
    sheet.append(["AB-1", "candle"])
    book.save(tmp_path / "a.xlsx")
    notes = campaign(products="a.xlsx").notes
    assert notes == (f"{tmp_path / 'a.xlsx'}: sheet 'Sheet' is read, the first of 2; `sheet:` names another",)
