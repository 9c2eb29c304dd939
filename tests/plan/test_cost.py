"""What a plan costs: the figures of `plan --json`, and what people are told."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.model import State
from campaign_runner.plan.cost import (
    Estimate,
    RateLimit,
    estimate,
    minutes,
    product_of_lists,
    tips,
)
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.overview import overview
from campaign_runner.plan.plan import Plan
from campaign_runner.text import duration
from tests.campaigns import campaign, plan

NOW = datetime(2026, 10, 1, 22, 15, tzinfo=UTC)
RATE = RateLimit(4, 9000)
KEYS = ["campaign", "variations", "stored", "accepted", "in_doubt", "failed", "abandoned", "due", "requests",
        "requests_unpacked", "images_to_buy", "seconds_at_quota", "done_at", "budget_left", "reused"]  # fmt: skip


def figures(status: PlanStatus, bought: int = 0, rate: RateLimit = RATE) -> Estimate:
    return estimate(status, rate, bought=bought, now=NOW)


SECONDS = [
    (0, RATE, 0),
    (1, RATE, 0),  # the first goes out at once
    (4, RATE, 0),
    (5, RATE, 60),
    (8, RATE, 60),
    (9, RATE, 120),
    (9000, RATE, 2249 * 60),
    (9001, RateLimit(10_000, 9000), 86400),  # the day's allowance decides
    (9001, RATE, 2250 * 60),  # at four a minute a day's 9,000 are never reached
    (3, RateLimit(1, 2), 86400),
]


@pytest.mark.parametrize(("requests", "rate", "seconds"), SECONDS)
def test_the_time_at_the_quota(requests: int, rate: RateLimit, seconds: int) -> None:
    assert rate.seconds(requests) == seconds


def test_people_are_told_a_job_more_rounded_up() -> None:
    assert [minutes(0, 0), minutes(1, 0), minutes(8, 60), minutes(480, 7140)] == [0, 1, 2, 120]


@pytest.mark.parametrize(
    ("whole", "words"),
    [(0, "0 min"), (59, "59 min"), (60, "1 h"), (200, "3 h 20 min"), (1440, "1 day"), (3120, "2 days 4 h")],
)
def test_a_duration_is_told_in_two_units_at_most(whole: int, words: str) -> None:
    assert duration(whole) == words


def test_a_campaign_may_only_lower_the_rate() -> None:
    assert RATE.lowered(2, None) == RateLimit(2, 9000)
    assert RATE.lowered(60, 100_000) == RATE


def test_the_figures_and_their_names(tmp_path: Path) -> None:
    made = plan(tmp_path, sizes=["square", "wide"], seeds=[1, 2, 3, 4, 5], budget=30)
    there = dict(
        zip(made.keys(), [State.STORED, State.ACCEPTED, State.IN_DOUBT, State.FAILED, State.ABANDONED], strict=False)
    )
    told = asdict(figures(PlanStatus(made, lambda _: there), bought=6))
    assert list(told) == KEYS
    assert json.loads(json.dumps(told)) == {
        "campaign": "almond", "variations": 20, "stored": 1, "accepted": 1, "in_doubt": 1, "failed": 1,
        "abandoned": 1, "due": 15, "requests": 6, "requests_unpacked": 15, "images_to_buy": 15,
        "seconds_at_quota": 60, "done_at": "2026-10-01T22:17:00+00:00", "budget_left": 24, "reused": 0,
    }  # fmt: skip


def test_a_run_that_stops_early_is_told_with_what_it_buys(tmp_path: Path) -> None:
    status = PlanStatus(plan(tmp_path, sizes=["square", "wide"], seeds=[1, 2, 3, 4, 5]))
    told = estimate(status, RateLimit(1, 9000), bought=0, now=NOW, most=status.bounded(6, None))
    assert (told.due, told.images_to_buy, told.requests, told.seconds_at_quota) == (20, 6, 2, 60)
    assert told.done_at == "2026-10-01T22:17:00+00:00"


def test_without_a_budget_none_is_left_or_missing(tmp_path: Path) -> None:
    assert figures(PlanStatus(plan(tmp_path))).budget_left is None


def test_nothing_due_is_done_now(tmp_path: Path) -> None:
    done = figures(PlanStatus(plan(tmp_path), lambda keys: dict.fromkeys(keys, State.STORED)))
    assert (done.due, done.requests, done.seconds_at_quota, done.done_at) == (0, 0, 0, NOW.isoformat())


TITLES: list[Any] = [
    ({}, "4 images = 2 products x 1 prompt x 1 preset x 1 size x 2 seeds"),
    ({"markets": {"us": {"locale": "en-US"}}},
     "4 images = 2 products x 1 prompt x 1 preset x 1 market x 1 size x 2 seeds"),
    ({"exclude": [{"product": "soap", "seed": [66080]}]},
     "3 images = 2 products x 1 prompt x 1 preset x 1 size x 2 seeds, with limits, exclude and include: 3 cells of 4"),
    ({"prompts": {"hero": {"text": "a bare table"}}},
     "2 images = 2 products x 1 prompt x 1 preset x 1 size x 2 seeds; 2 cells equal to another, bought once"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "title"), TITLES)
def test_the_product_of_lists_in_words(changes: dict[str, Any], title: str, tmp_path: Path) -> None:
    assert product_of_lists(PlanStatus(plan(tmp_path, **changes))) == title


def test_a_tip_where_seeds_leave_room(tmp_path: Path) -> None:
    spec = campaign(tmp_path, sizes=["square", "wide", "tall", "portrait"], presets={"a": {}, "b": {"styles": ["bw"]}})
    (tip,) = tips(PlanStatus(Plan(spec)))
    assert tip == "2 seeds use half of each request; 4 would make 64 images in the same 16 requests"


@pytest.mark.parametrize("changes", [{"seeds": [1, 2, 3, 4]}, {"model": "image4_ultra"}, {"seeds": [1, 2, 3, 4, 5]}])
def test_no_tip_where_requests_are_full(changes: dict[str, Any], tmp_path: Path) -> None:
    assert not list(tips(PlanStatus(plan(tmp_path, **changes))))


def test_no_tip_once_something_was_bought(tmp_path: Path) -> None:
    made = plan(tmp_path)
    assert not list(tips(PlanStatus(made, lambda keys: {keys[0]: State.STORED})))


def test_the_overview_of_a_new_campaign(tmp_path: Path) -> None:
    status = PlanStatus(plan(tmp_path, sizes=["square", "wide"], seeds=[1, 2, 3, 4], budget=32))
    assert list(overview(status, figures(status), RATE)) == [
        "almond   16 images = 2 products x 1 prompt x 1 preset x 2 sizes x 4 seeds",
        "  due        16 images: 16 new",
        "  requests   4 with 4 seeds each at most; 16 with one each",
        "  buys       16 images",
        "  time       1 min at 4 a minute and 9,000 a day; done about 2026-10-01 22:16",
        "  budget     32 of 32 left",
    ]


def test_the_overview_says_what_is_there_and_what_is_due_again(tmp_path: Path) -> None:
    made = plan(tmp_path, budget=4)
    there = dict(zip(made.keys(), [State.STORED, State.PENDING, State.IN_DOUBT], strict=False))
    status = PlanStatus(made, lambda _: there)
    lines = list(overview(status, figures(status, bought=3), RATE))
    assert "  there      1 stored, 1 in doubt" in lines
    assert "  due        2 images: 1 new, 1 requested before, due again" in lines
    assert "  budget     1 of 4 left: not enough, `run` will refuse" in lines
