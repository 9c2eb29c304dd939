"""How a campaign stands once a run has ended, in figures: what is told to someone who was not there.

A night is what happened from noon to noon, local time: the runs of a night are told of together, so that a second start
in the morning hides nothing of what the first one bought.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from campaign_runner.journal.last_run import last_run
from campaign_runner.journal.ledger import Ledger
from campaign_runner.model import Bought, State
from campaign_runner.report.blocks import blocks_of
from campaign_runner.text import clock, plural

NOTHING = Bought(0, 0)


def purchase(bought: Bought, night: Bought | None = None, since: str = "noon") -> str:
    """`bought 8 images in 2 requests`, and what all runs of the night bought, where that is more."""
    this = f"bought {_amount(bought)}"
    return this if night is None or night == bought else f"{this}; {_all_runs(night, since)}"


def _all_runs(night: Bought, since: str) -> str:
    return f"since {since}, all runs bought {_amount(night)}"


def _amount(bought: Bought) -> str:
    if not bought.images:
        return "nothing"
    return f"{plural(bought.images, 'image')} in {plural(bought.requests, 'request')}"


@dataclass(frozen=True, slots=True)
class Night:
    """What a campaign `bought` since `began`, the noon before its last run."""

    began: datetime
    bought: Bought

    def told(self, run: Bought | None, now: datetime) -> str:
        """What the run bought, and all of the night where that is more; `run` is None where its share is not known."""
        since = clock(self.began, now)
        if run is not None:
            return purchase(run, self.bought, since)
        return _all_runs(self.bought, since) if self.bought.images else ""


def night_of(moment: datetime) -> date:
    """The night of an aware local time, by the day on which it began."""
    return (moment - timedelta(hours=12)).date()


def last_night(ledger: Ledger) -> Night | None:
    """The night of the last run; None where only earlier versions ran, which noted none. Raises IntegrityError."""
    run = last_run(ledger)
    if run is None:
        return None
    noon = datetime.combine(night_of(run.began.astimezone()), time(12)).astimezone()
    return Night(noon, ledger.bought_since(noon))


@dataclass(frozen=True, slots=True)
class Standing:
    """The `counts` are those of the manifest; `open` is how many images are in doubt or failed, by state and code.

    `oldest_waiting` is when the oldest image that is still to be downloaded was accepted, None where none waits.
    `bought` is what the run bought, `night` the whole night so far.
    """

    counts: Mapping[str, int]
    open: Mapping[tuple[State, str], int]
    oldest_waiting: datetime | None
    bought: Bought = NOTHING
    night: Bought | None = None


def standing_of(counts: Mapping[str, int], ledger: Ledger, bought: Bought = NOTHING) -> Standing:
    """What the record says; failures that left the campaign are not open, doubts always are."""
    found: Counter[tuple[State, str]] = Counter()
    for state in (State.IN_DOUBT, *([State.FAILED] if counts[State.FAILED] else [])):
        for why, block in blocks_of(ledger, state, is_whole=False).blocks.items():
            found[state, why.reason.code] += block.images
    night = last_night(ledger)
    return Standing(counts, found, ledger.oldest_waiting(), bought, night.bought if night is not None else None)
