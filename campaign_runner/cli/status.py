"""`campaign-runner status`"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from campaign_runner.cli import options
from campaign_runner.cli.help import ending
from campaign_runner.cli.target import Target, find
from campaign_runner.journal.ledger import Ledger
from campaign_runner.model import State
from campaign_runner.output_folder.manifest_writer import Sources, counts_of, head
from campaign_runner.plan.plan import Plan
from campaign_runner.report.summary import KEPT_AT_SERVICE, Summary, report
from campaign_runner.run.ending import Ending, exit_code
from campaign_runner.text import printable


@click.command(epilog=ending("status spring", 5))
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@options.output
@options.in_sandbox
@click.option("--all", "is_whole", is_flag=True, help="List every image that needs attention.")
@options.as_json
def command(names: tuple[str, ...], output: Path | None, is_sandbox: bool, is_whole: bool, as_json: bool) -> None:
    """Show progress, even during a run.

    Works offline: everything comes from the campaign's record.
    """
    for name in names:
        target = find(name, output=output, is_sandbox=is_sandbox)
        is_running = target.folder.is_held()
        with target.folder.ledger(is_running=is_running) as ledger:
            known = target.recalled(ledger)
            plan = Plan(known.campaign, ledger.custom_model)
            if known.note is not None:
                click.echo(printable(known.note), err=as_json)
            if as_json:
                click.echo(json.dumps(_figures(plan, ledger, is_running=is_running), ensure_ascii=False))
            else:
                _show(target, plan, ledger, is_running=is_running, is_whole=is_whole)


def _figures(plan: Plan, ledger: Ledger, *, is_running: bool) -> dict[str, Any]:
    figures = head(Sources(plan, ledger, datetime.now(UTC)))
    return figures | {"running": is_running, "fetch_before": _fetch_before(ledger)}


def _fetch_before(ledger: Ledger) -> str | None:
    """Until when the service is expected to keep what is paid for and not fetched yet (UTC, ISO 8601)."""
    oldest = ledger.oldest_waiting()
    return None if oldest is None else (oldest + KEPT_AT_SERVICE).isoformat()


def _show(target: Target, plan: Plan, ledger: Ledger, *, is_running: bool, is_whole: bool) -> None:
    counts = counts_of(plan, ledger)
    if is_running:
        click.echo("a run is in progress in this folder")
    summary = Summary(
        campaign=plan.campaign,
        folder=target.folder,
        counts={"planned": sum(counts.values())} | counts,
        requests=ledger.requests(),
        look=target.folder.sheet if target.folder.sheet.exists() else None,
        exit=exit_code(Ending(), counts, doubts_elsewhere=ledger.counts()[State.IN_DOUBT] - counts[State.IN_DOUBT]),
        is_whole=is_whole,
    )
    for line in report(summary, ledger):
        click.echo(line)
