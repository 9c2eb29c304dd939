"""`campaign-runner plan`"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from campaign_runner.authoring.since_last_run import between, sentences
from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.cli import options
from campaign_runner.cli.environment import Environment
from campaign_runner.cli.help import ending
from campaign_runner.cli.memory import memory_of
from campaign_runner.cli.target import Target, find
from campaign_runner.errors import CampaignFileError, UsageError
from campaign_runner.journal.ledger import Ledger
from campaign_runner.output_folder.folder import SANDBOX
from campaign_runner.output_folder.ownership import refuse_lost_record
from campaign_runner.plan.cost import RateLimit, estimate
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.overview import listing, overview
from campaign_runner.plan.plan import Plan
from campaign_runner.reuse.offers import ReuseQuery, known_model
from campaign_runner.session.preview import preview


@click.command(epilog=ending("plan campaigns/spring.yaml", 5))
@click.argument("names", nargs=-1, required=True, metavar="FILE")
@options.only
@options.output
@options.in_sandbox
@click.option("--list", "is_list", is_flag=True, help="List every image, one per line.")
@click.option("--diff", "is_diff", is_flag=True, help="Compare OLD.yaml with NEW.yaml: what the edit would cost.")
@options.as_json
def command(
    names: tuple[str, ...],
    only: tuple[str, ...],
    output: Path | None,
    is_sandbox: bool,
    is_list: bool,
    is_diff: bool,
    as_json: bool,
) -> None:
    """Preview a campaign: images, cost and time.

    Works offline: nothing is sent to Adobe.
    """
    if len(names) != 1 + is_diff:
        raise UsageError("plan takes one campaign; plan --diff takes two files, OLD.yaml NEW.yaml")
    if is_diff:
        (old, _), (new, over) = (_with_any_budget(name, output, is_sandbox=is_sandbox) for name in names)
        _show_diff(old, new, as_json=as_json)
        if over is not None:
            raise over
        return
    (target,) = [find(name, output=output, is_sandbox=is_sandbox) for name in names]
    show(target, only, is_sandbox=is_sandbox, form="list" if is_list else "json" if as_json else "text")


def show(target: Target, only: Sequence[str] = (), *, is_sandbox: bool, form: str = "text") -> None:
    """Print the plan of a campaign, as `text`, `list` or `json`."""
    campaign, folder = target.campaign(), target.folder
    rate = _rate(campaign)
    asyncio.run(refuse_lost_record(folder, campaign, memory_of(folder)))
    with folder.ledger_if_begun() as ledger:
        origin = _origin(ledger, is_sandbox=is_sandbox)
        model = (ledger and ledger.custom_model) or known_model(campaign, ReuseQuery(folder.path, origin))
        status = PlanStatus(Plan(campaign, model), ledger.states if ledger else None, options.selection(only, campaign))
        seen = preview(status, ledger, ReuseQuery(folder.path, origin, model))
        bought = ledger.requests().bought if ledger else 0
        figures = estimate(status, rate, bought=bought, now=datetime.now().astimezone())
    match form:
        case "list":
            lines = listing(status)
        case "json":
            lines = iter([json.dumps(asdict(figures) | {"changes": seen.changes and asdict(seen.changes)})])
        case _:
            lines = overview(status, figures, rate, seen.notes(rate))
    for line in lines:
        click.echo(line)


def _with_any_budget(name: str, output: Path | None, *, is_sandbox: bool) -> tuple[Campaign, CampaignFileError | None]:
    """A campaign, and what is wrong with it if that is its budget alone: what it costs is told all the same.

    Raises UsageError, CampaignFileError for anything else that is wrong.
    """
    try:
        return find(name, output=output, is_sandbox=is_sandbox).campaign(), None
    except CampaignFileError as wrong:
        if wrong.problems[0].cell is not None:  # of its sheet: what is wrong with the file itself comes first
            raise
        return load(wrong.problems[0].path, heeds_budget=False), wrong


def _show_diff(old: Campaign, new: Campaign, *, as_json: bool) -> None:
    """What it would cost to run the new file after the old one was made."""
    changes, status = between(old, new)
    rate = _rate(new)
    if as_json:
        figures = {"campaign": new.campaign, "variations": len(status.plan)}
        time = {"seconds_at_quota": rate.seconds(changes.requests)}
        click.echo(json.dumps(figures | time | asdict(changes)))
        return
    for sentence in sentences(changes, rate):
        click.echo(sentence)


def _origin(ledger: Ledger | None, *, is_sandbox: bool) -> str:
    """The service that a campaign asks, as its journal calls it."""
    if ledger is not None and (recorded := ledger.origin):
        return recorded
    return SANDBOX if is_sandbox else Environment.of_process().origin


def _rate(campaign: Campaign) -> RateLimit:
    return Environment.of_process().rate().lowered(campaign.quota.per_minute, campaign.quota.per_day)
