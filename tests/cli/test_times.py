"""Durations and times of day, as they are typed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from campaign_runner.cli.times import Duration, next_time
from tests.cli.typed import Ask


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")  # Europe/Berlin, also where no zones are installed
        time.tzset()
        yield
    time.tzset()


NIGHTS = [
    ("2026-09-01T22:00", 8),
    ("2026-09-01T05:59", 1 / 60),
    ("2026-09-01T06:00", 24),  # the next one
    ("2026-10-24T22:00", 9),  # clocks go back
    ("2027-03-27T22:00", 7),  # clocks go forward
]


@pytest.mark.parametrize(("now", "hours"), NIGHTS)
def test_six_o_clock_is_what_the_clock_on_the_wall_shows(berlin: None, now: str, hours: float) -> None:
    after = datetime.fromisoformat(now)
    until = next_time(6, 0, after=after)
    assert (until.hour, until.minute) == (6, 0)
    assert (until - after.astimezone()).total_seconds() == pytest.approx(hours * 3600)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200)])
def test_a_duration_has_a_unit(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


NO_DURATIONS = ["2", "0h", "9" * 400 + "h", "9" * 5000 + "h"]


@pytest.mark.parametrize("flags", [*(["--max-runtime", text] for text in NO_DURATIONS), ["--until", "25:00"]])
def test_what_is_no_time_is_refused_with_an_example(ask: Ask, flags: list[str]) -> None:
    said = ask("run", "almond.yaml", *flags)
    assert said.status == 2 and "; write " in said.err and len(said.err) < 400
