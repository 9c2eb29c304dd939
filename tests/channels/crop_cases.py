"""`crops.json` as the program reads pictures, channels and focus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from campaign_runner.channels.channel import Channel, SafeEdges
from campaign_runner.model import Size


@dataclass(frozen=True, slots=True)
class CropCase:
    """One case: a picture, a channel and a focus, and what the channel shows then."""

    name: str
    picture: Size
    channel: Channel
    focus: tuple[float, ...] | None
    crop: tuple[float, float, float, float]
    enlarges: bool


def crop_cases() -> Iterator[CropCase]:
    """Every case."""
    told = json.loads(Path(__file__).with_name("crops.json").read_text(encoding="utf-8"))
    for case in told["cases"]:
        left, top, width, height = case["crop"]
        channel = Channel("any", Size(*case["channel"]), safe=SafeEdges(**case.get("safe", {})))
        focus = tuple(case["focus"]) if case["focus"] else None
        crop, enlarges = (left, top, width, height), case.get("enlarges", False)
        yield CropCase(case["name"], Size(*case["picture"]), channel, focus, crop, enlarges)
