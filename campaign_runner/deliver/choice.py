"""Which stored images a delivery is about, in each of their cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from campaign_runner.campaign_file.schema.cells import AXES, Cells
from campaign_runner.deliver.arrangement import ChosenImage, Place, place_of_cell
from campaign_runner.deliver.handover.account import Scope
from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.model import Cell, Size
from campaign_runner.output_folder.delivery_record import DeliveredFile
from campaign_runner.plan.plan import Plan, Planned
from campaign_runner.plan.selection import Selection
from campaign_runner.tasks import batched

_CHUNK = 500


def every_stored(plan: Plan, ledger: Ledger, only: Selection, *, has_left: bool = False) -> Iterator[ChosenImage]:
    """Every stored image of a campaign; with `has_left` also those that left it, under their recorded names."""
    for some in batched(plan, _CHUNK):
        entries = ledger.entries([each.variation.key for each in some])
        for each in some:
            entry = entries.get(each.variation.key)
            if entry is not None and entry.state == "stored":
                yield from _in_cells(entry, _cells(each), only)
    if has_left:
        for entry in ledger.departed(plan.keys()):
            if entry.state == "stored":
                yield from _in_cells(entry, (entry.cell,), only)


def rows_of(plan: Plan, only: Selection) -> list[Place]:
    """The rows of a campaign of which something may be wanted, in plan order.

    Where single images are meant, by seed or key, no row waits for anything.
    """
    if {"seed", "key"} & only.values.keys():
        return []
    cells = (cell for cell in Cells(plan.campaign).distinct(AXES) if only.matches((cell,), 0, ""))
    return list(dict.fromkeys(map(place_of_cell, cells)))


def scope_of(only: Selection) -> Scope:
    """Whether a delivery with `--only` is about a file that was delivered before."""

    def is_meant(file: DeliveredFile) -> bool:
        width, height = map(int, file.cell.size.split("x"))
        cell = Cell(file.cell.product, file.cell.prompt, file.cell.preset, file.cell.market, Size(width, height))
        return only.matches((cell,), file.seed, file.key)

    return is_meant


def _cells(planned: Planned) -> Iterable[Cell]:
    return planned.variation.cell, *planned.other_cells


def _in_cells(entry: Entry, cells: Iterable[Cell], only: Selection) -> Iterator[ChosenImage]:
    for cell in cells:
        if only.matches((cell,), entry.seed, entry.key):
            yield ChosenImage(entry, cell)
