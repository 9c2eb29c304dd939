"""More images of rows that have none to use: an `include` entry each, with seeds that the row never had."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from campaign_runner.authoring.draft import Draft, Retake, TakeChange, entry_fields
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.errors import UsageError
from campaign_runner.families import LARGEST_SEED
from campaign_runner.model import Cell, CustomModel, Recipe
from campaign_runner.plan.plan import Plan


@dataclass(frozen=True, slots=True)
class MoreOf:
    """A cell of the campaign whose words are asked for again, and the seeds that its row has had."""

    cell: Cell
    seeds: frozenset[int]


def reroll(
    campaign: Campaign,
    rows: Sequence[MoreOf],
    *,
    model: CustomModel | None = None,
    bought: Collection[str] = (),
    budget: int | None = None,
) -> Retake:
    """The campaign file with an entry for each of `rows`, with as many new seeds as the model packs into a request.

    `bought` are the keys ever asked for, `budget` a new one. Rows that are one picture (sizes of a garment) are given
    the same seeds, so that it is bought once. Raises UsageError where the file cannot say so, or would be wrong.
    """
    plan = Plan(campaign, model)
    if not plan.knows_keys:
        raise UsageError("the images of a custom model have keys once a first run looked it up: run the campaign first")
    taken = {*plan.keys(), *bought}
    draft = Draft(campaign, [entry_fields(campaign, row.cell, TakeChange()) for row in rows], model, budget)
    recipes = draft.recipes(min(rows[0].seeds, default=1))
    seeds = [
        _new_seeds(recipe, row.seeds, campaign.family.pack, taken) for recipe, row in zip(recipes, rows, strict=True)
    ]
    keys = [recipe.key(seed) for recipe, own in zip(recipes, seeds, strict=True) for seed in own]
    return draft.added(seeds, keys)


def _new_seeds(recipe: Recipe, used: Collection[int], number: int, taken: Collection[str]) -> tuple[int, ...]:
    """The next seeds after those of the row, of which no one asked for this picture yet."""
    highest = max(used, default=0)
    candidates = chain(range(highest + 1, LARGEST_SEED + 1), range(highest))
    seeds = (seed for seed in candidates if seed not in used and recipe.key(seed) not in taken)
    return tuple(islice(seeds, number))
