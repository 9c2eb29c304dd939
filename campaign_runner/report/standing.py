"""How a campaign stands once a run has ended, in figures: what is told to someone who was not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from campaign_runner.journal.ledger import Ledger
from campaign_runner.model import Bought, State
from campaign_runner.report.blocks import blocks_of
from campaign_runner.text import plural

NOTHING = Bought(0, 0)


def purchase(bought: Bought) -> str:
    """`bought 8 images in 2 requests`."""
    if not bought.images:
        return "bought nothing"
    return f"bought {plural(bought.images, 'image')} in {plural(bought.requests, 'request')}"


@dataclass(frozen=True, slots=True)
class Standing:
    """The `counts` are those of the manifest; `open` is how many images are in doubt or failed, by state and code.

    `oldest_waiting` is when the oldest image that is still to be downloaded was accepted, None where none waits.
    `bought` is what the run bought.
    """

    counts: Mapping[str, int]
    open: Mapping[tuple[State, str], int]
    oldest_waiting: datetime | None
    bought: Bought = NOTHING


def standing_of(counts: Mapping[str, int], ledger: Ledger, bought: Bought = NOTHING) -> Standing:
    """What the record says; failures that left the campaign are not open, doubts always are."""
    found: Counter[tuple[State, str]] = Counter()
    for state in (State.IN_DOUBT, *([State.FAILED] if counts[State.FAILED] else [])):
        for why, block in blocks_of(ledger, state, is_whole=False).blocks.items():
            found[state, why.reason.code] += block.images
    return Standing(counts, found, ledger.oldest_waiting(), bought)
