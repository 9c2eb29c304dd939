"""What changed in a campaign file: since the last run, or between two files; in images and money, in words.

The journal remembers the file of the last run, to the letter, and what its reference images held, so that the
plan of then can be made again and compared with the one of now.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from campaign_runner.authoring.compare import ROW, Changes, Group, compare
from campaign_runner.campaign_file.check.text_check import sends_ids
from campaign_runner.campaign_file.loader import recall
from campaign_runner.campaign_file.schema.ids import derived_before
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.errors import UsageError
from campaign_runner.journal.last_run import LAST_CAMPAIGN, LastCampaign, noted_campaign
from campaign_runner.journal.ledger import Ledger
from campaign_runner.model import CustomModel, State, canonical_json
from campaign_runner.plan.cost import RateLimit, minutes
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.text import duration, joined, plural

_OF_ROWS = {"added": "new", "changed": "changed", "removed": "gone"}


def note_of(plan: Plan) -> dict[str, str]:
    """What the journal notes of a run's campaign."""
    campaign = plan.campaign
    noted = {"text": campaign.text, "pictures": pictures_of(plan), "sha256": campaign.sha256}
    if campaign.rows is not None:
        noted["products"] = campaign.rows
    return {LAST_CAMPAIGN: canonical_json(noted)}


def pictures_of(plan: Plan) -> dict[str, str]:
    """The digests of a campaign's reference images by their path from its file."""
    folder = plan.campaign.path.parent.absolute()
    return {Path(os.path.relpath(path, folder)).as_posix(): digest for path, digest in plan.digests.items()}


def last_campaign(ledger: Ledger, path: Path) -> Campaign | None:
    """The campaign of the last run, as its file (at `path` now) was then.

    None where the journal does not hold it, or it cannot be understood any more.
    """
    last = noted_campaign(ledger)
    return None if last is None else as_it_ran(last, path)


def as_it_ran(last: LastCampaign, path: Path) -> Campaign | None:
    """A campaign as its file (at `path` now) was then; None where it cannot be understood any more.

    Ids that were sent, or that are none today, were made by an earlier version.
    """
    read = partial(recall, path, last.content, last.pictures, last.sha256, rows=last.rows)
    campaign = read()
    if campaign is not None and not (any(campaign.source.respelt.values()) and sends_ids(campaign)):
        return campaign
    return read(derive=derived_before) or campaign


def since_last_run(ledger: Ledger, status: PlanStatus) -> Changes | None:
    """What changed since the campaign last ran; None if nothing did, or no one knows.

    `status` is the whole plan of now.
    """
    last, campaign = noted_campaign(ledger), status.plan.campaign
    now = campaign.text.encode(), pictures_of(status.plan), campaign.rows
    if last is None or (last.content, last.pictures, last.rows) == now:
        return None
    old = last_campaign(ledger, campaign.path)
    return None if old is None else compare(Plan(old, ledger.custom_model), status, ledger.states, kept=ledger.kept())


def between(old: Campaign, new: Campaign) -> tuple[Changes, PlanStatus]:
    """What it would mean to run `new` after all of `old` was made; and the plan of `new` as it was then."""
    before, after = Plan(old, _stand_in(old)), Plan(new, _stand_in(new))
    made = set(before.keys())

    def states(keys: Sequence[str]) -> dict[str, State]:
        return {key: State.STORED for key in keys if key in made}

    status = PlanStatus(after, states)
    return compare(before, status, states), status


def _stand_in(campaign: Campaign) -> CustomModel | None:
    """A custom model that no one looked up: the same name is the same model."""
    name = campaign.custom_model
    return None if name is None else CustomModel(name, name, version="", etag="", concept="{concept}")


def refuse_large_loss(changes: Changes, file: Path) -> None:
    """Where no one can be asked, an edit of `file` that takes much out of the campaign is a slip. Raises UsageError."""
    stored = changes.left + changes.kept
    raise UsageError(
        f"the campaign changed since the last run: {changes.left:,} of {plural(stored, 'stored image')} would no "
        f"longer be in it{picks_among(changes)}; nothing was sent. If that is meant, run it once with "
        f"--accept changes; `{shlex.join(['campaign-runner', 'plan', str(file.absolute())])}` says what changed"
    )


def picks_among(changes: Changes) -> str:
    """Which picked images are among those that leave, as the end of a sentence."""
    if not changes.picked:
        return ""
    return f", {plural(len(changes.picked), 'picked image')} among them: {joined(changes.picked)}"


def sentences(changes: Changes, rate: RateLimit) -> Iterator[str]:
    """A sentence for each kind of edit; what they amount to in all where there are several."""
    yield from (f"{each.what} {each.before} is called {each.after} now: nothing due" for each in changes.renamed)
    edits = [*_of_rows(changes.edits), *(group for group in changes.edits if group.what != ROW)]
    if len(edits) == 1:
        (group,) = edits
        yield f"{_done(group)}: {'; '.join(_figures(changes, rate, kept=changes.kept))}"
        return
    for group in edits:
        yield f"{_done(group)}: {'; '.join(_figures(group, rate))}"
    if edits:
        yield f"total: {'; '.join(_figures(changes, rate, kept=changes.kept))}"
    elif not changes.renamed:
        yield "the file was edited, but no image changes"


def _of_rows(groups: Sequence[Group]) -> Iterator[Group]:
    """`3 rows new, 1 changed`: what was done to the rows of a sheet, as one edit."""
    found = [group for group in groups if group.what == ROW]
    said = [f"{len(group.names):,} {_OF_ROWS[group.how]}" for group in sorted(found, key=lambda each: each.how)]
    if found:
        first, *rest = said
        number, _, done = first.partition(" ")
        what = ", ".join([f"{number} row{'' if number == '1' else 's'} {done}", *rest])
        due, requests, left = (sum(getattr(group, name) for group in found) for name in ("due", "requests", "left"))
        yield Group(what, "", (), due, requests, left)


def _done(group: Group) -> str:
    """`prompt hero changed`, `products candle, soap added`."""
    many = "s" if len(group.names) > 1 else ""
    return " ".join(part for part in (f"{group.what}{many}", joined(group.names), group.how) if part)


def _figures(found: Changes | Group, rate: RateLimit, *, kept: int | None = None) -> Iterator[str]:
    time = duration(minutes(found.requests, rate.seconds(found.requests)))
    yield (
        f"{plural(found.due, 'image')} due, {plural(found.requests, 'request')}, {time}" if found.due else "nothing due"
    )
    if kept is not None:
        yield f"{kept:,} unchanged"
    if found.left:
        yield f"{found.left:,} no longer in the campaign (files stay)"
