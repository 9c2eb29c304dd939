"""Durations and times of day, as they are typed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

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


TWICE: list[tuple[str, int, str]] = [
    # what the clock shows (the second time: fold=1), the minute of two o'clock that is meant, and when that is (UTC)
    ("2026-10-25T01:00", 30, "2026-10-25T00:30"),  # the first of both
    ("2026-10-25T02:10", 30, "2026-10-25T00:30"),
    ("2026-10-25T02:40", 30, "2026-10-25T01:30"),  # the first is over, the second still to come
    ("2026-10-25T02:10 again", 30, "2026-10-25T01:30"),
    ("2026-10-25T02:40 again", 30, "2026-10-26T01:30"),
    ("2027-03-28T01:00", 30, "2027-03-28T01:30"),  # the clock never shows it: half an hour after it was set
]


@pytest.mark.parametrize(("now", "minute", "utc"), TWICE)
def test_in_the_night_the_clocks_change_a_time_is_the_next_one_that_comes(
    berlin: None, now: str, minute: int, utc: str
) -> None:
    text, _, again = now.partition(" ")
    after = datetime.fromisoformat(text).replace(fold=1 if again else 0)
    until = next_time(2, minute, after=after)
    assert until.astimezone(UTC).isoformat().startswith(utc)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200)])
def test_a_duration_has_a_unit(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


NO_DURATIONS = ["2", "0h", "9" * 400 + "h", "9" * 5000 + "h"]


@pytest.mark.parametrize("flags", [*(["--max-runtime", text] for text in NO_DURATIONS), ["--until", "25:00"]])
def test_what_is_no_time_is_refused_with_an_example(ask: Ask, flags: list[str]) -> None:
    said = ask("run", "almond.yaml", *flags)
    assert said.status == 2 and "; write " in said.err and len(said.err) < 400
