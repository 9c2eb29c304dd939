"""`campaign-runner plan`"""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from campaign_runner.cli import options
from campaign_runner.cli.environment import Environment
from campaign_runner.cli.target import find
from campaign_runner.plan.cost import Rate, estimate
from campaign_runner.plan.listing import listing, overview
from campaign_runner.plan.plan import Plan
from campaign_runner.plan.stock import Stock


@click.command()
@click.argument("name", metavar="FILE")
@options.only
@options.output
@options.in_sandbox
@click.option("--list", "is_list", is_flag=True, help="One line a variation.")
@options.as_json
def command(
    name: str, only: tuple[str, ...], output: Path | None, is_sandbox: bool, is_list: bool, as_json: bool
) -> None:
    """Show what a campaign would make, buy and take.

    Nobody is asked and nothing is sent: what is there already comes from the journal.
    """
    target = find(name, output=output, is_sandbox=is_sandbox)
    campaign = target.campaign()
    environment = Environment.of_process()
    with target.folder.ledger() if target.folder.has_journal else nullcontext() as ledger:
        plan = Plan(campaign, ledger.custom_model if ledger else None)
        stock = Stock(plan, ledger.states if ledger else None, options.selection(only, campaign))
        if is_list:
            for line in listing(stock):
                click.echo(line)
            return
        rate = Rate(environment.per_minute(None), environment.per_day(None)).lowered(
            campaign.quota.per_minute, campaign.quota.per_day
        )
        bought = ledger.requests().bought if ledger else 0
        figures = estimate(stock, rate, bought=bought, now=datetime.now().astimezone())
    if as_json:
        click.echo(json.dumps(asdict(figures)))
        return
    for line in overview(stock, figures, rate):
        click.echo(line)
