"""Which exit status a run has: the first that holds of 1, 5, 6, 7, 2, 11, 4, a signal, 8, 9, 3."""

from __future__ import annotations

import pytest

from campaign_runner.errors import (
    AccountRefused,
    Busy,
    CampaignFileError,
    IntegrityError,
    StoreError,
)
from campaign_runner.model import State
from campaign_runner.run.ending import Ending, exit_code, goes_on

ACCOUNT, DISK, RECORD, BUG = AccountRefused("no"), StoreError("full"), IntegrityError("other"), ZeroDivisionError()

TABLE = [
    # how it ended, what is in which state, the status
    (Ending(), {"stored": 4, "abandoned": 1}, 0),
    (Ending(), {}, 0),
    (Ending(), {"stored": 3, "failed": 1}, 3),
    (Ending(), {"stored": 3, "in_doubt": 1, "failed": 1}, 4),
    (Ending(), {"stored": 3, "accepted": 1}, 8),
    (Ending(), {"stored": 3, "pending": 1}, 8),  # refused for now, and nobody said why
    (Ending(), {"accepted": 1, "failed": 1}, 8),
    (Ending(), {"accepted": 1, "in_doubt": 1}, 4),
    (Ending(later="the day's allowance"), {"pending": 3, "failed": 1}, 8),
    (Ending(asked="--max-images 3"), {"pending": 3, "failed": 1}, 9),
    (Ending(asked="--max-images 3"), {"pending": 3, "accepted": 1}, 8),
    (Ending(asked="--max-images 3"), {"stored": 3}, 0),  # the limit was just enough
    (Ending(asked="--max-images 3", later="the day"), {"pending": 3}, 8),
    (Ending(errors=[ACCOUNT]), {"pending": 3, "in_doubt": 1}, 7),
    (Ending(errors=[ACCOUNT, DISK]), {"pending": 3}, 6),
    (Ending(errors=[DISK, RECORD]), {"accepted": 3}, 5),
    (Ending(errors=[RECORD, CampaignFileError([])]), {"pending": 3}, 5),
    (Ending(errors=[DISK, CampaignFileError([])]), {"pending": 3}, 6),
    (Ending(errors=[ACCOUNT, CampaignFileError([])]), {"pending": 3}, 7),
    (Ending(errors=[CampaignFileError([])]), {"pending": 3, "in_doubt": 1}, 2),
    (Ending(signal=15, errors=[CampaignFileError([])]), {"accepted": 3}, 2),
    (Ending(errors=[RECORD, BUG]), {"accepted": 3}, 1),
    (Ending(errors=[Busy("another goes on with it")]), {"pending": 3, "in_doubt": 1}, 11),  # it settles the doubts
    (Ending(signal=15), {"pending": 3, "failed": 1}, 143),
    (Ending(signal=2, later="x", asked="y"), {"pending": 3}, 130),
    (Ending(signal=2), {"pending": 3, "in_doubt": 1}, 4),
    (Ending(signal=1, errors=[DISK]), {"pending": 3}, 6),
    (Ending(signal=1), {"pending": 3}, 129),
]


@pytest.mark.parametrize(("ending", "counts", "code"), TABLE)
def test_the_worst_that_holds_is_the_exit_status(ending: Ending, counts: dict[str, int], code: int) -> None:
    assert exit_code(ending, dict.fromkeys(State, 0) | {State(word): number for word, number in counts.items()}) == code


def test_a_doubt_that_left_the_campaign_counts_and_a_failure_there_does_not() -> None:
    nothing = dict.fromkeys(State, 0)
    assert exit_code(Ending(), nothing, doubts_elsewhere=2) == 4
    assert exit_code(Ending(), nothing, doubts_elsewhere=0) == 0


def test_a_run_goes_on_where_something_is_left_that_no_person_has_to_decide() -> None:
    nothing = dict.fromkeys(State, 0)
    assert not goes_on(Ending(), nothing | {State.STORED: 3, State.IN_DOUBT: 1})
    assert goes_on(Ending(), nothing | {State.PENDING: 1})
    assert not goes_on(Ending(doubts_beside=2), nothing | {State.PENDING: 2}), "another campaign's doubts"
    assert goes_on(Ending(doubts_beside=2), nothing | {State.PENDING: 3})
    assert goes_on(Ending(doubts_beside=2), nothing | {State.PENDING: 2, State.ACCEPTED: 1})
