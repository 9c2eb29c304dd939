"""Product masters in the shapes that shops and marketplaces export, with rows and words of our own.

Columns, their order, their separators and what is empty in which row are those of the exports of Shopify, WooCommerce,
Akeneo, Amazon (inventory template) and Google (Merchant Center feed).
`python -m tests.campaign_file.sheets.shop_exports FOLDER` writes them to look at.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet.worksheet import Worksheet


@dataclass(frozen=True)
class Product:
    """What the house sells: the sizes are the variants that one picture stands for."""

    sku: str
    name: str
    name_de: str
    material: str
    sizes: tuple[str, ...]
    is_live: bool = True


PRODUCTS = (
    Product("ALM-100", "Almond candle", "Mandelkerze", "Soy wax", ("S", "M", "L")),
    Product("ALM-110", "Almond soap", "Mandelseife", "Olive oil", ("100 g", "200 g")),
    Product("ALM-120", "Hand cream, almond & oat", "Handcreme Mandel & Hafer", "Shea butter", ("50 ml",)),
    Product("ALM-140", "Room spray", "Raumspray", "Glass", ("100 ml",), is_live=False),
)
LIVE = tuple(product for product in PRODUCTS if product.is_live)
SHOPIFY = """\
Handle | Title | Body (HTML) | Vendor | Product Category | Type | Tags | Published | Option1 Name | Option1 Value
Option1 Linked To | Option2 Name | Option2 Value | Option2 Linked To | Option3 Name | Option3 Value | Option3 Linked To
Variant SKU | Variant Grams | Variant Inventory Tracker | Variant Inventory Qty | Variant Inventory Policy
Variant Fulfillment Service | Variant Price | Variant Compare At Price | Variant Requires Shipping | Variant Taxable
Variant Barcode | Image Src | Image Position | Image Alt Text | Gift Card | SEO Title | SEO Description
Google Shopping / Google Product Category | Google Shopping / Gender | Google Shopping / Age Group
Google Shopping / MPN | Google Shopping / Condition | Google Shopping / Custom Product
Material (product.metafields.custom.material) | Variant Image | Variant Weight Unit | Variant Tax Code | Cost per item
Included / Germany | Price / Germany | Status
"""
WOOCOMMERCE = """\
ID | Type | SKU | GTIN, UPC, EAN, or ISBN | Name | Published | Is featured? | Visibility in catalog | Short description
Description | Date sale price starts | Date sale price ends | Tax status | Tax class | In stock? | Stock
Low stock amount | Backorders allowed? | Sold individually? | Weight (kg) | Length (cm) | Width (cm) | Height (cm)
Allow customer reviews? | Purchase note | Sale price | Regular price | Categories | Tags | Shipping class | Images
Download limit | Download expiry days | Parent | Grouped products | Upsells | Cross-sells | External URL | Button text
Position | Brands | Attribute 1 name | Attribute 1 value(s) | Attribute 1 visible | Attribute 1 global
Attribute 2 name | Attribute 2 value(s) | Attribute 2 visible | Attribute 2 global
"""
AKENEO = """\
sku | categories | enabled | family | parent | groups | name-en_US | name-de_DE | description-en_US-ecommerce
description-de_DE-ecommerce | material-en_US | material-de_DE | price-EUR | price-USD | size | weight | weight-unit
picture | release_date | tax_class
"""
GOOGLE = """\
id | title | description | link | image_link | additional_image_link | availability | price | sale_price | brand | gtin
mpn | condition | google_product_category | product_type | item_group_id | size | material | shipping_weight
custom_label_0
"""
AMAZON = """\
feed_product_type: Product Type | item_sku: Seller SKU | brand_name: Brand Name | item_name: Product Name
external_product_id: Product ID | external_product_id_type: Product ID Type | manufacturer: Manufacturer
recommended_browse_nodes: Recommended Browse Nodes | standard_price: Standard Price | quantity: Quantity
main_image_url: Main Image URL | parent_child: Parentage | parent_sku: Parent SKU | relationship_type: Relationship Type
variation_theme: Variation Theme | product_description: Product Description | bullet_point1: Key Product Features
material_type: Material Type | scent_name: Scent | size_name: Size | fulfillment_center_id: Fulfillment Center ID
"""
Row = Mapping[str, str]


def shopify(path: Path) -> None:
    """A row for each variant, the texts in a product's first, and rows with nothing but further pictures."""
    rows: list[Row] = []
    for product in PRODUCTS:
        handle = product.name.lower().replace(",", "").replace("&", "and").replace(" ", "-")
        for number, size in enumerate(product.sizes):
            variant = {
                "Handle": handle,
                "Option1 Value": size,
                "Variant SKU": f"{product.sku}-{number + 1}",
                "Variant Price": "19.90",
                "Variant Barcode": f"'40063810000{number}",
                "Variant Inventory Qty": str(12 * number),
            }
            texts = {
                "Title": product.name,
                "Body (HTML)": f'<p>{product.name}, "the classic".</p>\n<ul><li>{product.material}</li></ul>',
                "Vendor": "House of Almond",
                "Tags": "autumn, almond",
                "Published": "true" if product.is_live else "false",
                "Option1 Name": "Size",
                "Image Src": "https://cdn.example.com/1.jpg?v=1",
                "Material (product.metafields.custom.material)": product.material,
                "Status": "active" if product.is_live else "draft",
            }
            rows.append(variant | ({} if number else texts))
        rows.append({"Handle": handle, "Image Src": "https://cdn.example.com/2.jpg?v=1", "Image Position": "2"})
    _write_text(path, _headings(SHOPIFY), rows)


def woocommerce(path: Path) -> None:
    """A row for a product with variations, then one for each of them, which name it as their parent."""
    rows: list[Row] = []
    for at, product in enumerate(PRODUCTS, 44):
        is_variable = len(product.sizes) > 1
        both = {"Published": "1" if product.is_live else "-1", "In stock?": "1", "Regular price": "19.9"}
        rows.append(
            both
            | {
                "ID": str(at),
                "Type": "variable" if is_variable else "simple",
                "SKU": product.sku,
                "Name": product.name,
                "Description": f"<strong>{product.name}</strong>\\n\\nMade of {product.material.lower()}.",
                "Categories": "Home > Scents, Gifts",
                "Attribute 1 name": "Size",
                "Attribute 1 value(s)": ", ".join(product.sizes),
                "Attribute 2 name": "Material",
                "Attribute 2 value(s)": product.material,
            }
        )
        for number, size in enumerate(product.sizes if is_variable else ()):
            own = {"ID": str(at * 100 + number), "Type": "variation", "SKU": f"{product.sku}-{number + 1}"}
            name = {"Name": f"{product.name} - {size}", "Parent": product.sku, "Attribute 1 value(s)": size}
            rows.append(both | own | name)
    _write_text(path, _headings(WOOCOMMERCE), rows, encoding="utf-8-sig")


def akeneo(path: Path) -> None:
    """A row for each product, a column for each language and sales channel, semicolons between."""
    rows: list[Row] = []
    for product in PRODUCTS:
        rows += [
            {
                "sku": f"{product.sku}-{number + 1}",
                "categories": "autumn_2026,scents",
                "enabled": "1" if product.is_live else "0",
                "family": "home_fragrance",
                "parent": product.sku,
                "name-en_US": product.name,
                "name-de_DE": product.name_de,
                "material-en_US": product.material,
                "material-de_DE": "",
                "price-EUR": "19.90",
                "size": size,
            }
            for number, size in enumerate(product.sizes)
        ]
    _write_text(path, _headings(AKENEO), rows, separator=";")


def google(path: Path) -> None:
    """A row for each variant with the same texts, tabs between."""
    rows: list[Row] = []
    for product in LIVE:
        rows += [
            {
                "id": f"{product.sku}-{number + 1}",
                "title": product.name,
                "link": f"https://www.example.com/{product.sku.lower()}?size={number}",
                "availability": "in_stock",
                "price": "19.90 EUR",
                "gtin": f"400638100{number:04}",
                "google_product_category": "Home & Garden > Decor > Home Fragrances > Candles",
                "item_group_id": product.sku,
                "size": size,
                "material": product.material,
            }
            for number, size in enumerate(product.sizes)
        ]
    _write_text(path, _headings(GOOGLE), rows, separator="\t")


def amazon(path: Path) -> None:
    """A workbook of several sheets, three rows of headings in the one with the products, parents and their children."""
    fields = dict(each.split(": ") for each in _headings(AMAZON))
    book = Workbook()
    book.create_sheet("Instructions", 0).append(["How to fill in this template"])
    book.create_sheet("Valid Values").append(["Parentage", "Parent", "Child"])
    sheet = book["Sheet"]
    assert isinstance(sheet, Worksheet)
    sheet.title = "Template"
    first = ["TemplateType=fptcustom", "Version=2026.0310", "", "The top 3 rows are for Amazon.com use only.", "Images"]
    for line in (first, list(fields.values()), list(fields)):
        sheet.append(line)
    for cell in sheet[2]:
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="FFCC66")
    for product in LIVE:
        both = {"feed_product_type": "candle", "brand_name": "House of Almond", "manufacturer": "House of Almond"}
        texts = {"item_name": product.name, "material_type": product.material, "variation_theme": "Size"}
        parent = both | texts | {"item_sku": product.sku, "parent_child": "Parent"}
        sheet.append([parent.get(field) for field in fields])
        for number, size in enumerate(product.sizes):
            child = both | texts | {"item_sku": f"{product.sku}-{number + 1}", "parent_child": "Child"}
            child |= {"parent_sku": product.sku, "relationship_type": "Variation", "size_name": size}
            child |= {"item_name": f"{product.name}, {size}"}
            priced: dict[str, object] = {"standard_price": 19.9, "quantity": 40, "external_product_id": 4006381000000}
            sheet.append([(child | priced).get(field) for field in fields])
    book.save(path)


def _headings(text: str) -> list[str]:
    return [heading for line in text.splitlines() for heading in line.split(" | ")]


def _write_text(
    path: Path, headings: Sequence[str], rows: Iterable[Row], *, separator: str = ",", encoding: str = "utf-8"
) -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, headings, restval="", delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)


EXPORTS: dict[str, Callable[[Path], None]] = {
    "shopify.csv": shopify,
    "woocommerce.csv": woocommerce,
    "akeneo.csv": akeneo,
    "google.tsv": google,
    "amazon.xlsx": amazon,
}
"""By the name of the file."""


if __name__ == "__main__":
    for name, write in EXPORTS.items():
        write(Path(sys.argv[1]) / name)
