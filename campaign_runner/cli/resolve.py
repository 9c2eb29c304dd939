"""`campaign-runner resolve`"""

from __future__ import annotations

import asyncio
import importlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.cli import console, options
from campaign_runner.cli.console import is_terminal
from campaign_runner.cli.help import TwoPages, ending, rarely
from campaign_runner.cli.memory import memory_of
from campaign_runner.cli.target import ON_FLEET, find
from campaign_runner.errors import UsageError
from campaign_runner.journal.ledger import Entry
from campaign_runner.maintenance.resolve import Decision, apply, meant
from campaign_runner.model import State
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.opened import open_for_update
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.plan.selection import Selection
from campaign_runner.report import next_commands
from campaign_runner.report.advice import Advice
from campaign_runner.report.blocks import Why, blocks_among
from campaign_runner.report.next_commands import called, display_path
from campaign_runner.reuse.offers import ReuseQuery
from campaign_runner.session.preview import preview
from campaign_runner.text import plural, printable

_YOUNG = timedelta(hours=1)


@click.command(cls=TwoPages, epilog=ending("resolve spring --resubmit", 5, 9, 11))
@click.argument("name", metavar="NAME")
@click.option("--resubmit", is_flag=True, help="Request images in doubt again; you may pay for them twice.")
@click.option("--retry-failed", is_flag=True, help="Request failed images again.")
@click.option("--abandon", is_flag=True, help="Give up images that failed or are in doubt; asks first.")
@click.option("--restore", is_flag=True, help="Take --abandon back: each image is failed or in doubt, as before.")
@click.option("--yes", is_flag=True, help="Skip the confirmation.")
@rarely(
    "--now", "is_now", is_flag=True, help="With --on fleet: --resubmit also what is in doubt for less than an hour."
)
@rarely("--release", "is_released", is_flag=True, help="With --on fleet: it may buy again after a restore.")
@options.only
@options.output
@options.on
@options.in_sandbox
def command(
    name: str,
    resubmit: bool,
    retry_failed: bool,
    abandon: bool,
    restore: bool,
    yes: bool,
    is_now: bool,
    is_released: bool,
    only: tuple[str, ...],
    output: Path | None,
    on: str | None,
    is_sandbox: bool,
) -> None:
    """Decide what to do about failed or uncertain images.

    Sends nothing itself: the next run does what you decide. Without an option it lists these images and any picture
    that Adobe delivered instead (in images/unexpected/): you paid for it, and it may be what you want; and below each
    cause the commands to decide with.
    """
    if (is_now or is_released) and on is None:
        raise UsageError("--now and --release go with --on fleet")
    if is_released:
        importlib.import_module(ON_FLEET).release(name)
        click.echo("the next run buys again what its record does not have")
        return
    target = find(name, output=output, is_sandbox=is_sandbox, on=on)
    flags = (resubmit, retry_failed, abandon, restore)
    chosen = [decision for decision, is_set in zip(Decision, flags, strict=True) if is_set]
    if len(chosen) > 1:
        raise UsageError("one decision at a time: --resubmit, --retry-failed, --abandon or --restore")
    with target.folder.ledger() as ledger:
        known = target.recalled(ledger)
    selected = options.recorded(only, known.campaign)
    if known.note is not None:
        click.echo(printable(known.note), err=True)
    if not chosen:
        _list(target.folder, known.campaign, selected)
        return
    if chosen[0] is Decision.ABANDON and not yes:
        _agree(target.folder, known.campaign, selected)
    if on is not None and chosen[0] is Decision.RESUBMIT and not is_now:
        _refuse_young(target.folder, known.campaign, selected)
    opening = open_for_update(target.folder, known.campaign, memory_of(target.folder))
    moved = asyncio.run(apply(chosen[0], opening, selected))
    what = f"is {' or '.join(_called(state) for state in chosen[0].states)}"
    none = "nothing that --only selects" if only else "nothing"
    click.echo(f"{plural(moved, 'image')} {chosen[0].past}" if moved else f"{none} {what}: nothing was changed")
    if moved and chosen[0].into is State.PENDING and known.wrong is None:
        _name_next_run(target.folder, known.campaign)


def _name_next_run(folder: Folder, campaign: Campaign) -> None:
    """How to go on, and the budget that this needs where the campaign's has no room for it; a sandbox needs none."""
    with folder.ledger() as ledger:
        status = PlanStatus(Plan(campaign, ledger.custom_model), ledger.states)
        origin, used = ledger.origin, ledger.requests().bought
        query = ReuseQuery(folder.path, origin, ledger.custom_model) if origin is not None else None
        due = preview(status, ledger, query).status.due
    if campaign.budget is not None and not folder.is_sandbox and used + due > campaign.budget:
        left, place = max(campaign.budget - used, 0), f"{display_path(campaign.path)}:{campaign.line(('budget',))}"
        told = (
            f"`run` will refuse: it would buy {plural(due, 'image')}, but the budget has room for {left:,} "
            f"({used:,} of {campaign.budget:,} are used); "
            f"raise `budget` in {place} from {campaign.budget} to {used + due}"
        )
        click.echo(printable(told))
    click.echo(f"next: {next_commands.run(campaign.path, folder)}")


def _refuse_young(folder: Folder, campaign: Campaign, only: Selection) -> None:
    """Another machine may still tell how a request ended that is in doubt for less than an hour. Raises UsageError."""
    since = (datetime.now(UTC) - _YOUNG).isoformat()
    with folder.ledger() as ledger:
        doubts = meant(ledger, Plan(campaign, ledger.custom_model), Decision.RESUBMIT.states, only)
        young = sum((entry.submitted_at or "") > since for entry in doubts)
    if young:
        raise UsageError(
            f"{plural(young, 'image')} in doubt {'was' if young == 1 else 'were'} requested less than an hour ago: the "
            "machine that did may still report the answer. Wait, or add --now; nothing was changed"
        )


def _agree(folder: Folder, campaign: Campaign, only: Selection) -> None:
    """Ask whether to give them up; there is nothing to ask where there are none. Raises UsageError without a person."""
    with folder.ledger() as ledger:
        found = meant(ledger, Plan(campaign, ledger.custom_model), Decision.ABANDON.states, only)
        numbers = Counter(entry.state for entry in found)
    if not numbers:
        return
    which = " and ".join(
        f"{plural(number, 'image')} that {_are(number)} {_called(state)}" for state, number in numbers.items()
    )
    paid = "; Adobe may have charged for those in doubt" if State.IN_DOUBT in numbers else ""
    if not is_terminal():
        raise UsageError(f"nothing was changed: to give up {which}{paid}, add --yes")
    console.agree(f"Give up {which}{paid}? `resolve --restore` takes it back")


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _called(state: State) -> str:
    return "given up" if state == State.ABANDONED else state.replace("_", " ")


def _list(folder: Folder, campaign: Campaign, only: Selection) -> None:
    """The images by their causes, and below those of each what may be decided about them."""
    with folder.ledger() as ledger:
        entries = list(meant(ledger, Plan(campaign, ledger.custom_model), (State.IN_DOUBT, State.FAILED), only))
        unexpected, answers = ledger.unexpected(), ledger.unread_answers()
        blocks = blocks_among(entries, unexpected, is_whole=True).blocks
        advice = Advice(campaign, ledger, called(folder, memory_of(folder)), names_keys=True)
        decisions = {why: list(advice.about(block)) for why, block in blocks.items()}
    causes: dict[Why, list[Entry]] = {}
    for entry in entries:
        causes.setdefault(Why.of(entry, unexpected.get(entry.job_id or "", ())), []).append(entry)
    shown = ""
    for why, images in sorted(causes.items(), key=lambda cause: cause[0].state != State.IN_DOUBT):
        console.say(printable(f"{len(images):,} {why.called}: {why.reason.message}"))
        for entry in images:
            console.say(printable(f"  {entry.key[:8]} {entry.cell}, seed {entry.seed}"))
            for file in unexpected.get(entry.job_id or "", ()):
                path = display_path(folder.store.where(file))
                console.say(printable(f"{'':11}look first at {path}: Adobe delivered this instead, you paid for it"))
            if (answer := answers.get(entry.key, "")) not in ("", shown):  # once a request, not once an image
                console.say(printable(f"{'':11}Adobe's answer began: {answer}"))
                shown = answer
        for line in decisions[why]:
            console.say(printable(f"  {line}"))
    if not entries:
        click.echo("nothing is in doubt and nothing failed")
