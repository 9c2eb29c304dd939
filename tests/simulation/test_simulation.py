"""Nights in which anything goes wrong at any await, and every promise holds after each run of them.

Ten nights in the default run, 520 with `-m proof`, as many as you like with `python -m tests.simulation`.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest

from campaign_runner.sandbox.faults import KINDS
from tests.simulation.many_nights import Nights, spend
from tests.simulation.scripts import KINDS_ELSEWHERE, PLACES, script
from tests.simulation.simulation import simulate

CHUNKS = 20
NIGHTS_A_CHUNK = 26
"""So that 520 nights come together, which see all that there is, and each kind of fault is certain of nine."""


@pytest.mark.parametrize("seed", [seed for seed in range(10) if seed != 3])  # that one is played below
def test_whatever_goes_wrong_nothing_is_bought_twice_and_all_is_told(seed: int) -> None:
    assert simulate(seed).seen


@pytest.mark.parametrize("seed", [3, *(pytest.param(seed, marks=pytest.mark.proof) for seed in (59, 216))])
def test_a_seed_is_one_night_to_the_last_event(seed: int) -> None:
    first, second = simulate(seed), simulate(seed)
    assert first.record == second.record
    assert first.seen == second.seen


def test_the_nights_of_a_thousand_seeds_have_every_fault_there_is() -> None:
    certain = {(fault.kind, fault.place) for seed in range(len(PLACES)) for fault in script(seed).faults}
    assert certain == set(PLACES)
    assert {kind for kind, _ in PLACES} | set(KINDS_ELSEWHERE) == set(KINDS)


@pytest.mark.proof
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_five_hundred_nights(chunk: int, testrun_uid: str) -> None:
    nights = spend(range(chunk * NIGHTS_A_CHUNK, (chunk + 1) * NIGHTS_A_CHUNK))
    assert not nights.broken, f"replay with: python -m tests.simulation --seeds 1 --from {min(nights.broken)}"
    everything = all_so_far(chunk, nights, Path(tempfile.gettempdir()) / f"nights-{testrun_uid}")
    if everything.count == CHUNKS * NIGHTS_A_CHUNK:  # the last to come looks at them all
        assert not everything.missing


def all_so_far(chunk: int, nights: Nights, place: Path) -> Nights:
    """What this chunk and those before it saw, also those of other processes: they meet in a folder."""
    place.mkdir(exist_ok=True)
    written = place / f".{chunk}"
    written.write_text(json.dumps({"count": nights.count, "seen": nights.seen}))
    written.rename(place / f"{chunk}.json")
    total = Nights()
    for told in place.glob("*.json"):
        known = json.loads(told.read_text())
        total.count += known["count"]
        total.seen.update(known["seen"])
    return total
