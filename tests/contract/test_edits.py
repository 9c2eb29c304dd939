"""Random edits of random campaigns: what `plan --diff` says, what the plan says and what the sandbox charges agree.

Which images an edit concerns is told from the two files alone, by other code than the product's.
"""

from __future__ import annotations

import asyncio
import copy
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_runner.authoring.compare import Changes
from campaign_runner.authoring.since_last_run import between, since_last_run
from campaign_runner.campaign_file.loader import load
from campaign_runner.journal.ledger import Ledger
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from tests.contract.rehearsal import Rehearsal, rehearsed
from tests.contract.test_campaigns import TEXTS, Wanted, campaigns, looks, wanted
from tests.examples import repeatable
from tests.virtual import VirtualLoop

Campaign = dict[str, Any]
Edit = Callable[[st.DrawFn, Campaign], None]
MODELS = ["image3", "image3_custom"]
PACK = 4
QUICK = "/dev/shm" if Path("/dev/shm").is_dir() else None  # what a sync is worth is proved elsewhere
NAMES = ["mug", "cup", "jug", "pot"]


def rename(draw: st.DrawFn, campaign: Campaign) -> None:
    """Another id for a product or a prompt, which no text of these campaigns uses."""
    axis = draw(st.sampled_from(["products", "prompts"]))
    campaign[axis] = {f"new-{name}": entry for name, entry in campaign[axis].items()}


def reorder(draw: st.DrawFn, campaign: Campaign) -> None:
    axis = draw(st.sampled_from(["products", "prompts", "presets", "sizes", "seeds"]))
    values = campaign[axis]
    campaign[axis] = dict(reversed(values.items())) if isinstance(values, dict) else values[::-1]


def rekey(draw: st.DrawFn, campaign: Campaign) -> None:
    """The same keys in another order."""
    for key in draw(st.permutations(sorted(campaign))):
        campaign[key] = campaign.pop(key)


def budget(draw: st.DrawFn, campaign: Campaign) -> None:
    campaign["budget"] = draw(st.integers(1000, 2000))


def reword(draw: st.DrawFn, campaign: Campaign) -> None:
    campaign["prompts"][draw(st.sampled_from(sorted(campaign["prompts"])))] = draw(st.sampled_from(TEXTS))


def rename_in_words(draw: st.DrawFn, campaign: Campaign) -> None:
    campaign["products"][draw(st.sampled_from(sorted(campaign["products"])))]["name"] = draw(st.sampled_from(NAMES))


def look(draw: st.DrawFn, campaign: Campaign) -> None:
    preset = draw(st.sampled_from(sorted(campaign["presets"])))
    campaign["presets"][preset] = draw(looks(campaign["model"]))


def add_product(draw: st.DrawFn, campaign: Campaign) -> None:
    campaign["products"]["added"] = {"name": draw(st.sampled_from(NAMES))}


def drop_product(draw: st.DrawFn, campaign: Campaign) -> None:
    if limited := [name for name, entry in campaign["products"].items() if "presets" in entry]:
        del campaign["products"][draw(st.sampled_from(limited))]


def add_seeds(draw: st.DrawFn, campaign: Campaign) -> None:
    more = draw(st.lists(st.integers(10, 99), min_size=1, max_size=3, unique=True))
    campaign["seeds"] = [*campaign["seeds"], *(seed for seed in more if seed not in campaign["seeds"])]


def drop_seeds(draw: st.DrawFn, campaign: Campaign) -> None:
    campaign["seeds"] = campaign["seeds"][: draw(st.integers(1, len(campaign["seeds"])))]


def another_size(draw: st.DrawFn, campaign: Campaign) -> None:
    campaign["sizes"] = draw(st.sampled_from([["896x1152"], ["1152x896"], ["896x1152", "1152x896"]]))


HARMLESS: list[Edit] = [rename, reorder, rekey, budget]
EDITS: list[Edit] = [
    *HARMLESS, reword, rename_in_words, look, add_product, drop_product, add_seeds, drop_seeds, another_size,
]  # fmt: skip


@st.composite
def edited(draw: st.DrawFn, model: str, edits: list[Edit]) -> tuple[Campaign, Campaign]:
    """A campaign, and what some edits made of it."""
    before = draw(campaigns(model))
    after = copy.deepcopy(before)
    for edit in draw(st.lists(st.sampled_from(edits), min_size=1, max_size=3)):
        edit(draw, after)
    return before, after


def write(path: Path, campaign: Campaign, comment: str = "") -> Path:
    rows = [f"{key}: {json.dumps(value)}   # {comment}" for key, value in campaign.items()]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def images(asked: Wanted) -> set[tuple[str, int]]:
    return {(recipe, seed) for recipe, seeds in asked.items() for seed in seeds}


def figures(before: Wanted, after: Wanted) -> tuple[int, int, int, int]:
    """Images due, their requests, images that stay, images that leave."""
    new = {recipe: len(seeds - before.get(recipe, set())) for recipe, seeds in after.items()}
    stay = images(before) & images(after)
    return sum(new.values()), sum(-(-number // PACK) for number in new.values()), len(stay), len(images(before) - stay)


def told(changes: Changes | None) -> tuple[int, int, int, int]:
    assert changes is not None
    assert sum(edit.due for edit in changes.edits) == changes.due
    assert sum(edit.left for edit in changes.edits) == changes.left
    return changes.due, changes.requests, changes.kept, changes.left


async def edit_and_compare(home: Path, before: Campaign, after: Campaign) -> None:
    expected = figures(wanted(before), wanted(after))
    old = write(home / "old" / "random.yaml", before)
    new = write(home / "new" / "random.yaml", after, "edited")
    assert told(between(load(old), load(new))[0]) == expected
    async with rehearsed(home) as rehearsal:
        file = write(home / "campaigns" / "random.yaml", before)
        assert await rehearsal.run(file) == 0
        bought = bill(rehearsal)
        write(file, after, "edited")
        with Ledger(home / "output" / "random") as ledger:
            status = PlanStatus(Plan(load(file), ledger.custom_model), ledger.states)
            assert told(since_last_run(ledger, status)) == expected
        assert await rehearsal.run(file) == 0
        assert (bill(rehearsal)[0] - bought[0], bill(rehearsal)[1] - bought[1]) == expected[:2]
        assert rehearsal.ledger["charged_twice"] == {}


async def buys_nothing_again(home: Path, before: Campaign, after: Campaign) -> None:
    """After harmless edits: the file edited, the campaign renamed, cloned, and the whole folder moved."""
    async with rehearsed(home) as rehearsal:
        file = write(home / "campaigns" / "random.yaml", before)
        assert await rehearsal.run(file) == 0
        bought = bill(rehearsal)
        assert await rehearsal.run(write(file, after, "edited")) == 0
        assert await rehearsal.run(write(file.with_name("clone.yaml"), after | {"campaign": "clone"})) == 0
        assert await rehearsal.run(write(file, after | {"campaign": "renamed"})) == 0
        rehearsal.home = home / "moved"
        rehearsal.home.mkdir()
        for folder in ("campaigns", "output"):
            (home / folder).rename(rehearsal.home / folder)
        for name in ("random", "clone"):
            assert await rehearsal.run(rehearsal.home / "campaigns" / f"{name}.yaml") == 0
        assert bill(rehearsal) == bought


def bill(rehearsal: Rehearsal) -> tuple[int, int]:
    return rehearsal.ledger["images_charged"], rehearsal.ledger["accepted"]


def hold(check: Callable[..., Any], edits: list[Edit], model: str, examples: int) -> None:
    @repeatable(examples)
    @given(pair=edited(model, edits))
    def holds(pair: tuple[Campaign, Campaign]) -> None:
        with tempfile.TemporaryDirectory(dir=QUICK) as home, asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(check(Path(home), *pair))

    holds()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("examples", [2, pytest.param(100, marks=pytest.mark.proof)])
def test_what_an_edit_costs_is_what_is_bought_after_it(model: str, examples: int) -> None:
    hold(edit_and_compare, EDITS, model, examples)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("examples", [1, pytest.param(40, marks=pytest.mark.proof)])
def test_names_order_comments_and_places_buy_nothing(model: str, examples: int) -> None:
    hold(buys_nothing_again, HARMLESS, model, examples)
