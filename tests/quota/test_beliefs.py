"""What refusals teach: a smaller allowance, even spacing, or nothing."""

from __future__ import annotations

from itertools import pairwise

import pytest

from campaign_runner.quota.beliefs import (
    FIRST_TRY,
    LONGEST_TRY,
    REMEMBERED,
    Belief,
    Refusal,
    after_acceptance,
    after_refusal,
    is_over,
)

LIMIT = 60
NOW = 1_790_000_000.0


def refusal(
    taken: int, wait: float = 40.0, *, now: float = NOW, since_last: float = 0.2, is_first: bool = True
) -> Refusal:
    return Refusal(now, wait, taken, since_last, is_first)


def after(before: Belief | None, seen: Refusal) -> Belief:
    belief = after_refusal(before, seen, LIMIT)
    assert belief is not None
    return belief


def test_what_was_taken_before_a_refusal_is_kept_to() -> None:
    belief = after(None, refusal(30))
    assert (belief.per_minute, belief.pause, belief.is_sure) == (30, 0.0, False)
    assert belief.try_after == NOW  # whether it was by chance is tried at once


def test_of_requests_that_left_together_the_one_that_saw_most_counts() -> None:
    belief = after(after(None, refusal(28)), refusal(30, is_first=False))
    assert (belief.per_minute, belief.refused) == (30, 0)


def test_more_is_tried_later_and_later_where_it_is_refused() -> None:
    belief, tries = after(None, refusal(30)), []
    for _ in range(9):
        belief = after(belief, refusal(30, now=belief.try_after))
        assert (belief.per_minute, belief.is_sure) == (30, True)
        tries.append(belief.try_after - belief.at)
    assert tries[0] == FIRST_TRY and tries[-1] == LONGEST_TRY
    assert all(later >= earlier for earlier, later in pairwise(tries))


def test_a_refusal_by_chance_is_forgotten_after_a_few_requests() -> None:
    belief, tries = after(None, refusal(3)), 0
    while belief.per_minute < LIMIT and tries < 9:
        belief, tries = after_acceptance(belief, belief.per_minute + 1, LIMIT), tries + 1
    assert tries == 5  # 3, 6, 12, 24, 48 freely, each with one try beyond
    assert not belief.is_sure


def test_within_what_is_believed_a_request_that_is_taken_teaches_nothing() -> None:
    belief = after(None, refusal(30))
    assert after_acceptance(belief, 30, LIMIT) == belief


@pytest.mark.parametrize("taken", [1, 10, 28])
def test_a_short_wait_after_few_requests_means_an_even_pause(taken: int) -> None:
    belief = after(None, refusal(taken, wait=1.8))
    assert belief.pause == pytest.approx(2.0)
    assert belief.in_a_minute == pytest.approx(30, abs=1) and belief.is_sure


def test_a_pause_that_was_too_short_grows_a_little_and_shrinks_slowly() -> None:
    belief = after(None, refusal(1, wait=1.8))
    longer = after(belief, refusal(28, wait=1.0, since_last=1.95))
    assert belief.pause < longer.pause <= belief.pause * 1.05
    assert longer.pause * 0.999 < after_acceptance(longer, 29, LIMIT).pause < longer.pause


def test_a_pause_that_was_too_long_is_soon_half_as_long() -> None:
    belief, taken = after(None, refusal(1, wait=3.8)), 0
    while belief.pause > 2.0 and taken < 1000:
        belief, taken = after_acceptance(belief, 15, LIMIT), taken + 1
    assert taken < 150


def test_a_pause_is_kept_to_until_the_way_there_and_back_is_as_long_and_then_forgotten() -> None:
    belief, pauses = after(None, refusal(1, wait=1.8)), [2.0]
    while belief.pause and len(pauses) < 1000:
        belief = after_acceptance(belief, 30, LIMIT)
        pauses.append(belief.pause)
    assert pauses[-2] == pytest.approx(0.5, rel=0.01)
    assert (belief.per_minute, belief.pause, belief.is_sure) == (LIMIT, 0.0, False)


def bucket(taken: int, wait: float = 1.0, *, refilled: int = 4, seconds: float = 8.2) -> Refusal:
    return Refusal(NOW + seconds, wait, taken, 0.0, True, refilled, seconds)


def test_what_was_taken_between_two_refusals_tells_how_fast_a_bucket_is_refilled() -> None:
    belief = after(after(None, refusal(55, wait=1.0, since_last=0.0)), bucket(50))
    assert belief.pause == pytest.approx(8.2 / 5)  # 4 requests, or nearly 5, in 8.2 seconds
    longer = after(belief, bucket(46, refilled=9, seconds=19.0))
    assert longer.pause == pytest.approx(1.9)


@pytest.mark.parametrize(
    "seen",
    [
        bucket(55),  # as many were taken as before: a count of a minute explains it
        bucket(50, wait=20.0),  # no bucket needs so long for one request
        bucket(50, refilled=1),  # too few to tell anything
        bucket(50, refilled=40, seconds=50.0),  # it may have been full in the meantime
        bucket(50, refilled=4, seconds=300.0),
    ],
)
def test_what_a_count_of_a_minute_explains_is_no_bucket(seen: Refusal) -> None:
    assert after(after(None, refusal(55, wait=1.0, since_last=0.0)), seen).pause == 0.0


@pytest.mark.parametrize(
    "seen",
    [
        refusal(LIMIT),  # our own log had no room
        refusal(0),  # nothing was taken: it says nothing of how much would be
        refusal(30, wait=3600.0),  # of the day, not of a minute
    ],
)
def test_what_tells_nothing_of_a_minute_changes_nothing(seen: Refusal) -> None:
    assert after_refusal(None, seen, LIMIT) is None
    known = after(None, refusal(20))
    assert after_refusal(known, seen, LIMIT) == known


def test_it_is_believed_for_a_day_and_no_clock_that_is_set_back_makes_it_longer() -> None:
    belief = after(None, refusal(30))
    assert not is_over(belief, NOW) and not is_over(belief, NOW + REMEMBERED - 1)
    assert is_over(belief, NOW + REMEMBERED) and is_over(belief, NOW - 1)
