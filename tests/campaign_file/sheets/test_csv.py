"""Products from a CSV file: its encodings, its separators, and what becomes of its rows."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from campaign_runner.campaign_file.sheets.reader import read_sheet
from campaign_runner.errors import CampaignFileError
from tests.campaign_file.conftest import Load, Messages

ROWS = [["id", "name", "material"], ["AB-1", "candle, large", "soy wax"], ["AB-2", "Süße Seife", "olive oil"]]


def text(separator: str) -> str:
    quoted = [[f'"{cell}"' if separator in cell else cell for cell in row] for row in ROWS]
    return "".join(f"{separator.join(row)}\r\n" for row in quoted)


ENCODED = {
    "commas": text(",").encode(),
    "semicolons": text(";").encode(),
    "tabs": text("\t").encode(),
    "with a byte order mark": text(";").encode("utf-8-sig"),
    "UTF-16 as Excel writes it": codecs.BOM_UTF16_LE + text("\t").encode("utf-16-le"),
    "UTF-16 the other way round": codecs.BOM_UTF16_BE + text("\t").encode("utf-16-be"),
    "Excel's own line for the separator": b"sep=;\r\n" + text(";").encode(),
    "plain line ends": text(",").replace("\r\n", "\n").encode(),
}


@pytest.mark.parametrize("content", ENCODED.values(), ids=ENCODED)
def test_the_rows_are_the_same_however_the_file_is_written(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_bytes(content)
    rows = list(read_sheet(path))
    assert [[cell.text for cell in row.cells.values()] for row in rows] == ROWS
    assert [row.number for row in rows] == [1, 2, 3]


BROKEN = {
    "letters of another encoding": (
        "id;name\r\n1;Süß\r\n".encode("latin-1"),
        "row 2: some letters of this CSV file",
    ),
    "bytes of no text": (b"id,name\r\n\0\0\0\r\n", "this is not a CSV file"),
    "a quote that never ends": (b'id,name\r\n1,"' + b"x" * 140_000, "row 2: a text in quotes does not end in this row"),
    "a row that never ends": (b"id,name" + b"," * 2_000_000, "row 1: a text in quotes does not end in this row"),
    "a quote in the middle": (b'id,name\r\n1,"a" b\r\n', "row 2: a text in quotes does not end in this row"),
    "more cells than a sheet has": (b"id,name" + b"," * 20_000, "row 1: this row has more than 16,384 cells"),
}


@pytest.mark.parametrize(("content", "said"), BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_read_is_one_sentence(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_bytes(content)
    with pytest.raises(CampaignFileError) as raised:
        list(read_sheet(path))
    (problem,) = raised.value.problems
    assert said in str(problem)


def test_rows_are_products_with_ids_from_any_text(tmp_path: Path, campaign: Load) -> None:
    (tmp_path / "products.csv").write_bytes(ENCODED["semicolons"])
    loaded = campaign(products="products.csv", prompts='{hero: "{product.name} of {product.material}"}')
    assert list(loaded.products) == ["ab-1", "ab-2"]
    assert loaded.products["ab-2"].name == {"": "Süße Seife"}
    assert loaded.products["ab-1"].words == {"material": {"": "soy wax"}}
    assert loaded.products_sha256 is not None


def test_a_column_that_no_text_uses_is_counted_and_not_read(tmp_path: Path, campaign: Load) -> None:
    (tmp_path / "products.csv").write_bytes(ENCODED["commas"])
    loaded = campaign(products="products.csv")
    assert loaded.products["ab-1"].words == {}
    assert loaded.notes == (f"{tmp_path / 'products.csv'}: 1 column not used: material",)


def test_every_rule_of_the_campaign_file_holds_for_a_cell(tmp_path: Path, messages: Messages) -> None:
    (tmp_path / "products.csv").write_text("id,name,visual_intensity\nAB-1,{product.id},11\n", encoding="utf-8")
    assert messages(products="products.csv") == [
        "placeholders work in prompts, negative prompts, vars and reference paths, not in words",
        "visual_intensity is at most 10, not 11",
    ]
