"""What more images in a campaign file cost, in one line; and the file written, if a person agrees."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import click

from campaign_runner.authoring.draft import Retake
from campaign_runner.campaign_file.check.counts import MOST_CELLS
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.cli import console
from campaign_runner.cli.environment import Environment
from campaign_runner.journal.ledger import Ledger
from campaign_runner.output_folder.folder import Folder
from campaign_runner.plan.cost import Estimate, estimate
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.selection import Selection
from campaign_runner.report import next_commands
from campaign_runner.report.next_commands import display_path
from campaign_runner.text import plural


def within_budget(drafted: Callable[..., Retake], campaign: Campaign, ledger: Ledger, *, asks: bool) -> Retake:
    """What `drafted` makes, with a larger budget where that is needed and a person agrees; otherwise that is said."""
    needed = _needed(drafted, campaign, ledger)
    new = drafted(budget=needed) if needed is not None and asks and _may_raise(campaign, needed) else drafted()
    if needed is not None and new.plan.campaign.budget != needed:
        place = f"{display_path(campaign.path)}:{campaign.line(('budget',))}"
        click.echo(f"`run` will refuse: raise the budget from {campaign.budget:,} to {needed:,} at {place}")
    return new


def _needed(drafted: Callable[..., Retake], campaign: Campaign, ledger: Ledger) -> int | None:
    """The budget that the next run needs, for the new images and all that are due; None where it is enough, or there
    is none.
    """
    if campaign.budget is None:
        return None
    new = drafted(budget=campaign.budget + MOST_CELLS)
    needed = max(new.plan.cells, ledger.requests().bought + PlanStatus(new.plan, ledger.states).due)
    return needed if needed > campaign.budget else None


def _may_raise(campaign: Campaign, needed: int) -> bool:
    question = f"The budget is {campaign.budget:,} images, the next run needs {needed:,}. Raise it?"
    return click.confirm(question, default=False)


def price_of(new: Retake, campaign: Campaign, ledger: Ledger) -> Estimate:
    """What the new images of a changed file cost."""
    status = PlanStatus(new.plan, ledger.states, Selection({"key": frozenset(new.added)}))
    own = Environment.of_process().rate().lowered(campaign.quota.per_minute, campaign.quota.per_day)
    return estimate(status, own, bought=ledger.requests().bought, now=datetime.now().astimezone())


def cost_line(figures: Estimate) -> str:
    """`adds 4 images: 4 images to buy in 1 request, 1 min; budget left 28`."""
    adds = f"adds {plural(figures.variations, 'image')}"
    if not figures.images_to_buy:
        return f"{adds}, which {'is' if figures.variations == 1 else 'are'} there already: nothing to buy"
    buys = f"{plural(figures.images_to_buy, 'image')} to buy in {plural(figures.requests, 'request')}"
    left = "" if figures.budget_left is None else f"; budget left {figures.budget_left:,}"
    return f"{adds}: {buys}, {figures.time}{left}"


def write(new: Retake, folder: Folder, *, yes: bool) -> None:
    """Write the changed file, after a question if there is someone to ask, and say how to generate its images."""
    if not yes and console.is_terminal():
        console.agree("Write it?")
    new.write()
    keys = ",".join(key[:8] for key in new.added)
    click.echo(f"written; next: {next_commands.run(new.path, folder, '--only', f'key={keys}')}")
