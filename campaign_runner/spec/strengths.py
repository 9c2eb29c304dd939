"""A strength needs something to work on: styles or a style reference, or a structure reference.

It is left out of requests that have none; it is a problem only where no picture could ever use it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from campaign_runner.spec.cells import AXES
from campaign_runner.spec.draft import Draft, whole_cells
from campaign_runner.spec.look import layers, look_places
from campaign_runner.spec.problems import Problem
from campaign_runner.spec.schema import Look
from campaign_runner.spec.source import Loc

_WORKS_ON = {"strength": ("styles", "style_reference"), "structure_strength": ("structure_reference",)}


def strength_problems(draft: Draft) -> Iterator[Problem]:
    """Strengths that no picture can use."""
    for strength, supports in _WORKS_ON.items():
        places = {loc for loc, look in look_places(draft.campaign) if getattr(look, strength) is not None}
        if places:
            for loc in sorted(places - _used(draft, strength, supports), key=str):
                advice = f"give it {' or '.join(f'a {name}' if name[-1] != 's' else name for name in supports)}"
                message = f"{strength} has nothing to work on: no {' and no '.join(supports)}"
                yield draft.source.at_key((*loc, strength), message, f"{advice}, or take it away")


def _used(draft: Draft, strength: str, supports: tuple[str, ...]) -> set[Loc]:
    """The places whose strength some picture can use."""
    fields = (strength, *supports)
    axes = {_axis(loc) for loc, look in look_places(draft.campaign) if look.model_fields_set.intersection(fields)}
    used: set[Loc] = set()
    for cell in whole_cells(draft, {"product", "prompt", *axes} & set(AXES)):
        chain = layers(draft.campaign, cell)
        if any(_last(chain, support) for support in supports):
            used.update(loc for loc, look in chain if getattr(look, strength) is not None)
    return used


def _axis(loc: Loc) -> str:
    return str(loc[0]).removesuffix("s")


def _last(chain: list[tuple[Loc, Look]], field: str) -> Any:
    """The value that holds in the end, None if it is unset."""
    return next((getattr(look, field) for _, look in reversed(chain) if field in look.model_fields_set), None)
