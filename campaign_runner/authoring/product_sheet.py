"""The products of a campaign as a sheet: a row each, every cell a text, so that reading it back gives the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import TYPE_CHECKING

from campaign_runner.campaign_file.schema.ids import derived
from campaign_runner.campaign_file.schema.look import FIELDS as LOOK_FIELDS
from campaign_runner.campaign_file.schema.schema import Campaign, Product
from campaign_runner.campaign_file.schema.templates import Text
from campaign_runner.campaign_file.sheets.fields import LIMITS
from campaign_runner.problem import column_letters

if TYPE_CHECKING:
    from openpyxl.cell import Cell
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

_NO_COLUMN = ("products", "seeds")
_LAST = frozenset((*LIMITS, *LOOK_FIELDS))  # columns behind the words of a product
_WIDEST = 60  # characters that a column is wide at most


def product_rows(campaign: Campaign) -> list[list[str]]:
    """The headings, and a row for each product; a cell is empty where the product has nothing there."""
    products = [{"id": campaign.sku(id)} | dict(_fields(product)) for id, product in campaign.products.items()]
    found = list(dict.fromkeys(heading for product in products for heading in product))
    bases = list(dict.fromkeys(heading.partition(" ")[0] for heading in found))
    headings = sorted(found, key=lambda heading: (heading in _LAST, bases.index(heading.partition(" ")[0])))
    return [headings, *([product.get(heading, "") for heading in headings] for product in products)]


def left_out(campaign: Campaign) -> Iterator[str]:
    """What of the products no sheet can say, a sentence each."""
    for id, product in campaign.products.items():
        if derived(campaign.sku(id)) != id:
            yield f"the id of {id} would become {derived(campaign.sku(id))}: change it before you use the sheet"
        for field in _NO_COLUMN:
            if getattr(product, field) is not None:
                yield f"the {field} of {id} are left out: a sheet has no column for them"
        for field in LOOK_FIELDS:
            if field in product.model_fields_set and getattr(product, field) in (None, ()):
                yield f"'{field}' of {id} is left out: a sheet cannot take away what was set before"


def _fields(product: Product) -> Iterator[tuple[str, str]]:
    """Headings and texts of a product, without its id."""
    yield from _texts("name", product.name)
    for word, text in product.words.items():
        yield from _texts(word, text)
    for field in (*LIMITS, *LOOK_FIELDS):
        match getattr(product, field):
            case None | ():
                pass
            case tuple() as values:
                yield field, ", ".join(map(str, values))
            case Mapping() as texts:
                yield from _texts(field, texts)
            case value:
                yield field, str(value)


def _texts(field: str, text: Text) -> Iterator[tuple[str, str]]:
    """`name`, `name de`, `name other`."""
    for key, wording in text.items():
        yield f"{field} {key}".strip(), wording


def as_workbook(rows: list[list[str]]) -> bytes:
    """An Excel workbook of texts; the headings stay in sight."""
    from openpyxl import Workbook  # a tenth of a second, where a sheet is written

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Products")
    sheet.freeze_panes = "B2"
    for column, cells in enumerate(zip(*rows, strict=True), 1):
        width = min(max(map(len, cells)) + 2, _WIDEST)
        sheet.column_dimensions[column_letters(column)].width = width
    for number, row in enumerate(rows):
        sheet.append([_cell(sheet, text, is_heading=not number) for text in row])
    content = BytesIO()
    book.save(content)
    return content.getvalue()


def _cell(sheet: WriteOnlyWorksheet, text: str, *, is_heading: bool) -> Cell:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    cell = WriteOnlyCell(sheet, value=text or None)
    if text:
        cell.data_type = "s"  # also where it begins like a formula
    cell.number_format = "@"
    cell.font = Font(bold=is_heading)
    return cell
