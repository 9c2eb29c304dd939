"""How a run ended, and which exit status says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from campaign_runner.errors import CampaignError
from campaign_runner.model import State

OK, BUG, USAGE, FAILED, DOUBT, INTEGRITY, MACHINE, ACCOUNT, LATER, ASKED = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
BUSY, SIGNALLED = 11, (129, 130, 143)
_WORST_FIRST = (BUG, INTEGRITY, MACHINE, ACCOUNT, USAGE, BUSY, DOUBT, LATER, ASKED, FAILED)
_WORST_OF_SEVERAL = (BUG, INTEGRITY, MACHINE, ACCOUNT, USAGE, DOUBT, *SIGNALLED, LATER, ASKED, FAILED, BUSY, OK)


@dataclass(slots=True)
class Ending:
    """What stopped a run, if anything did.

    `errors` in the order they came (a bug is any that is not a CampaignError); `later` says why the run cannot go on
    now, `asked` which limit of the caller was reached, `signal` is the number of the signal that ended it; `left` is
    what it did not begin. `doubts_beside` are images that are due, and in doubt in another campaign, which only a
    person ends. `goes_on`: something is left that a later run finishes without one.
    """

    errors: list[BaseException] = field(default_factory=list)
    later: str | None = None
    asked: str | None = None
    signal: int | None = None
    left: list[str] = field(default_factory=list)
    doubts_beside: int = 0
    goes_on: bool = True

    def raise_bug(self) -> None:
        """Raise the first bug, if there was one: at the very end, once everything else is in order."""
        for error in self.errors:
            if not isinstance(error, CampaignError):
                raise error


def exit_code(ending: Ending, counts: Mapping[State, int], *, doubts_elsewhere: int = 0) -> int:
    """The exit status: the worst of what holds for the selected variations and this run.

    `counts` are those of the selected variations; `doubts_elsewhere` are doubts that left the campaign.
    """
    codes = {error.exit_code if isinstance(error, CampaignError) else BUG for error in ending.errors}
    if counts[State.IN_DOUBT] or doubts_elsewhere:
        codes.add(DOUBT)
    if counts[State.ACCEPTED] or (counts[State.PENDING] and (ending.later or not ending.asked)):
        codes.add(LATER)
    if ending.asked and counts[State.PENDING]:
        codes.add(ASKED)
    if counts[State.FAILED]:
        codes.add(FAILED)
    if ending.signal is not None and not codes & {BUG, USAGE, INTEGRITY, MACHINE, ACCOUNT, DOUBT}:
        return 128 + ending.signal
    return next((code for code in _WORST_FIRST if code in codes), OK)


def goes_on(ending: Ending, counts: Mapping[State, int]) -> bool:
    """Whether a later run has something to do for the selected variations before a person decides anything."""
    return counts[State.ACCEPTED] > 0 or counts[State.PENDING] > ending.doubts_beside


def worst(codes: Sequence[int]) -> int:
    """The exit status of several campaigns: what needs a person, then a signal, then what a later run settles."""
    return min(codes, key=_WORST_OF_SEVERAL.index)
