"""Another take of one image: an `include` entry in the campaign's file, proved before anything is written.

The file with the entry is read and planned in memory. It is written only if it has no problem, keeps
every image it had, and adds exactly the images that were asked for.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from itertools import islice

from campaign_runner.authoring.draft import Draft, Retake, TakeChange, entry_fields
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.campaign_file.schema.spellings import spelt
from campaign_runner.errors import UsageError
from campaign_runner.model import Cell, CustomModel, Recipe, Variation
from campaign_runner.plan.plan import Plan
from campaign_runner.text import joined, plural

_HIGHEST_SEED = 2**31 - 1


def retake(
    campaign: Campaign,
    image: Variation,
    change: TakeChange,
    *,
    model: CustomModel | None = None,
    bought: Collection[str] = (),
    budget: int | None = None,
) -> Retake:
    """Another take of `image`, which is or was in the campaign.

    `model` is what the custom model's name was found to mean, `bought` are the keys ever asked for: further seeds are
    the next ones of which no one asked. `budget` is written in the place of the campaign's own. Raises UsageError where
    the file cannot say so, or would be wrong.
    """
    plan = Plan(campaign, model)
    if not plan.knows_keys:
        raise UsageError("the images of a custom model have keys once a first run looked it up: run the campaign first")
    planned = set(plan.keys())
    draft = Draft(campaign, [entry_fields(campaign, *_where(plan, image, change))], model, budget)
    (recipe,) = draft.recipes(image.seed)
    seeds = change.seeds or (image.seed,)
    if change.further:
        seeds = _further(recipe, image.seed, change.further, planned | set(bought))
    if twice := [seed for seed in seeds if recipe.key(seed) in planned]:
        raise UsageError(f"the campaign already has that image, with seed {joined(list(map(str, twice)))}")
    return draft.added([seeds], [recipe.key(seed) for seed in seeds])


def _where(plan: Plan, image: Variation, change: TakeChange) -> tuple[Cell, TakeChange]:
    """Where the image is now, or where it was; one that left the campaign keeps the words it had."""
    position = next((at for at, key in enumerate(plan.keys()) if key == image.key), None)
    if position is not None:
        return plan.at(position).variation.cell, change
    cell = spelt(image.cell, plan.campaign.spellings)
    return cell, change if change.text is not None else replace(change, text=image.prompt_template)


def _further(recipe: Recipe, seed: int, number: int, taken: Collection[str]) -> tuple[int, ...]:
    """The next seeds after `seed` of which no image was planned or asked for yet."""
    seeds = tuple(
        islice((next for next in range(seed + 1, _HIGHEST_SEED + 1) if recipe.key(next) not in taken), number)
    )
    if len(seeds) < number:
        raise UsageError(f"there are no {plural(number, 'further seed')} after {seed}: name them with --seeds")
    return seeds
