"""Small campaign files for tests: one text, changed by key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.model import CustomModel
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan

MODEL = CustomModel("urn:aaid:sc:US:1", "Warm Custom Model", "3", "etag-3", "")
SMALL: dict[str, Any] = {
    "campaign": "almond",
    "model": "image4_standard",
    "products": {"candle": {"name": "almond candle"}, "soap": {"name": "almond soap"}},
    "prompts": {"hero": {"text": "{product.name} on an oak table"}},
    "presets": {"plain": {}},
    "sizes": ["2048x2048"],
    "seeds": [66080, 82683],
}

SPRING = """\
campaign: spring
model: image3
products: {candle: candle, soap: soap}
prompts: {hero: "a {product.name}"}
sizes: [1024x1024]
seeds: [1, 2]
"""
"""Four images in two requests, as a person writes it."""


def written(folder: Path, file_name: str = "almond.yaml", **changes: Any) -> Path:
    """A campaign file in `folder`: SMALL with `changes`; None takes a key away. JSON is YAML."""
    keys = {name: value for name, value in (SMALL | changes).items() if value is not None}
    path = folder / file_name
    rows = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in keys.items()]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def campaign(folder: Path, **changes: Any) -> Campaign:
    """SMALL with `changes`, loaded."""
    return load(written(folder, **changes))


def plan(folder: Path, **changes: Any) -> Plan:
    """The plan of SMALL with `changes`."""
    return Plan(campaign(folder, **changes))


def status(folder: Path, **changes: Any) -> PlanStatus:
    """The same, of which nothing was ever submitted."""
    return PlanStatus(plan(folder, **changes))


def keys_of(plan: Plan) -> set[str]:
    """The keys of everything planned."""
    return {planned.variation.key for planned in plan}
