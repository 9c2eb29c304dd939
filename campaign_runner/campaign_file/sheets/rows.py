"""The rows that become products: those that `where` lets in, each a text for each field, every flaw at its cell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from campaign_runner.campaign_file.schema.ids import LONGEST_ID, id_flaw
from campaign_runner.campaign_file.schema.shape import NO_PRODUCTS
from campaign_runner.campaign_file.sheets.cells import MOST_CELLS_READ, SheetCell, SheetRow, UnreadableSheet
from campaign_runner.campaign_file.sheets.fields import ONE_MARKET, Fields, parts
from campaign_runner.campaign_file.sheets.headings import Headings
from campaign_runner.campaign_file.sheets.products import SheetProduct
from campaign_runner.campaign_file.sheets.request import SheetRequest
from campaign_runner.campaign_file.syntax.characters import CONTROL, PASTED, pasted_flaw
from campaign_runner.campaign_file.syntax.sheet_places import SheetPlaces
from campaign_runner.problem import Problem
from campaign_runner.text import plural

_YES = frozenset(("x", "yes", "y", "1", "true", "ja", "oui", "✓"))
_NO = frozenset(("", "-", "no", "n", "0", "false", "nein", "non"))
_GIVE_ID = "type the product's id into the cell, or empty the row if it is not a product"
_GIVE_NAME = "type the product's name into the cell, or empty the row if it is not a product"


@dataclass(slots=True)
class RowCounts:
    """What `check` tells of the rows."""

    hidden: int = 0
    left_out: int = 0  # by `where`
    repeated: int = 0  # further rows of a product
    nowhere: int = 0  # products of none of the markets


class RowReader:
    """Takes the rows below the headings, one by one; `products` are by the id that the sheet has.

    `met` are the values that the columns of `where` have, by how they are compared.
    """

    def __init__(self, request: SheetRequest, fields: Fields, headings: Headings, places: SheetPlaces) -> None:
        self.problems: list[Problem] = []
        self.counts = RowCounts()
        self.products: dict[str, SheetProduct] = {}
        self.met: dict[str, dict[str, str]] = {heading: {} for heading in request.where}
        self._fields = fields
        self._headings = headings
        self._places = places
        self._ids: dict[str, SheetProduct] = {}
        self._where = {
            headings.wanted[heading]: (heading, {value.text.strip().casefold() for value in values})
            for heading, (_, values) in request.where.items()
            if heading in headings.wanted
        }

    def take(self, row: SheetRow, kept: dict[tuple[int, int], str]) -> None:
        """One row. `kept` is given the text of each cell that is used. Raises UnreadableSheet for too many."""
        if not self._headings.used().intersection(row.cells):
            return
        self.counts.hidden += row.is_hidden
        if not self._is_wanted(row):
            self.counts.left_out += 1
            return
        product = SheetProduct(row.number)
        for field, column in self._headings.columns.items():
            if (cell := row.cells.get(column)) is not None:
                kept[row.number, column] = cell.text
                if self._is_sound(cell, row.number, column):
                    product.texts[field] = cell.text
                else:
                    product.flawed.add(field)
        if len(kept) > MOST_CELLS_READ:
            message = f"the campaign reads more than {MOST_CELLS_READ:,} cells of this sheet"
            raise UnreadableSheet(message, "take fewer rows with 'where', or fewer columns with 'columns'", row.number)
        for column in self._where:
            if (cell := row.cells.get(column)) is not None:
                self._is_sound(cell, row.number, column)
        if any(column in row.cells for column in self._headings.columns.values()):
            self._put(product)

    def finished(self) -> list[SheetProduct]:
        """The products in the sheet's order, once every row was taken."""
        products = []
        for product in self.products.values():
            self._check_name(product)
            if self._has_market(product):
                products.append(product)
        return products

    def _is_wanted(self, row: SheetRow) -> bool:
        is_wanted = True
        for column, (heading, values) in self._where.items():
            text = row.cells[column].text if column in row.cells else ""
            self.met[heading].setdefault(text.casefold(), text)
            is_wanted = is_wanted and text.casefold() in values
        return is_wanted

    def _is_sound(self, cell: SheetCell, row: int, column: int) -> bool:
        flaw = cell.flaw
        if flaw is None and CONTROL.search(cell.text):
            flaw = "the text contains a control character", "type the text into the cell again"
        if flaw is None and PASTED.search(cell.text):
            flaw = pasted_flaw(cell.text), "it was copied along with the text: type the text into the cell again"
        if flaw is not None:
            self._refuse(row, column, *flaw)
        return flaw is None

    def _put(self, product: SheetProduct) -> None:
        """Begin a product, or add a row to the one with its id."""
        id, column = product.texts.get("id"), self._headings.columns["id"]
        if id is None:
            if "id" not in product.flawed:
                self._refuse(product.row, column, "this row has no id", _GIVE_ID)
        elif (known := self.products.get(id)) is not None:
            self.counts.repeated += 1
            self._join(known, product)
        elif flaw := self._id_flaw(product):
            self._refuse(product.row, column, *flaw)
        else:
            self.products[id] = self._ids[product.id] = product

    def _id_flaw(self, product: SheetProduct) -> tuple[str, str] | None:
        text, id = product.texts["id"], product.id
        another = "use another column as id, or write an id of letters a-z, digits and dashes"
        if not id:
            return f"'{text}' has no letter a-z or digit to make an id from", another
        if len(id) > LONGEST_ID:
            return (
                f"'{text}' makes an id of more than {LONGEST_ID} characters",
                "shorten it, or use another column as id, such as one with article numbers",
            )
        if flaw := id_flaw(id):
            return flaw[0], f"{flaw[1]}, or use another column as id"
        if id in NO_PRODUCTS:
            return f"'{text}' cannot be the id of a product: it is reserved", another
        if id in self._ids:
            other = self._ids[id]
            message = f"'{text}' and '{other.texts['id']}' (row {other.row}) both make the id '{id}'"
            return message, "change one of them"
        return None

    def _join(self, product: SheetProduct, further: SheetProduct) -> None:
        """A further row of a product says the same, or nothing, in every column that is used."""
        product.flawed |= further.flawed
        for field, text in further.texts.items():
            before = product.texts.get(field)
            if before is None:
                product.texts[field], product.rows[field] = text, further.row
            elif before != text:
                first = product.rows.get(field, product.row)
                message = f"'{text}' here, but '{before}' in row {first}, which has the same id '{product.texts['id']}'"
                advice = "rows with the same id are one product: make them alike, or use another column as id"
                self._refuse(further.row, self._headings.columns[field], message, advice)

    def _check_name(self, product: SheetProduct) -> None:
        named = [field for field in self._headings.columns if parts(field)[0] == "name"]
        if named and not any(field in product.texts or field in product.flawed for field in named):
            self._refuse(product.row, self._headings.columns[named[0]], "this product has no name", _GIVE_NAME)

    def _has_market(self, product: SheetProduct) -> bool:
        """Turn columns of markets into a limit; whether there is any market left."""
        columns = [field for field in self._headings.columns if field.startswith(f"{ONE_MARKET} ")]
        if not columns:
            return True
        refused = {parts(field)[1] for field in columns if not self._says_yes(product, field)}
        for field in columns:
            product.texts.pop(field, None)
        if refused:
            named = product.texts.get(ONE_MARKET, " ".join(self._fields.markets))
            left = [market for market in named.replace(",", " ").split() if market not in refused]
            self.counts.nowhere += not left
            product.texts[ONE_MARKET] = " ".join(left)
            return bool(left)
        return True

    def _says_yes(self, product: SheetProduct, field: str) -> bool:
        text = product.texts.get(field, "").casefold()
        if text not in _YES and text not in _NO:
            message = f"'{product.texts[field]}' is neither yes nor no"
            advice = "write x or yes for a market that gets this product; leave the cell empty otherwise"
            self._refuse(product.rows.get(field, product.row), self._headings.columns[field], message, advice)
        return text not in _NO

    def _refuse(self, row: int, column: int, message: str, advice: str) -> None:
        place = self._places.position(row, column)
        self.problems.append(self._places.problem(place, message, advice))


def notes(counts: RowCounts) -> Iterator[str]:
    """What `check` says of the rows, each in a few words."""
    if counts.hidden:
        yield f"{plural(counts.hidden, 'hidden row')} read like any other"
    if counts.left_out:
        yield f"{plural(counts.left_out, 'row')} left out by 'where'"
    if counts.repeated:
        yield f"{plural(counts.repeated, 'row')} with the id of a row above"
    if counts.nowhere:
        yield f"{plural(counts.nowhere, 'product')} for none of the markets"
