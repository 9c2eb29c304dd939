"""Two hundred campaigns nobody wrote: file, plan, run and the sandbox's ledger agree on images and requests."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_runner.campaign_file.loader import load
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from tests.contract.rehearsal import rehearsed
from tests.examples import repeatable
from tests.virtual import VirtualLoop

SIZES = {"image3": ["896x1152", "1152x896"], "image4": ["1440x2560"]}
NAMES = {"image3_custom": "Warm Custom Model", "image4_custom": "Cool Custom Model"}
LOOKS: list[dict[str, Any]] = [
    {},
    {"styles": ["painting"]},
    {"styles": ["golden_hour", "painting"], "strength": 30},
    {"content_class": "art"},
    {"negative_prompt": "fog"},
    {"visual_intensity": 4},
    {"format": "png"},
]
FORBIDDEN = {
    "image3_custom": {"negative_prompt"},
    "image4_custom": {"negative_prompt", "visual_intensity"},
}
MOST_IMAGES = 8  # about: two hundred runs are to take less than a minute
TEXTS = ["{product.name} on a table", "a {product.name}, {preset}", "{product.name} in {size}", "one text for all"]
Wanted = dict[str, set[int]]
"""The seeds of each different request."""


def looks(model: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from([look for look in LOOKS if not look.keys() & FORBIDDEN.get(model, set())])


def named(ids: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from([f"{ids}{number}" for number in range(3)]), values, min_size=1, max_size=2)


@st.composite
def campaigns(draw: st.DrawFn, model: str) -> dict[str, Any]:
    """A valid campaign file, as a mapping."""
    presets = draw(named("look", looks(model)))
    limits = st.fixed_dictionaries({}, optional={"presets": st.sampled_from([[preset] for preset in presets])})
    products = draw(named("p", st.tuples(st.sampled_from(["mug", "cup"]), limits)))
    products["all"] = ("jug", {})  # so that each preset is used: a look nobody can see is a problem
    sizes = SIZES[model.partition("_")[0]]
    campaign = {
        "campaign": "random",
        "model": model,
        "products": {name: {"name": text, **limit} for name, (text, limit) in products.items()},
        "prompts": draw(named("prompt", st.sampled_from(TEXTS))),
        "presets": presets,
        "sizes": draw(st.lists(st.sampled_from(sizes), min_size=1, max_size=2, unique=True)),
    }
    most = max(1, min(5, MOST_IMAGES // sum(1 for _ in cells(campaign))))
    seeds = st.lists(st.one_of(st.integers(0, 9), st.integers(0, 2**31 - 1)), min_size=1, max_size=most, unique=True)
    return {**campaign, "seeds": draw(seeds)} | ({"custom_model": NAMES[model]} if model in NAMES else {})


def cells(campaign: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """What each cell asks for, told from the file alone: text, look, size."""
    axes = (campaign["products"].items(), campaign["prompts"].values(), campaign["presets"].items(), campaign["sizes"])
    for (_, item), text, (preset, look), size in product(*axes):
        if preset in item.get("presets", [preset]):
            filled = text.replace("{product.name}", item["name"]).replace("{preset}", preset)
            yield filled.replace("{size}", size), look, size


def wanted(campaign: dict[str, Any]) -> Wanted:
    seeds: Wanted = defaultdict(set)
    for cell in cells(campaign):
        seeds[json.dumps(cell, sort_keys=True)] |= set(campaign["seeds"])
    return seeds


async def run_and_compare(home: Path, campaign: dict[str, Any]) -> None:
    asked = wanted(campaign)
    pack = 1 if campaign["model"] == "image4_ultra" else 4
    images = sum(map(len, asked.values()))
    requests = sum(-(-len(seeds) // pack) for seeds in asked.values())
    file = home / "random.yaml"
    file.write_text("\n".join(f"{key}: {json.dumps(value)}" for key, value in campaign.items()), encoding="utf-8")
    status = PlanStatus(Plan(load(file)))
    assert (status.due, status.requests) == (images, requests)
    async with rehearsed(home) as rehearsal:
        assert await rehearsal.run(file) == 0
        ledger = rehearsal.ledger
        assert (ledger["images_charged"], ledger["accepted"], ledger["refused"]) == (images, requests, 0)
        assert ledger["charged_twice"] == {}
        counts = rehearsal.manifest("random")["counts"]
        assert counts["planned"] == counts["stored"] == images


TWO_HUNDRED = {"image3": 80, "image3_custom": 80, "image4_standard": 15, "image4_custom": 15, "image4_ultra": 10}


@pytest.mark.parametrize(
    ("model", "examples"),
    [
        *((model, 2) for model in TWO_HUNDRED),
        *(pytest.param(model, examples, marks=pytest.mark.proof) for model, examples in TWO_HUNDRED.items()),
    ],
)
def test_file_plan_run_and_ledger_agree_on_images_and_requests(model: str, examples: int) -> None:
    @repeatable(examples)
    @given(campaign=campaigns(model))
    def agree(campaign: dict[str, Any]) -> None:
        with tempfile.TemporaryDirectory() as home, asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(run_and_compare(Path(home), campaign))

    agree()
