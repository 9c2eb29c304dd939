"""`campaign-runner status`"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from campaign_runner.authoring.since_last_run import sentences, since_last_run
from campaign_runner.cli import console, options
from campaign_runner.cli.environment import Environment
from campaign_runner.cli.help import TwoPages, ending
from campaign_runner.cli.memory import memory_of
from campaign_runner.cli.refused import for_each, with_last_line
from campaign_runner.cli.target import Target, find
from campaign_runner.journal.last_run import last_run
from campaign_runner.journal.ledger import Ledger
from campaign_runner.model import State
from campaign_runner.output_folder.folder import DECISIONS, DELIVERY, MADE_AGAIN, Folder
from campaign_runner.output_folder.manifest_writer import Sources, counts_of, head
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.portions import batched
from campaign_runner.report.next_commands import called, typed, verify
from campaign_runner.report.runs import figures_of, told
from campaign_runner.report.standing import last_night
from campaign_runner.report.summary import KEPT_AT_SERVICE, Summary, report
from campaign_runner.run.ending import Ending, exit_code
from campaign_runner.text import plural, printable

if TYPE_CHECKING:
    from campaign_runner.ports import Store
    from campaign_runner.review.decisions import Decisions

_AT_ONCE = 5_000
"""Names of files."""


@click.command(cls=TwoPages, epilog=ending("status spring", 5))
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@options.only
@options.output
@options.on
@options.in_sandbox
@click.option("--all", "is_whole", is_flag=True, help="List every image that needs attention.")
@options.as_json
@with_last_line
def command(
    names: tuple[str, ...],
    only: tuple[str, ...],
    output: Path | None,
    on: str | None,
    is_sandbox: bool,
    is_whole: bool,
    as_json: bool,
) -> int:
    """Show progress, even during a run.

    Works offline: everything comes from the campaign's record. With --only, which also takes decision=picked and the
    like, it counts the images that are meant.
    """

    def tell_one(name: str) -> int:
        target = find(name, output=output, is_sandbox=is_sandbox, on=on)
        if only:
            _count(target, only, as_json=as_json)
        else:
            _tell(target, is_whole=is_whole, as_json=as_json)
        return 0

    return for_each(names, tell_one, as_json=as_json)


def _tell(target: Target, *, is_whole: bool, as_json: bool) -> None:
    is_running = target.folder.is_held()
    with target.folder.ledger(is_running=is_running) as ledger:
        if target.is_rerun:
            _tell_rerun(target.folder, ledger, is_running=is_running, as_json=as_json)
            return
        known = target.recalled(ledger)
        plan = Plan(known.campaign, ledger.custom_model)
        if known.note is not None:
            click.echo(printable(known.note), err=as_json)
        if as_json:
            click.echo(json.dumps(_figures(target.folder, plan, ledger, is_running=is_running), ensure_ascii=False))
        else:
            _show(target, plan, ledger, is_running=is_running, is_whole=is_whole)


def _tell_rerun(folder: Folder, ledger: Ledger, *, is_running: bool, as_json: bool) -> None:
    """How a rerun stands: it was made of a manifest, and has no campaign file."""
    if as_json:
        told: dict[str, Any] = {"campaign": ledger.meta("campaign"), "rerun_of": ledger.meta(MADE_AGAIN)}
        told |= {"counts": ledger.counts(), "running": is_running}
        told |= {"last": figures_of(last_run(ledger), last_night(ledger))}
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    from campaign_runner.rerun.standing import standing

    for line in standing(folder, ledger, datetime.now(UTC), is_running=is_running):
        console.say(line)


def _count(target: Target, only: Sequence[str], *, as_json: bool) -> None:
    """How many of the images that are meant are in each state."""
    from campaign_runner.cli.decided import decided

    with decided(target) as known:
        counts = PlanStatus(known.plan, known.ledger.states, known.selection(only)).counts()
    if as_json:
        click.echo(json.dumps({"campaign": known.campaign.campaign, "counts": counts}))
    else:
        parts = [f"{number:,} {state.replace('_', ' ')}" for state, number in counts.items() if number]
        click.echo(f"{known.campaign.campaign}   {plural(sum(counts.values()), 'image')} of --only: {', '.join(parts)}")


def _figures(folder: Folder, plan: Plan, ledger: Ledger, *, is_running: bool) -> dict[str, Any]:
    figures = head(Sources(plan, ledger, datetime.now(UTC)))
    rows = _rows(decisions) if (decisions := _decisions(folder, plan, ledger)) is not None else None
    figures |= {
        "running": is_running,
        "fetch_before": None if folder.is_sandbox else _fetch_before(ledger),
        "rows": rows,
    }
    return figures | {"last": figures_of(last_run(ledger), last_night(ledger))}


def _decisions(folder: Folder, plan: Plan, ledger: Ledger) -> Decisions | None:
    """What people decided; None where no one has: then nothing is loaded that reads it."""
    if not os.path.lexists(folder.path / DECISIONS):
        return None
    from campaign_runner.review.decisions import decisions_if_any

    return decisions_if_any(folder, plan, ledger)


def _rows(decisions: Decisions) -> dict[str, Any]:
    from campaign_runner.review import listing

    return listing.counts(decisions)


def _fetch_before(ledger: Ledger) -> str | None:
    """Until when the service is expected to keep what is paid for and not fetched yet (UTC, ISO 8601)."""
    oldest = ledger.oldest_waiting()
    return None if oldest is None else (oldest + KEPT_AT_SERVICE).isoformat()


def _show(target: Target, plan: Plan, ledger: Ledger, *, is_running: bool, is_whole: bool) -> None:
    submitted = ledger.counts()  # first: a run may go on meanwhile, and nothing has left that it stores just now
    counts = counts_of(plan, ledger)
    left = {state: submitted[state] - counts[state] for state in State}
    if is_running:
        click.echo("a run is in progress in this folder")
    summary = Summary(
        campaign=plan.campaign,
        folder=target.folder,
        counts={"planned": sum(counts.values())} | counts,
        requests=ledger.requests(),
        look=target.folder.sheet if target.folder.sheet.exists() else None,
        exit=exit_code(Ending(), counts, doubts_elsewhere=left[State.IN_DOUBT]),
        is_whole=is_whole,
        memory=memory_of(target.folder),
    )
    *lines, for_machines = report(summary, ledger)
    for line in lines:
        console.say(line)
    for label, line in (*_gone(target.folder, ledger), *_edited(target, plan, ledger, left[State.STORED])):
        console.say(f"  {label:7} {printable(line)}")
    if ran := told(last_run(ledger), last_night(ledger), datetime.now(UTC), is_running=is_running):
        console.say(f"  last    {ran}")
    if (decisions := _decisions(target.folder, plan, ledger)) is not None:
        _tell_decisions(decisions)
    for note in _deliveries(target.folder, decisions):
        console.say(f"  {printable(note)}")
    console.say(for_machines)


def _tell_decisions(decisions: Decisions) -> None:
    from campaign_runner.cli.decided import tell_remarks
    from campaign_runner.review import listing

    console.say(listing.summary(decisions))
    tell_remarks(decisions)


def _gone(folder: Folder, ledger: Ledger) -> Iterator[tuple[str, str]]:
    """Stored images whose file is not there: a look at each name on this disk, not at what is in it."""
    if not folder.has_images_here:  # another machine would have to be asked about each
        return
    if gone := asyncio.run(_missing(folder.store, ledger.stored_files())):
        them = "it" if gone == 1 else "them"
        yield (
            "gone",
            f"{plural(gone, 'stored image')} without a file; `{verify(folder.path)}` names {them} and the way back",
        )


async def _missing(store: Store, names: Iterable[str]) -> int:
    """How many of `names` have no file."""
    return sum([len(some) - len(await store.present(some)) for some in batched(names, _AT_ONCE)])


def _edited(target: Target, plan: Plan, ledger: Ledger, left: int) -> Iterator[tuple[str, str]]:
    """What the file says otherwise than in its last run, and that `left` stored images are not in it any more."""
    if not plan.knows_keys:
        return
    quota, name = plan.campaign.quota, called(target.folder, memory_of(target.folder))
    rate = Environment.of_process().rate().lowered(quota.per_minute, quota.per_day)
    changes = since_last_run(ledger, PlanStatus(plan, ledger.states))
    for sentence in sentences(changes, rate) if changes else ():
        yield "edited", sentence
    if left > 0:
        yield "kept", f"{plural(left, 'image')} of earlier words or sizes; `{typed('prune', name)}` lists them"
    if changes is not None and any(edit.due and edit.left for edit in changes.edits):
        yield (
            "",
            f"`{typed('keep', name, '--all')}` uses them for the new wording where that is all that changed (free)",
        )


def _deliveries(folder: Folder, decisions: Decisions | None) -> Iterator[str]:
    """What is missing or changed of what was delivered, and what people said of it since."""
    if not os.path.lexists(folder.path / DELIVERY):
        return
    from campaign_runner.deliver.late_marks import late_marks
    from campaign_runner.output_folder.delivered_files import delivered_as, delivery_notes

    yield from delivery_notes(folder.path, reads_all=False)
    if decisions is not None:
        yield from late_marks(decisions, (file for file, _ in delivered_as(folder.path)))
