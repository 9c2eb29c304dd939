"""How many images a campaign makes: not too many to plan, not none, not more than its budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from campaign_runner.campaign_file.check.partial import PartialCampaign
from campaign_runner.campaign_file.schema.cells import Cells
from campaign_runner.campaign_file.schema.compose import Composer
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.campaign_file.schema.shape import LISTS
from campaign_runner.problem import Problem
from campaign_runner.text import plural

MOST_CELLS = 1_000_000
_MULTIPLIED = frozenset((*LISTS, "exclude", "include"))


def product_of_lists(campaign: Campaign) -> int:
    """Images by the lengths of the lists alone, `include` counted in."""
    lists = (campaign.products, campaign.prompts, campaign.presets, campaign.sizes, campaign.seeds)
    included = sum(len(campaign.seeds if entry.seeds is None else entry.seeds) for entry in campaign.include)
    return prod(len(values) for values in lists) * max(1, len(campaign.markets)) + included


def count_problems(draft: PartialCampaign, *, is_sound: bool, heeds_budget: bool = True) -> Iterator[Problem]:
    """Too many images, none, or more than the budget, if that is heeded; nothing while one of the lists has a mistake.

    Cells that ask for the same image are bought once; they are told apart only where `is_sound` says that all
    texts can be filled.
    """
    campaign = draft.campaign
    if _MULTIPLIED & draft.broken or draft.family is None:
        return
    if (most := product_of_lists(campaign)) > MOST_CELLS:
        message = f"the lists multiply to {most:,} images; a campaign can have at most {MOST_CELLS:,}"
        yield draft.source.at_key(("seeds",), message, f"{_multiplication(campaign)}: split the campaign")
        return
    images, budget = Cells(campaign).count(), campaign.budget
    if not images:
        advice = "`exclude` and the limits of the entries leave no combination"
        yield draft.source.at_key(("exclude",), "this campaign makes no images", advice)
    elif heeds_budget and budget is not None and images > budget:
        images = _different_images(campaign) if is_sound else images
        if images > budget:
            message = (
                f"this campaign makes {plural(images, 'image')}, {images - budget:,} over its budget of {budget:,}"
            )
            advice = f"{_multiplication(campaign)}: shorten a list, or write budget: {images}"
            yield draft.source.at(("budget",), message, advice)


def _different_images(campaign: Campaign) -> int:
    """Images without those that two cells ask for alike."""
    cells, composer = Cells(campaign), Composer(campaign)
    asked: dict[int, Sequence[int] | set[int]] = {}
    for number in cells.numbers():
        cell, seeds = cells.cell(number), cells.seeds(number)
        composed = composer.compose(cell)
        alike = hash((composed.prompt, cell.size, frozenset(composed.look.items())))
        before = asked.get(alike, seeds)
        asked[alike] = seeds if before is seeds else {*before, *seeds}
    return sum(map(len, asked.values()))


def _multiplication(campaign: Campaign) -> str:
    """`2 products x 1 prompt x …`"""
    lengths = [(len(getattr(campaign, axis)), axis[:-1]) for axis in LISTS]
    return " x ".join(plural(length, noun) for length, noun in lengths if length)
