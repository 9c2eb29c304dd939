"""A campaign as far as it can be read, so that the rules across fields speak up in the same run of `check`.

What the schema refuses is taken out, entry by entry, until the rest fits; `names` still knows every id that
was written, so that nothing is called unknown which merely has a mistake of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from campaign_runner.campaign_file.check.explanations import explained
from campaign_runner.campaign_file.schema.cells import Cells
from campaign_runner.campaign_file.schema.ids import Derive, derived
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.campaign_file.schema.shape import LISTS, Fields, Normalizer, is_of_delivery
from campaign_runner.campaign_file.schema.values import Reading
from campaign_runner.campaign_file.syntax.source import Loc, Scalar, Source
from campaign_runner.families import FAMILIES, Family
from campaign_runner.model import Cell
from campaign_runner.problem import Problem

_MOST_PASSES = 8
_MOST_TOLD = 500  # problems
_STAND_INS: Fields = {
    "campaign": "draft",
    "model": "image3",
    "products": {},
    "prompts": {},
    "presets": {"plain": {}},
    "sizes": ["square"],
    "seeds": [Scalar("1", 0, 0, is_plain=True)],
}


@dataclass(frozen=True, slots=True)
class PartialCampaign:
    """`family` is None where the model is not known.

    `broken` are the top-level keys that something was taken out of, `doubtful` the entries. What is wrong with what is
    about delivered files alone is `undeliverable`, and nothing else knows of it.
    """

    campaign: Campaign
    source: Source
    family: Family | None
    names: Mapping[str, frozenset[str]]
    broken: frozenset[str]
    doubtful: frozenset[Loc]
    undeliverable: tuple[Problem, ...] = ()


def drafted(source: Source, derive: Derive = derived) -> tuple[PartialCampaign | None, list[Problem]]:
    """What can be read of a file, and what the schema refuses; no Draft if nothing fits together.

    `derive` makes the ids of listed names.
    """
    shaper = Normalizer(source, derive)
    fields, source = shaper.campaign(), shaper.source()
    model = fields.get("model")
    family = FAMILIES.get(model.text) if isinstance(model, Scalar) else None
    known = [axis for axis in LISTS if isinstance(fields.get(axis), dict) and (axis,) not in shaper.holes]
    names = {axis: frozenset(fields[axis]) for axis in known}
    problems = shaper.problems[:_MOST_TOLD]
    if not fields:
        return None, problems
    taken = set(shaper.holes)
    undeliverable: list[Problem] = []
    for attempt in range(_MOST_PASSES):
        try:
            campaign = Campaign.model_validate(fields, context=Reading(family, source))
        except ValidationError as error:
            errors = error.errors(include_url=False)
            bought = [found for found in errors if not is_of_delivery(found["loc"])]
            if not attempt:
                problems += islice(explained(source, bought, shaper.holes), _MOST_TOLD)
                delivered = [found for found in errors if is_of_delivery(found["loc"])]
                undeliverable += islice(explained(source, delivered, shaper.holes), _MOST_TOLD)
            taken |= {found["loc"] for found in bought}
            _take_out(fields, errors)
            fields = deepcopy(_STAND_INS) | fields
        else:
            broken = frozenset(str(loc[0]) for loc in taken)
            doubtful = frozenset(loc[:2] for loc in taken)
            return PartialCampaign(campaign, source, family, names, broken, doubtful, tuple(undeliverable)), problems
    return None, problems


def whole_cells(draft: PartialCampaign, axes: Collection[str]) -> Iterator[Cell]:
    """One cell for each combination on `axes`, but for `include` entries that name someone who is not there."""
    campaign = draft.campaign
    for cell in Cells(campaign).distinct(axes):
        is_placed = cell.market in campaign.markets if campaign.markets else cell.market is None
        is_known = cell.product in campaign.products and cell.prompt in campaign.prompts
        if is_placed and is_known and cell.preset in campaign.presets:
            yield cell


def _take_out(fields: Fields, errors: list[ErrorDetails]) -> None:
    """Remove what does not fit, and entries that miss something; the later of a list first, so positions stay true."""
    locs = {_whole(found["loc"][:-1] if found["type"] == "missing" else found["loc"]) for found in errors}
    for loc in sorted(locs, key=lambda loc: [(isinstance(part, str), part) for part in loc], reverse=True):
        way: list[tuple[Any, str | int]] = []
        holder: Any = fields
        for part in loc:
            if not isinstance(holder, dict | list) or (inner := _part(holder, part)) is None:
                break
            way.append((holder, part))
            holder = inner
        for holder, part in reversed(way):
            del holder[part]
            if holder:
                break


def _whole(loc: Loc) -> Loc:
    """A list goes as a whole, so that positions stay true; of `exclude` and `include` only the entry."""
    entry = 2 if loc[:1] in (("exclude",), ("include",)) else 0
    return next((loc[:at] for at, part in enumerate(loc) if isinstance(part, int) and at >= entry), loc)


def _part(holder: Any, part: str | int) -> Any:
    if isinstance(holder, list):
        return holder[part] if isinstance(part, int) and part < len(holder) else None
    return holder.get(part)
