"""A strength needs something to work on: styles or a style reference, or a structure reference.

It is left out of requests that have none; it is a problem only where no picture could ever use it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from campaign_runner.campaign_file.check.partial import PartialCampaign, whole_cells
from campaign_runner.campaign_file.schema.cells import AXES
from campaign_runner.campaign_file.schema.look import layers, look_places
from campaign_runner.campaign_file.schema.schema import Look
from campaign_runner.campaign_file.syntax.source import Loc
from campaign_runner.problem import Problem

_WORKS_ON = {"strength": ("styles", "style_reference"), "structure_strength": ("structure_reference",)}


def strength_problems(draft: PartialCampaign) -> Iterator[Problem]:
    """Strengths that no picture can use."""
    for strength, supports in _WORKS_ON.items():
        places = {loc for loc, look in look_places(draft.campaign) if getattr(look, strength) is not None}
        if places:
            for loc in _unused(draft, places, strength, supports):
                advice = f"give it {' or '.join(f'a {name}' if name[-1] != 's' else name for name in supports)}"
                message = f"{strength} has no effect without {' or '.join(supports)}"
                yield draft.source.at_key((*loc, strength), message, f"{advice}, or remove it")


def _unused(draft: PartialCampaign, places: set[Loc], strength: str, supports: tuple[str, ...]) -> set[Loc]:
    """Those of `places` whose strength no picture can use."""
    fields = (strength, *supports)
    givers = {str(loc[0]) for loc, look in look_places(draft.campaign) if look.model_fields_set.intersection(fields)}
    axes = {axis for axis in AXES if f"{axis}s" in givers}
    unused = set(places)
    for cell in whole_cells(draft, axes or {"product"}):
        chain = layers(draft.campaign, cell)
        if any(_last(chain, support) for support in supports):
            unused.difference_update(loc for loc, _ in chain)
        if not unused:
            break
    return unused


def _last(chain: list[tuple[Loc, Look]], field: str) -> Any:
    """The value that holds in the end, None if it is unset."""
    return next((getattr(look, field) for _, look in reversed(chain) if field in look.model_fields_set), None)
