"""No input brings anything but an answer or a clear refusal: a few of each kind always, 75,000 as a proof."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuzz.fuzz_command import fuzz, share_of
from tests.fuzz.journals_fuzz import whole
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]

FEW, MANY = 2000, 75_000
PARTS = 2  # of each target in the proof, so that processors share the work
Note = Callable[[str, object], None]


def test_the_shares_make_a_thousand_and_the_proof_holds_50_000() -> None:
    assert sum(target.share for target in TARGETS.values()) == 1000
    assert sum(len(share_of(name, MANY)) for name in TARGETS) >= 50_000


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_breaks_a_promise(name: str, record_property: Note) -> None:
    said = fuzz(name, share_of(name, FEW))
    assert said.total() == len(share_of(name, FEW))
    record_property("fuzzed", said.total())


@pytest.mark.proof
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", TARGETS)
def test_no_input_of_many_breaks_a_promise_and_every_outcome_occurs(
    name: str, part: int, record_property: Note
) -> None:
    numbers = share_of(name, MANY)[part::PARTS]
    said = fuzz(name, numbers)
    assert said.total() == len(numbers)
    assert TARGETS[name].outcomes <= set(said), f"never seen: {TARGETS[name].outcomes - set(said)}"
    record_property("fuzzed", said.total())


@pytest.mark.proof
def test_no_bomb_goes_off_in_two_seconds_of_processor_time_and_bounded_memory() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.bombs"], cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout.splitlines()[-1].split()[0]) > 200


def test_the_journals_are_the_same_in_every_process() -> None:
    said = f"import sys; sys.path[:0] = {sys.path!r}; from tests.fuzz.journals_fuzz import whole; print(whole().hex())"
    run = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, timeout=600)
    assert run.stdout.strip() == whole().hex(), run.stderr


def test_an_input_is_the_same_whenever_it_is_made() -> None:
    for target in TARGETS.values():
        assert [target.input(number) for number in range(20)] == [target.input(number) for number in range(20)]
