"""What a run asks a person, where there is one. Without a terminal the crontab line is the consent."""

from __future__ import annotations

from dataclasses import dataclass

import click

from campaign_runner.authoring.compare import Changes
from campaign_runner.authoring.since_last_run import picks_among
from campaign_runner.cli.console import is_terminal
from campaign_runner.cli.signals import answered
from campaign_runner.plan.cost import Estimate
from campaign_runner.reuse.offers import ReuseOffers
from campaign_runner.text import joined, plural


@dataclass(frozen=True, slots=True)
class Asking:
    """The questions of one run: none with `yes`, and none in the sandbox, where nothing is at stake.

    `who` names the campaign where there are several: `spring: `.
    """

    yes: bool
    is_sandbox: bool
    accept_changes: bool
    who: str = ""

    def buy(self, figures: Estimate) -> bool:
        """Before the first money."""
        if not self._is_asked():
            return True
        this = f"{self.who}this" if self.who else "This"
        return confirmed(f"{this} buys {figures.purchase}. Buy?", default=False)

    def use(self, found: ReuseOffers) -> bool:
        """Whether images of other campaigns are used instead of buying the same again."""
        if not self._is_asked():
            return True
        whose = joined([f"campaign {offer.campaign}" for offer in found.offers])
        exist = "exists" if len(found) == 1 else "exist"
        return confirmed(
            f"{self.who}{len(found):,} of {plural(found.due, 'image')} {exist} in {whose}; use them?", default=True
        )

    def leave(self, changes: Changes) -> bool:
        """Whether an edit may take much of what is stored out of the campaign; without a terminal it may not."""
        if self.accept_changes or self.is_sandbox or (self.yes and is_terminal()):
            return True
        if not is_terminal():
            return False
        stored = plural(changes.left + changes.kept, "stored image")
        gone = f"{self.who}{changes.left:,} of {stored} would no longer be in the campaign"
        gone += picks_among(changes)
        return confirmed(f"{gone}. Continue?", default=False)

    def _is_asked(self) -> bool:
        return is_terminal() and not self.yes and not self.is_sandbox


def confirmed(question: str, *, default: bool) -> bool:
    """The answer to a question, within `heeding_signals`; a signal, or the end of what is typed, is a no."""
    try:
        return answered(lambda: click.confirm(question, default=default))
    except click.Abort:
        return False
