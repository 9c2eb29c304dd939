"""How the look fields of a cell come together.

They may be in `defaults`, a market, a preset, a prompt, a product and an `include` entry; the
later in this row wins, null unsets, lists replace. Nothing is left in the result that the
service would ignore: a strength without something to apply it to, an empty list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from campaign_runner.campaign_file.schema.schema import Campaign, Look
from campaign_runner.campaign_file.syntax.source import Loc
from campaign_runner.model import Cell

FIELDS = tuple(Look.model_fields)
REFERENCES = ("style_reference", "structure_reference")


def own_fields(look: Look) -> dict[str, Any]:
    """The look fields that an entry gives, None where it takes one away."""
    return {name: getattr(look, name) for name in FIELDS if name in look.model_fields_set}


def merged(givers: Iterable[dict[str, Any]], locale: str | None = None) -> dict[str, Any]:
    """The fields that are set after all `givers`, the later winning. The market's own `locale` always wins."""
    fields: dict[str, Any] = {}
    for giver in givers:
        fields.update(giver)
    fields = {name: value for name, value in fields.items() if value is not None and value != ()}
    if "styles" not in fields and "style_reference" not in fields:
        fields.pop("strength", None)
    if "structure_reference" not in fields:
        fields.pop("structure_strength", None)
    if "styles" in fields:
        fields["styles"] = tuple(sorted(fields["styles"]))
    if locale:
        fields["locale"] = locale
    return fields


def look_places(campaign: Campaign) -> Iterator[tuple[Loc, Look]]:
    """Every place of a campaign where look fields may be, and what is there."""
    yield ("defaults",), campaign.defaults
    for axis in ("markets", "presets", "prompts", "products"):
        for id, entry in getattr(campaign, axis).items():
            yield (axis, id), entry
    for at, entry in enumerate(campaign.include):
        yield ("include", at), entry


def layers(campaign: Campaign, cell: Cell) -> list[tuple[Loc, Look]]:
    """Where the look of a cell comes from, the later winning."""
    found: list[tuple[Loc, Look]] = [(("defaults",), campaign.defaults)]
    names = {"markets": cell.market, "presets": cell.preset, "prompts": cell.prompt, "products": cell.product}
    found += [((axis, id), getattr(campaign, axis)[id]) for axis, id in names.items() if id is not None]
    if cell.include is not None:
        found.append((("include", cell.include), campaign.include[cell.include]))
    return found
