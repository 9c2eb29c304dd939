"""Campaigns that share images, run by several processes at once: nothing is bought twice; see `neighbours.py`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.processes.neighbours import MOST_PROCESSES, Played, Trouble, play, script

ROUNDS = 20
SEEDS = [f"round-{number}" for number in range(ROUNDS)]
AT_ONCE = 4


def played(trouble: Trouble) -> Played:
    total = Played()
    for each in play(SEEDS, trouble, at_once=AT_ONCE):
        total.add(each)
    return total


@pytest.mark.proof
@pytest.mark.parametrize(
    "trouble",
    [Trouble(), Trouble(kills=True), Trouble(kills=True, faults=True)],
    ids=["undisturbed", "killed", "faults"],
)
def test_campaigns_that_share_images_never_buy_one_twice_from_any_process(
    trouble: Trouble, record_property: Callable[[str, object], None]
) -> None:
    total = played(trouble)
    assert not total.broken
    assert total.counts["rounds"] == ROUNDS
    record_property("proved", f"neighbours: {total}")


def test_rounds_are_drawn_with_many_processes_that_share_images() -> None:
    """A guard for the script itself: rounds in which nobody meets anybody prove nothing."""
    rounds = [script(seed, kills=True) for seed in SEEDS]
    assert {len(each.runs) for each in rounds} == set(range(2, MOST_PROCESSES + 1))
    for each in rounds:
        planned = sum(len(products) * len(seeds) for products, seeds in each.images.values())
        assert len(each.due) < planned
        assert sorted(name for _, names in each.runs for name in names) == sorted(each.images)
    assert any(life is not None for each in rounds for life in each.lives)
    assert any(len(set(each.images.values())) < len(each.images) for each in rounds)  # a clone
