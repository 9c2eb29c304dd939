"""`campaign-runner review`"""

from __future__ import annotations

from pathlib import Path

import click

from campaign_runner.cli import options
from campaign_runner.cli.help import ending
from campaign_runner.cli.target import Target, find
from campaign_runner.plan.plan import Plan
from campaign_runner.review.page.page_data import PageSources
from campaign_runner.review.page.page_file import write_page


@click.command(epilog=ending("review spring --page", 5))
@click.argument("name", metavar="NAME")
@click.option("--page", "is_page", is_flag=True, required=True, help="Write the page into the output folder.")
@options.output
@options.in_sandbox
def command(name: str, is_page: bool, output: Path | None, is_sandbox: bool) -> None:
    """Compare the images of a campaign and choose the best of each row.

    The page `review.html` opens with a double click, also from a share. Choose with the keys P and X, save your marks
    as a file and put it into the folder `decisions` beside the page: then they count.
    """
    click.echo(written(find(name, output=output, is_sandbox=is_sandbox)))


def written(target: Target) -> Path:
    """Write the page of a campaign; the answer is where it is."""
    is_running = target.folder.is_held()
    with target.folder.ledger(is_running=is_running) as ledger:
        plan = Plan(target.recalled(ledger).campaign, ledger.custom_model)
        return write_page(PageSources(target.folder, plan, ledger, is_running=is_running))
