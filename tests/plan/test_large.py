"""A large campaign: what is planned lazily stays small. Bounds are in bytes, none in seconds."""

from __future__ import annotations

import tracemalloc
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.errors import CampaignFileError
from campaign_runner.model import State
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from tests.campaigns import campaign


def numbered(number: int, **fields: Any) -> dict[str, Any]:
    return {f"p{at}": {name: value.format(at=at) for name, value in fields.items()} for at in range(number)}


def peak_of(folder: Path, images: int, **changes: Any) -> int:
    """Bytes at most, while a plan is made, counted and the first thousand jobs are taken."""
    spec = campaign(folder, **changes)
    tracemalloc.start()
    try:
        status = PlanStatus(Plan(spec), lambda keys: {})
        assert status.counts()[State.PENDING] == len(status.plan) == images
        assert len(list(islice(status.jobs(), 1000))) == 1000
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("names", "most"), [(25, 3 << 20), pytest.param(250, 12 << 20, marks=pytest.mark.proof)])
def test_100_000_cells_of_25_000_recipes_fit_into_ten_megabytes(names: int, most: int, tmp_path: Path) -> None:
    """A tenth of them by default, in a quarter of that."""
    products, prompts = numbered(names, name="candle {at}"), numbered(100, text="{{product.name}} {at}")
    assert peak_of(tmp_path, names * 400, products=products, prompts=prompts, seeds=[1, 2, 3, 4]) < most


@pytest.mark.parametrize(
    ("seeds", "most"), [(10_000, 2 << 20), pytest.param(100_000, 5 << 20, marks=pytest.mark.proof)]
)
def test_100_000_seeds_of_one_recipe_fit_into_five_megabytes(seeds: int, most: int, tmp_path: Path) -> None:
    """A tenth of them by default."""
    assert peak_of(tmp_path, seeds, products={"candle": {"name": "almond candle"}}, seeds={"count": seeds}) < most


def test_ten_thousand_products_in_one_picture_are_one_recipe(tmp_path: Path) -> None:
    spec = campaign(tmp_path, products=numbered(10_000, name="x"), prompts={"hero": {"text": "an oak table"}})
    (first, second) = Plan(spec)
    assert (len(first.other_cells), len(second.other_cells)) == (9_999, 9_999)


def test_a_trillion_cells_are_refused_by_the_lengths_of_the_lists(tmp_path: Path) -> None:
    with pytest.raises(CampaignFileError, match="1,000,000") as refused:
        campaign(
            tmp_path, products=numbered(1000, name="{at}"), prompts=numbered(1000, text="{at}"), seeds={"count": 10**6}
        )
    assert "1,000,000,000,000" in str(refused.value)
