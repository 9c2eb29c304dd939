"""How a deadline is counted: also while the machine sleeps."""

from __future__ import annotations

import sys
import time

import pytest

from campaign_runner import uptime
from campaign_runner.uptime import Deadline


def test_a_deadline_is_over_after_its_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(uptime, "_clocks", lambda: (now[0],))
    deadline = Deadline(5.0)
    assert not deadline.is_over
    now[0] += 4.99
    assert not deadline.is_over
    now[0] += 0.01
    assert deadline.is_over


@pytest.mark.parametrize("moved", [{"monotonic": 5.0}, {"time": 5.0}, {"monotonic": 5.0, "time": -3600.0}])
def test_where_no_clock_counts_sleep_the_larger_of_two_counts(
    moved: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that sleeps stops one of them; a clock that is set back must not make a permit younger."""
    clocks = {"monotonic": 100.0, "time": 1_790_000_000.0}
    monkeypatch.setattr(sys, "platform", "darwin")
    for name in clocks:
        monkeypatch.setattr(time, name, lambda name=name: clocks[name])
    deadline = Deadline(5.0)
    assert not deadline.is_over
    for name, seconds in moved.items():
        clocks[name] += seconds
    assert deadline.is_over
