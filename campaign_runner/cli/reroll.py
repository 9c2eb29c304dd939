"""`campaign-runner reroll`"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from campaign_runner.authoring.draft import Retake
from campaign_runner.authoring.reroll import reroll
from campaign_runner.campaign_file.loader import load
from campaign_runner.cli import console, options
from campaign_runner.cli.decided import Decided, decided, narrowed, parted
from campaign_runner.cli.help import ending
from campaign_runner.cli.memory import memory_of
from campaign_runner.cli.price import cost_line, price_of, within_budget, write
from campaign_runner.cli.target import find
from campaign_runner.report import next_commands
from campaign_runner.report.next_commands import display_path
from campaign_runner.review.rules import RowState
from campaign_runner.review.second_chances import Complaint, SecondChances, second_chances
from campaign_runner.text import joined, plural, printable

_LEFT = {
    RowState.WAITING: "waiting for images",
    RowState.EMPTY: "without images",
    RowState.CONFLICT: "in conflict",
    RowState.OPEN: "open (--open takes them, too)",
}


@click.command(epilog=ending("reroll spring", 5, 9))
@click.argument("name", metavar="NAME")
@click.option("--open", "takes_open", is_flag=True, help="Take rows that are still open, too.")
@click.option("--yes", is_flag=True, help="Skip the confirmation.")
@options.only
@options.output
@options.in_sandbox
def command(
    name: str, takes_open: bool, yes: bool, only: tuple[str, ...], output: Path | None, is_sandbox: bool
) -> None:
    """Add new seeds for every row whose images were all rejected, and show their cost.

    Adds one `include` entry for each such row to the campaign file and changes nothing else in it. Rows that were
    rejected for their product, brand or a legal reason need other words: their `retake` command is printed. Nothing is
    sent; the next run generates the images.
    """
    with decided(find(name, output=output, is_sandbox=is_sandbox)) as known:
        known.decisions.refuse_unreadable()
        axes, wanted = parted(only)
        meant = narrowed(known.decisions, options.recorded(axes, known.campaign), wanted)
        cells = {row.cell for row in meant.rows}
        chances = second_chances(known.decisions.within(cells), known.plan, takes_open=takes_open)
        _tell(chances, next_commands.called(known.target.folder, memory_of(known.target.folder)))
        if not chances.again:
            click.echo("no row to reroll")
            return
        new = _added(known, chances, asks=not yes and console.is_terminal())
    write(new, known.target.folder, yes=yes)


def _added(known: Decided, chances: SecondChances, *, asks: bool) -> Retake:
    """The new text of the campaign's file, shown with what it costs."""
    file = known.target.folder.campaign_file(known.ledger)
    if file is None:
        raise known.target.folder.without_file(known.ledger)
    campaign = load(Path(display_path(file)))
    bought = frozenset(known.ledger.keys())
    drafted = partial(reroll, campaign, chances.again, model=known.ledger.custom_model, bought=bought)
    new = within_budget(drafted, campaign, known.ledger, asks=asks)
    for line in new.diff():
        click.echo(line)
    click.echo(f"\n{plural(len(chances.again), 'row')}; {cost_line(price_of(new, new.plan.campaign, known.ledger))}")
    return new


def _tell(chances: SecondChances, name: str) -> None:
    """What is not rerolled, and what to do about it; `name` is what commands call the campaign."""
    for complaint in chances.complaints:
        click.echo(_line(complaint))
        click.echo(f"  {next_commands.retake(complaint.image.shot.key, name, '--text', '…')}")
    left = [f"{chances.left[state]:,} {words}" for state, words in _LEFT.items() if state in chances.left]
    if left:
        click.echo(f"left out: {joined(left)}")


def _line(complaint: Complaint) -> str:
    note = f": {complaint.note}" if complaint.note else ""
    return printable(f"{complaint.cell} needs other words ({complaint.reason}){note}")
