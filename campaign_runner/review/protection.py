"""Picked images that an edit takes out of the campaign, or that `prune` would move aside."""

from __future__ import annotations

from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.output_folder.delivery_record import read_record
from campaign_runner.output_folder.folder import Folder
from campaign_runner.plan.plan import Plan
from campaign_runner.review.decisions import decisions_of, former_names, pick_names
from campaign_runner.review.decisions_folder import gather
from campaign_runner.review.merging import MarkIndex, standing
from campaign_runner.review.rows import row_cell

_OUT = frozenset(("current", "changed", "missing"))
"""States of delivered files that someone was given and may still use."""


def picks_that_leave(folder: Folder, ledger: Ledger, before: Plan, now: Plan) -> tuple[str, ...]:
    """The images picked in the campaign of the last run that are not in the campaign of now, by their names."""
    keys = set(now.keys())
    picks = decisions_of(folder, before, ledger).picks()
    return pick_names(pick for pick in picks if pick.image.shot.key not in keys)


class ChosenOnes:
    """Whether an image is one that people chose, in the campaign or no longer in it: picked or delivered.

    Raises IntegrityError for a record of deliveries that cannot be read, StoreError.
    """

    def __init__(self, folder: Folder, ledger: Ledger, campaign: str) -> None:
        self._marks = MarkIndex(gather(folder, {campaign, *former_names(ledger)}).marks)
        record = read_record(folder.path)
        self._delivered = {each.source_sha256 for each in record.files if each.state in _OUT} if record else set()

    def has(self, entry: Entry) -> bool:
        """Whether the bytes of `entry` were delivered, or someone picked them and has not taken that back."""
        if entry.sha256 in self._delivered:
            return True
        about = self._marks.about(entry.key, entry.sha256, row_cell(entry.cell), [entry.key])
        return any(mark.word == "pick" and mark.sha256 == entry.sha256 for mark in standing(about))
