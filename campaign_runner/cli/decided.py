"""What people decided about a campaign, as the commands ask for it."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import click

from campaign_runner.campaign_file.schema.ids import derived
from campaign_runner.campaign_file.schema.review import LONGEST_REVIEWER
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.cli.options import recorded
from campaign_runner.cli.target import Target
from campaign_runner.errors import UsageError
from campaign_runner.journal.ledger import Ledger
from campaign_runner.plan.plan import Plan
from campaign_runner.plan.selection import DECISION, Selection, begins_with_any
from campaign_runner.review.decisions import Decisions, decisions_of
from campaign_runner.review.marks import Reviewer
from campaign_runner.review.rules import DecidedImage, DecidedRow, ImageState
from campaign_runner.text import did_you_mean, joined, printable

DECISIONS = (*map(str, ImageState), "outdated", "new")
"""The values of `--only decision=`."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A campaign, its record, and what was decided about it."""

    target: Target
    campaign: Campaign
    ledger: Ledger
    plan: Plan
    decisions: Decisions

    def keys(self, wanted: frozenset[str]) -> frozenset[str]:
        """The images that were decided in one of these ways, in any of their cells.

        Raises CampaignFileError where a file of decisions cannot be read.
        """
        self.decisions.refuse_unreadable()
        images = (image for row in self.decisions.rows for image in row.images)
        return frozenset(image.shot.key for image in images if is_meant(image, wanted))

    def selection(self, only: Sequence[str]) -> Selection:
        """What `--only` means, decisions included, as a selection of keys. Raises UsageError."""
        axes, wanted = parted(only)
        chosen = recorded(axes, self.campaign)
        if not wanted:
            return chosen
        keys = self.keys(wanted)
        return Selection({**chosen.values, "key": frozenset(key for key in keys if _starts(key, chosen))})


def _starts(key: str, chosen: Selection) -> bool:
    return "key" not in chosen.values or begins_with_any(key, chosen.values["key"])


@contextmanager
def decided(target: Target) -> Iterator[Decided]:
    """What counts now for the campaign of `target`. Raises UsageError where nothing was ever run."""
    with target.folder.ledger() as ledger:
        campaign = target.recalled(ledger).campaign
        plan = Plan(campaign, ledger.custom_model)
        yield Decided(target, campaign, ledger, plan, decisions_of(target.folder, plan, ledger))


def tell_remarks(decisions: Decisions) -> None:
    """What is to be said about files of decisions and stops nothing, on stderr."""
    for remark in decisions.gathered.remarks:
        click.echo(printable(remark), err=True)


def parted(only: Sequence[str]) -> tuple[list[str], frozenset[str]]:
    """The values of `--only` without those of `decision=`, and these. Raises UsageError for an unknown decision."""
    rest = [value for value in only if value.partition("=")[0] != DECISION]
    wanted = [value.partition("=")[2] for value in only if value not in rest]
    names = {name.strip() for value in wanted for name in value.split(",") if name.strip()}
    if wanted and not names:
        raise UsageError(f"--only decision=: name at least one of {joined(DECISIONS, most=len(DECISIONS))}")
    for name in names:
        if name not in DECISIONS:
            told = did_you_mean(name, DECISIONS) or f"; there are {joined(DECISIONS, most=len(DECISIONS))}"
            raise UsageError(f"--only decision={name}: no decision has this name{told}")
    return rest, frozenset(names)


def is_meant(image: DecidedImage, wanted: frozenset[str]) -> bool:
    """Whether an image was decided in one of the ways that `--only decision=` names; any, if it names none."""
    is_so = (image.is_outdated and "outdated" in wanted) or (image.is_new and "new" in wanted)
    return not wanted or image.state in wanted or is_so


def narrowed(decisions: Decisions, only: Selection, wanted: frozenset[str]) -> Decisions:
    """The rows of which something is meant, with the images that are."""
    if not only and not wanted:
        return decisions
    rows = (
        replace(row, images=tuple(image for image in row.images if _is_chosen(row, image, only, wanted)))
        for row in decisions.rows
    )
    return replace(decisions, rows=tuple(row for row in rows if row.images))


def _is_chosen(row: DecidedRow, image: DecidedImage, only: Selection, wanted: frozenset[str]) -> bool:
    return only.matches([row.cell], image.shot.seed, image.shot.key) and is_meant(image, wanted)


def reviewer_of(name: str | None) -> Reviewer:
    """Who gives verdicts: `--as NAME` or the login name. Raises UsageError for a name without a letter or digit."""
    called = name or _login_name()
    id = derived(called)[:LONGEST_REVIEWER].strip("-")
    if not id:
        raise UsageError(f"--as {called}: use letters or digits")
    return Reviewer(id, called)


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise UsageError("who are you? say --as NAME") from None


def now() -> datetime:
    """The time that a mark is given."""
    return datetime.now().astimezone()
