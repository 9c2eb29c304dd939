"""Which stored images a delivery is about, in each of their rows: the picked ones, or all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias, TypeVar, cast

from campaign_runner.campaign_file.schema.cells import AXES, Cells
from campaign_runner.deliver.arrangement import ChosenImage, Place, place_of_cell
from campaign_runner.deliver.handover.account import Scope
from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.model import Cell, Size, Variation
from campaign_runner.output_folder.delivery_record import Approval, DeliveredFile
from campaign_runner.plan.plan import Plan
from campaign_runner.plan.selection import Selection
from campaign_runner.portions import batched
from campaign_runner.review.decisions import Decisions, Pick
from campaign_runner.review.merging import MarkIndex
from campaign_runner.review.rows import row_cell
from campaign_runner.review.rules import DecidedImage, DecidedRow, ImageState, ReviewRow, Shot, decide

T = TypeVar("T")
_CHUNK = 500
IsMeant: TypeAlias = Callable[[DecidedImage], bool]
"""Whether an image is to be delivered, by what was decided about it."""


def is_picked(image: DecidedImage) -> bool:
    """Whether people chose an image."""
    return image.state is ImageState.PICKED


def chosen_images(decisions: Decisions, ledger: Ledger, only: Selection, is_meant: IsMeant) -> Iterator[ChosenImage]:
    """The stored images of a campaign that are meant, once for each row they are in."""
    yield from _chosen(decisions, decisions.rows, ledger, only, is_meant)


def left_images(
    decisions: Decisions, plan: Plan, ledger: Ledger, only: Selection, is_meant: IsMeant
) -> Iterator[ChosenImage]:
    """The same of images that are no longer in the campaign, in the rows they were made for."""
    rows: dict[Cell, list[Shot]] = {}
    for entry in ledger.departed(plan.keys()):
        shot = Shot(entry.key, entry.seed, entry.state, entry.sha256, entry.stored_at, entry.file)
        rows.setdefault(row_cell(entry.cell), []).append(shot)
    marks, rules = MarkIndex(decisions.gathered.marks), plan.campaign.review
    decided = tuple(decide(ReviewRow(cell, tuple(shots)), marks, rules) for cell, shots in rows.items())
    yield from _chosen(decisions, decided, ledger, only, is_meant)


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


def _chosen(
    decisions: Decisions, rows: tuple[DecidedRow, ...], ledger: Ledger, only: Selection, is_meant: IsMeant
) -> Iterator[ChosenImage]:
    meant = (
        (row.cell, image)
        for row in rows
        for image in row.images
        if image.shot.is_stored and is_meant(image) and only.matches((row.cell,), image.shot.seed, image.shot.key)
    )
    for some in batched(meant, _CHUNK):
        entries = ledger.entries(list({image.shot.key for _, image in some}))
        known = _Known()
        for cell, image in some:
            yield _image(decisions, cell, image, known.sharing(entries[image.shot.key], cell, image.shot))


class _Known:
    """What is in memory already: as many images may be delivered as a campaign has, and much of them is the same."""

    def __init__(self) -> None:
        self._values: dict[object, object] = {}

    def sharing(self, entry: Entry, cell: Cell, shot: Shot) -> Entry:
        """The same entry, of what is known."""
        for value in (cell, shot.key, shot.file, shot.sha256, shot.stored_at):
            self._values.setdefault(value, value)
        own = entry.variation
        return replace(
            entry,
            variation=Variation(self._one(own.key), own.seed, self._one(own.cell), self._one(own.prompt_template)),
            recipe=self._one(entry.recipe),
            file=self._one(entry.file),
            sha256=self._one(entry.sha256),
            stored_at=self._one(entry.stored_at),
            media_type=self._one(entry.media_type),
            job_id=self._one(entry.job_id),
            job_seeds=self._one(entry.job_seeds),
            model_version=self._one(entry.model_version),
            submitted_at=self._one(entry.submitted_at),
        )

    def _one(self, value: T) -> T:
        return cast(T, self._values.setdefault(value, value))


def _image(decisions: Decisions, cell: Cell, image: DecidedImage, entry: Entry) -> ChosenImage:
    approved = tuple(Approval(by=mark.reviewer.id, at=mark.at) for mark in Pick(cell, image).approvals)
    focus = decisions.focus(image)
    if focus is None:
        return ChosenImage(entry, cell, approved)
    return ChosenImage(entry, cell, approved, focus.focus, focus.is_disputed)
