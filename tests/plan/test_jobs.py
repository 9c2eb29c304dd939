"""How due variations are packed into requests, and in which order they go out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import strategies as st

from campaign_runner.model import Job, State
from campaign_runner.plan.due import PlanStatus
from tests.campaigns import plan, status
from tests.examples import few_and_many


def products(*ids: str) -> dict[str, Any]:
    return {id: {"name": f"almond {id}"} for id in ids}


def prompts(*ids: str) -> dict[str, Any]:
    return {id: {"text": f"{{product.name}} {id}"} for id in ids}


def told(job: Job) -> str:
    """`candle hero 1 2`: product, prompt and seeds of a job."""
    cell = job.variations[0].cell
    return f"{cell.product} {cell.prompt} {' '.join(map(str, job.seeds))}"


ORDERS: list[Any] = [
    # one recipe a product: the order of the file
    pytest.param({"seeds": [1, 2]}, ["candle hero 1 2", "soap hero 1 2"], id="one recipe a product"),
    # five seeds: everything gets its first request before anything gets its second
    pytest.param({"seeds": [1, 2, 3, 4, 5]},
                 ["candle hero 1 2 3 4", "soap hero 1 2 3 4", "candle hero 5", "soap hero 5"], id="rounds"),
    # each product begins at its own position, so that two products show two prompts
    pytest.param({"prompts": prompts("p", "q"), "seeds": [1]},
                 ["candle p 1", "soap q 1", "candle q 1", "soap p 1"], id="two by two"),
    # three products, two prompts: the third begins at the first again
    pytest.param({"products": products("a", "b", "c"), "prompts": prompts("p", "q"), "seeds": [1]},
                 ["a p 1", "b q 1", "c p 1", "a q 1", "b p 1", "c q 1"], id="three by two"),
    # a product with fewer recipes than others drops out of later turns
    pytest.param({"products": {"a": {"name": "x", "prompts": ["p"]}, "b": {"name": "y"}},
                  "prompts": prompts("p", "q", "r"), "seeds": [1]},
                 ["a p 1", "b q 1", "b r 1", "b p 1"], id="a short product"),
    # ultra makes one image a request
    pytest.param({"model": "image4_ultra", "seeds": [1, 2]},
                 ["candle hero 1", "soap hero 1", "candle hero 2", "soap hero 2"], id="ultra packs one"),
    # seeds go out in the order of the file
    pytest.param({"products": products("a"), "seeds": [9, 3, 7, 1, 5]}, ["a hero 9 3 7 1", "a hero 5"], id="seeds"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "order"), ORDERS)
def test_jobs_go_out_in_rounds_and_turns(changes: dict[str, Any], order: list[str], tmp_path: Path) -> None:
    assert [told(job) for job in status(tmp_path, **changes).jobs()] == order


def test_a_job_takes_the_seeds_that_are_due_and_no_others(tmp_path: Path) -> None:
    made = plan(tmp_path, products=products("a"), seeds=[1, 2, 3, 4, 5, 6])
    keys = list(made.keys())
    there = {keys[1]: State.STORED, keys[2]: State.IN_DOUBT, keys[4]: State.PENDING}
    assert [told(job) for job in PlanStatus(made, lambda _: there).jobs()] == ["a hero 1 4 5 6"]


def test_products_that_have_little_left_are_still_seen_first(tmp_path: Path) -> None:
    """Of four prompts two are stored: the turns go over what is due, not over what is there."""
    made = plan(tmp_path, products=products(*"abcd"), prompts=prompts(*"pqrs"), seeds=[1])
    there = {each.variation.key: State.STORED for each in made if each.variation.cell.prompt in "rs"}
    first = [told(job).split()[0] for job in PlanStatus(made, lambda _: there).jobs()][:4]
    assert first == ["a", "b", "c", "d"]


def test_jobs_are_not_moved_by_what_happens_while_they_go_out(tmp_path: Path) -> None:
    there: dict[str, State] = {}
    held = PlanStatus(plan(tmp_path), lambda _: there)
    jobs = held.jobs()
    first = next(jobs)
    there |= dict.fromkeys(first.keys, State.STORED)
    assert [told(job) for job in jobs] == ["soap hero 66080 82683"]


@st.composite
def stocks(draw: st.DrawFn) -> tuple[dict[str, Any], Sequence[str]]:
    """A campaign of any shape, and states to hand out to its variations in turn."""
    ids = st.integers(1, 4).map(lambda number: "abcd"[:number])
    changes: dict[str, Any] = {
        "model": draw(st.sampled_from(["image4_standard", "image4_ultra"])),
        "products": products(*draw(ids)),
        "prompts": prompts(*draw(ids)),
        "sizes": draw(st.sampled_from([["square"], ["square", "wide", "tall"]])),
        "seeds": list(range(draw(st.integers(1, 11)))),
    }
    if len(changes["seeds"]) > 1 and draw(st.booleans()):
        changes["exclude"] = [{"product": "a", "seed": [0]}]
    return changes, draw(st.lists(st.sampled_from([*State, "new"]), min_size=1, max_size=40))


def held(changes: dict[str, Any], states: Sequence[str], folder: str) -> tuple[PlanStatus, Mapping[str, str]]:
    made = plan(Path(folder), **changes)
    there = {key: states[at % len(states)] for at, key in enumerate(made.keys())}
    known = {key: State(state) for key, state in there.items() if state != "new"}
    return PlanStatus(made, lambda keys: {key: known[key] for key in keys if key in known}), known


@few_and_many(20, 120, stocks())
def test_jobs_are_every_due_variation_exactly_once(given_stock: tuple[dict[str, Any], Sequence[str]]) -> None:
    with TemporaryDirectory() as folder:
        status, there = held(*given_stock, folder)
        asked = Counter(key for job in status.jobs() for key in job.keys)
        keys = list(status.plan.keys())
        assert asked == Counter(key for key in keys if there.get(key, State.PENDING) == State.PENDING)
        assert asked.total() == status.due


@few_and_many(20, 120, stocks())
def test_requests_are_what_packing_makes_of_what_is_due(given_stock: tuple[dict[str, Any], Sequence[str]]) -> None:
    with TemporaryDirectory() as folder:
        status, _ = held(*given_stock, folder)
        jobs = list(status.jobs())
        due = Counter(job.recipe.digest for job in jobs for _ in job.seeds)
        pack = status.plan.campaign.family.pack
        assert len(jobs) == status.requests == sum(-(-number // pack) for number in due.values())


@few_and_many(20, 120, stocks())
def test_everything_is_seen_before_anything_is_seen_twice(given_stock: tuple[dict[str, Any], Sequence[str]]) -> None:
    with TemporaryDirectory() as folder:
        status, _ = held(*given_stock, folder)
        jobs = list(status.jobs())
        due = list(dict.fromkeys(job.variations[0].cell.product for job in jobs))
        assert [job.variations[0].cell.product for job in jobs[: len(due)]] == due
        recipes = [job.recipe.digest for job in jobs]
        assert len(set(recipes[: len(set(recipes))])) == len(set(recipes))
