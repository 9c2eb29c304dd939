"""The plan held against the ledger, and what `--only` leaves of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from campaign_runner.errors import UsageError
from campaign_runner.model import State
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.plan.selection import Selection, read_only
from tests.campaigns import MODEL, campaign, plan

BARE = {"hero": {"text": "a bare oak table"}}


def selected(status: PlanStatus) -> list[str]:
    """`candle hero 66080` for each selected variation."""
    return [
        f"{each.variation.cell.product} {each.variation.cell.prompt} {each.variation.seed}"
        for each, _ in status.variations()
    ]


def test_without_a_journal_everything_is_due(tmp_path: Path) -> None:
    status = PlanStatus(plan(tmp_path))
    assert status.counts() == dict.fromkeys(State, 0) | {State.PENDING: 4}
    assert (status.due, status.again, status.requests) == (4, 0, 2)


BOUNDS = [
    (None, None, (7, 3)),  # requests of 4, 1 and 2 images
    (4, None, (4, 1)),
    (5, None, (5, 2)),
    (6, None, (6, 3)),
    (70, 30, (7, 3)),
    (None, 1, (4, 1)),
    (None, 2, (6, 2)),  # where the one of 1 image is refused, that of 2 takes its place
    (5, 2, (5, 2)),
]


@pytest.mark.parametrize(("images", "requests", "most"), BOUNDS)
def test_what_a_run_that_stops_early_buys_at_most(
    images: int | None, requests: int | None, most: tuple[int, int], tmp_path: Path
) -> None:
    made = plan(tmp_path, products={"candle": "a candle", "soap": "a soap"}, prompts={"hero": "a {product.name}"},
                seeds=[1, 2, 3, 4, 5, 6])  # fmt: skip
    keys = list(made.keys())
    status = PlanStatus(made, lambda _: dict.fromkeys(keys[7:], State.STORED))
    assert [len(job.seeds) for job in status.jobs()] == [4, 1, 2]
    assert status.bounded(images, requests) == most


@pytest.mark.parametrize(("requests", "images"), [(1, 4), (2, 6), (3, 7), (1000, 7)])
def test_how_many_images_the_largest_requests_have(requests: int, images: int, tmp_path: Path) -> None:
    made = plan(tmp_path, products={"candle": "a candle", "soap": "a soap"}, prompts={"hero": "a {product.name}"},
                seeds=[1, 2, 3, 4, 5, 6])  # fmt: skip
    keys = list(made.keys())
    status = PlanStatus(made, lambda _: dict.fromkeys(keys[7:], State.STORED))  # requests of 4, 1 and 2 images
    assert status.at_once(requests) == images


def test_where_nothing_is_due_nothing_is_bought_at_most(tmp_path: Path) -> None:
    made = plan(tmp_path)
    assert PlanStatus(made, lambda keys: dict.fromkeys(keys, State.STORED)).bounded(4, 2) == (0, 0)


def test_each_state_counts_where_it_belongs(tmp_path: Path) -> None:
    made = plan(tmp_path, seeds=[1, 2, 3, 4])
    there = dict(zip(made.keys(), State, strict=False))
    status = PlanStatus(made, lambda _: there)
    assert status.counts() == dict.fromkeys(State, 1) | {State.PENDING: 3}
    assert (status.due, status.again) == (3, 1)
    assert [state for _, state in status.variations()] == [*there.values(), State.PENDING, State.PENDING]
    assert [each.variation.key for each in status.in_state(State.FAILED)] == [list(there)[3]]


def test_the_ledger_is_asked_for_some_thousand_keys_at_a_time(tmp_path: Path) -> None:
    asked: list[int] = []
    PlanStatus(plan(tmp_path, seeds={"count": 12_000}), lambda keys: asked.append(len(keys)) or {})  # type: ignore[func-returns-value]
    assert sum(asked) == 24_000
    assert max(asked) <= 20_000


def test_a_ledger_that_knows_more_than_the_plan_does_no_harm(tmp_path: Path) -> None:
    assert PlanStatus(plan(tmp_path), lambda _: {"0" * 64: State.FAILED}).counts()[State.FAILED] == 0


def test_unknown_keys_are_not_looked_up(tmp_path: Path) -> None:
    spec = campaign(tmp_path, model="image3_custom", custom_model=MODEL.name)
    stand_ins = list(Plan(spec).keys())
    assert PlanStatus(Plan(spec), lambda keys: dict.fromkeys(keys, State.STORED)).due == len(stand_ins)


SELECTIONS: list[Any] = [
    (["product=soap"], ["soap hero 66080", "soap hero 82683"]),
    (["product=soap,candle", "seed=82683"], ["candle hero 82683", "soap hero 82683"]),  # axes must all match
    (["product=soap", "product=candle", "seed=66080"], ["candle hero 66080", "soap hero 66080"]),  # given twice
    (["prompt=hero", "preset=plain", "size=2048x2048", "product=soap", "seed=82683"], ["soap hero 82683"]),
    (["seed=066080", "product=soap"], ["soap hero 66080"]),  # a number, however it is written
]


@pytest.mark.parametrize(("options", "left"), SELECTIONS)
def test_only_selects_by_axis(options: list[str], left: list[str], tmp_path: Path) -> None:
    assert selected(PlanStatus(plan(tmp_path), only=read_only(options))) == left


def test_only_selects_by_the_beginning_of_a_key(tmp_path: Path) -> None:
    made = plan(tmp_path)
    key = list(made.keys())[2]
    assert selected(PlanStatus(made, only=read_only([f"key={key[:8].upper()},{'0' * 64}"]))) == ["soap hero 66080"]


def test_a_merged_image_is_meant_by_any_of_its_cells(tmp_path: Path) -> None:
    made = plan(tmp_path, prompts=BARE)
    assert selected(PlanStatus(made, only=read_only(["product=soap"]))) == ["candle hero 66080", "candle hero 82683"]


def test_a_selection_counts_and_buys_only_what_it_means(tmp_path: Path) -> None:
    made = plan(tmp_path)
    status = PlanStatus(
        made, lambda keys: dict.fromkeys(list(made.keys())[:1], State.STORED), read_only(["product=candle"])
    )
    assert (status.counts()[State.STORED], status.due, status.requests, status.selected) == (1, 1, 1, 2)
    assert [job.seeds for job in status.jobs()] == [(82683,)]


@pytest.mark.parametrize("only", [Selection({"product": frozenset({"soap"}), "seed": frozenset({"5"})}),
                                  Selection({"key": frozenset({"0" * 8})})])  # fmt: skip
def test_a_selection_of_nothing_is_refused(only: Selection, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="selects none of the 4 images; nothing was sent"):
        PlanStatus(plan(tmp_path), only=only)


def test_keys_of_a_custom_model_cannot_be_selected_before_its_first_run(tmp_path: Path) -> None:
    spec = campaign(tmp_path, model="image3_custom", custom_model=MODEL.name)
    with pytest.raises(UsageError, match="first run"):
        PlanStatus(Plan(spec), only=read_only(["key=00000000"]))
