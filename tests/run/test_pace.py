"""How often jobs are looked at: computed, not timed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from campaign_runner.run.pace import LONGEST, SHORTEST, Pace


@dataclass
class Looked:
    """What looking at many jobs cost: polls, and seconds from finished to noticed, both a job."""

    polls: float
    delay: float


def look(durations: list[float], next_look: Callable[[float], float], pace: Pace | None = None) -> Looked:
    polls, delay = 0, 0.0
    for duration in durations:
        age = before = 0.0
        while age < duration:
            before = age
            age += next_look(age)
            polls += 1
        delay += age - duration
        if pace:
            pace.learn(age, after=before)
    return Looked(polls / len(durations), delay / len(durations))


def adaptive(durations: list[float]) -> Looked:
    """As the run looks, once it has seen as many jobs as it remembers."""
    pace = Pace()
    dice = random.Random(1)

    def next_look(age: float) -> float:
        return pace.next_look(age, dice.random())

    look(durations[:300], next_look, pace)
    return look(durations[300:], next_look, pace)


def fixed(durations: list[float], delay: float) -> Looked:
    """The fixed interval that has this mean delay."""
    low, high = 0.01, 200.0
    for _ in range(25):
        middle = (low + high) / 2
        looked = look(durations, lambda age: middle)  # noqa: B023 - called at once
        low, high = (middle, high) if looked.delay < delay else (low, middle)
    return looked


def narrow(dice: random.Random) -> float:
    return max(1.0, dice.gauss(30, 2))


def bimodal(dice: random.Random) -> float:
    return max(1.0, dice.gauss(8, 1) if dice.random() < 0.5 else dice.gauss(40, 3))


def wide(dice: random.Random) -> float:
    return dice.lognormvariate(2.5, 0.8)


@pytest.mark.parametrize(("durations", "saved"), [(narrow, 3.0), (bimodal, 2.0), (wide, 0.9)])
def test_at_equal_delay_a_learned_pace_needs_fewer_polls_than_a_fixed_interval(
    durations: Callable[[random.Random], float], saved: float
) -> None:
    dice = random.Random(7)
    seen = [durations(dice) for _ in range(900)]
    ours = adaptive(seen)
    theirs = fixed(seen[300:], ours.delay)
    assert theirs.polls / ours.polls >= saved


def taught(seconds: float, *, times: int) -> Pace:
    pace = Pace()
    for _ in range(times):
        pace.learn(seconds, after=0.9 * seconds)
    return pace


@pytest.mark.parametrize("age", [-5.0, 0.0, 1.0, 29.0, 31.0, 1000.0, 86_400.0])
@pytest.mark.parametrize("seen", [0, 1, 5, 500])
def test_no_wait_is_shorter_or_longer_than_its_bounds(age: float, seen: int) -> None:
    pace = taught(30.0, times=seen)
    assert SHORTEST * 0.9 <= pace.next_look(age, 0.0) <= pace.next_look(age, 1.0) <= LONGEST * 1.1


def test_what_was_long_ago_is_forgotten() -> None:
    pace = taught(200.0, times=200)
    for _ in range(200):
        pace.learn(5.0, after=4.5)
    assert pace.next_look(0.0) < taught(200.0, times=200).next_look(0.0)
    assert pace.next_look(4.9) <= 1.0


def test_what_was_learned_before_is_known_at_once() -> None:
    learned, later = Pace(), Pace([8.0] * 60)
    for _ in range(60):
        learned.learn(8.0, after=7.2)
    assert later.next_look(0.0) == learned.next_look(0.0) != Pace().next_look(0.0)
    assert later.durations == (8.0,) * 60


def test_a_straggler_is_looked_at_ever_more_rarely() -> None:
    pace = Pace([8.0] * 60)
    looks, age = 0, 8.5
    while age < 240:
        age += pace.next_look(age)
        looks += 1
    assert looks <= 20


def test_a_stretch_without_looks_teaches_little_of_where_in_it_the_job_finished() -> None:
    pace, asleep = taught(30.0, times=100), taught(30.0, times=100)
    for _ in range(20):
        asleep.learn(3000.0, after=5.0)  # the machine slept
    assert asleep.next_look(0.0) == pytest.approx(pace.next_look(0.0), rel=0.06)
    assert asleep.next_look(29.0) <= 2 * pace.next_look(29.0)


def test_what_takes_longer_than_an_hour_is_looked_at_all_the_same() -> None:
    pace = Pace([8.0] * 20)
    pace.learn(7000.0, after=5000.0)
    assert pace.next_look(5000.0) == LONGEST and pace.next_look(0.0) == Pace([8.0] * 20).next_look(0.0)


def test_a_clock_that_was_set_back_keeps_nothing_from_being_learned() -> None:
    pace = taught(30.0, times=20)
    pace.learn(-5.0, after=-9.0)
    assert pace.next_look(25.0) <= taught(30.0, times=20).next_look(25.0) * 1.1
