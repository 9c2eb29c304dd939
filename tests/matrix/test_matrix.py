"""Every kind of failure: at the first, a middle and the last job, in a cold run and in one that goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.sandbox import faults
from tests.fixtures import Begin
from tests.matrix.kinds import Cell, Kind, Play
from tests.matrix.play import play
from tests.matrix.registry import KINDS
from tests.matrix.table import TITLE, page

TESTS = Path(__file__).parents[1]
ELSEWHERE = {"models", "upload", "cancel"}
"""Places of faults that no job meets."""
HEAVY = {("huge", "output")}
"""80 MiB for each of a dozen tries; the tests of the contract play it once."""


def cases() -> Iterator[Any]:
    """Every play in each of its cells; the default run takes one cell of the first play of each kind, in turn."""
    for number, kind in enumerate(KINDS):
        for each in kind.plays:
            for index, cell in enumerate(each.cells):
                is_usual = each is kind.plays[0] and index == number % len(each.cells)
                name = f"{kind.id} {kind.name}: {each.name}, {cell[0]}, {cell[1]}"
                yield pytest.param(each, cell, id=name, marks=() if is_usual else (pytest.mark.proof,))


@pytest.mark.parametrize(("what", "cell"), list(cases()))
async def test_a_run_survives_it_and_the_next_one_goes_on(begin: Begin, what: Play, cell: Cell) -> None:
    await play(await begin(**what.switches), what, cell)


def test_the_kinds_are_numbered_and_named_once() -> None:
    assert [kind.id for kind in KINDS] == [f"F{number:02}" for number in range(1, len(KINDS) + 1)]
    assert len({kind.name for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.id)
def test_a_kind_is_played_or_proved_elsewhere_or_does_not_apply(kind: Kind) -> None:
    assert bool(kind.plays or kind.tests) != bool(kind.apart)
    assert bool(kind.ends) == bool(kind.exit) and (not kind.ends or bool(kind.tests))
    assert kind.ends or kind.plays or kind.apart
    assert len({each.name for each in kind.plays}) == len(kind.plays)


def test_every_test_that_is_named_exists() -> None:
    named = {tuple(test.split("::")) for kind in KINDS for test in kind.tests}
    known = {path: functions(path) for path, _ in named}
    assert {(path, name) for path, name in named if name not in known[path]} == set()


def functions(path: str) -> set[str]:
    return set(re.findall(r"^(?:async )?def (\w+)\(", (TESTS / path).read_text(encoding="utf-8"), re.MULTILINE))


def test_every_fault_of_the_sandbox_that_a_job_can_meet_is_played() -> None:
    played = {(fault.kind, fault.place) for kind in KINDS for each in kind.plays for fault in each.faults}
    known = {(kind, place) for kind, places in faults.KINDS.items() for place in places if place not in ELSEWHERE}
    assert known - played - HEAVY == set()


def test_the_page_about_the_tests_shows_what_the_registry_says() -> None:
    text = (TESTS / "README.md").read_text(encoding="utf-8")
    section = text[text.index(TITLE) :].split("\n## ")[0]
    assert section.rstrip("\n") == page().rstrip("\n"), "print it anew: python -m tests.matrix"
