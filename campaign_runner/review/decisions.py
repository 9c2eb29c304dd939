"""What people decided about a campaign: rows, images, picks and focus. The rest of the program asks here.

decisions = decisions_of(folder, plan, ledger)
for pick in decisions.picks(): ...
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from campaign_runner.errors import CampaignFileError
from campaign_runner.journal.ledger import Ledger
from campaign_runner.model import Cell
from campaign_runner.output_folder.folder import Folder
from campaign_runner.plan.plan import Plan
from campaign_runner.review.decisions_folder import Gathered, gather
from campaign_runner.review.marks import Focus, Mark, Vote, moment
from campaign_runner.review.merging import MarkIndex
from campaign_runner.review.rows import rows_of
from campaign_runner.review.rules import DecidedImage, DecidedRow, ImageState, decide

FORMER_NAMES = "former_names"
"""Under which name the journal notes what this campaign was called before: JSON, a list of names."""


@dataclass(frozen=True, slots=True)
class Pick:
    """A picked image in one of its cells."""

    cell: Cell
    image: DecidedImage

    @property
    def approvals(self) -> tuple[Mark, ...]:
        """The verdicts that picked it, the latest last."""
        picks = (mark for mark in self.image.verdicts if mark.word == "pick")
        return tuple(sorted(picks, key=lambda mark: (moment(mark.at), mark.id)))


@dataclass(frozen=True, slots=True)
class ChosenFocus:
    """What must be seen of an image; `is_disputed`: there is another focus, too."""

    focus: Focus
    mark: Mark
    is_disputed: bool


@dataclass(frozen=True, slots=True)
class Decisions:
    """What counts now. `gathered` are the files that it comes from."""

    campaign: str
    rows: tuple[DecidedRow, ...]
    gathered: Gathered
    final: str | None = None

    @property
    def has_any(self) -> bool:
        """Whether anyone has marked anything."""
        return bool(self.gathered.marks)

    def picks(self) -> Iterator[Pick]:
        """Every picked image, in plan order, once for each cell it is picked in."""
        for row in self.rows:
            for image in row.images:
                if image.state is ImageState.PICKED:
                    yield Pick(row.cell, image)

    def within(self, cells: Collection[Cell]) -> Decisions:
        """The same for some of the rows."""
        return replace(self, rows=tuple(row for row in self.rows if row.cell in cells))

    def by_key(self) -> Mapping[str, Sequence[tuple[Cell, DecidedImage]]]:
        """What was decided about each image, by its key, in each cell it is in."""
        found: dict[str, list[tuple[Cell, DecidedImage]]] = {}
        for row in self.rows:
            for image in row.images:
                found.setdefault(image.shot.key, []).append((row.cell, image))
        return found

    def focus(self, image: DecidedImage) -> ChosenFocus | None:
        """What must be seen of an image, if anyone said so of these bytes."""
        return chosen_focus(image, self.final)

    def counts(self) -> Counter[str]:
        """How many rows are in each state; `new` counts those with an image that no one has judged since."""
        found = Counter(str(row.state) for row in self.rows)
        found["new"] = sum(row.is_new for row in self.rows)
        return found

    def refuse_unreadable(self) -> None:
        """What acts upon decisions needs all of them. Raises CampaignFileError for files that cannot be read."""
        if self.gathered.problems:
            raise CampaignFileError(self.gathered.problems)


def decisions_of(folder: Folder, plan: Plan, ledger: Ledger) -> Decisions:
    """What people decided about the images of a campaign; what is wrong with a file is in `gathered`."""
    campaign = plan.campaign
    gathered = gather(folder, {campaign.campaign, *former_names(ledger)})
    marks = MarkIndex(gathered.marks)
    rows = tuple(decide(row, marks, campaign.review) for row in rows_of(plan, ledger))
    return Decisions(campaign.campaign, rows, gathered, campaign.review.final)


def decisions_if_any(folder: Folder, plan: Plan, ledger: Ledger) -> Decisions | None:
    """The same; None where no one has marked anything, which costs a look into one folder."""
    if not gather(folder, {plan.campaign.campaign, *former_names(ledger)}).files:
        return None
    return decisions_of(folder, plan, ledger)


def former_names(ledger: Ledger) -> tuple[str, ...]:
    """What this campaign was called before."""
    noted = ledger.meta(FORMER_NAMES)
    return tuple(map(str, json.loads(noted))) if noted else ()


def chosen_focus(image: DecidedImage, final: str | None) -> ChosenFocus | None:
    """The focus that counts: of two, the final reviewer's, or the later one."""
    current = [mark for mark in image.marks if mark.kind == "focus" and mark not in image.outdated]
    if not current:
        return None
    mark = max(current, key=lambda mark: (mark.reviewer.id == final, moment(mark.at), mark.id))
    if mark.value is None or isinstance(mark.value, Vote) or not isinstance(mark.value, dict):
        return None
    return ChosenFocus(mark.value, mark, is_disputed=any(each.value != mark.value for each in current))


def pick_names(picks: Iterable[Pick]) -> tuple[str, ...]:
    """Picked images as people read them: `a1b2c3d4 (mug, hero, plain, 2048x2048, seed 5)`."""
    return tuple(f"{pick.image.shot.key[:8]} ({pick.cell}, seed {pick.image.shot.seed})" for pick in picks)
