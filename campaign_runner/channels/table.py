"""The channels that ship with the program, from `table.csv`: figures with their source, their date and their grade.

Platforms change what they take, so a row says where and when it was read. Nothing that is bought depends on it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from campaign_runner.channels.channel import Channel, SafeEdges
from campaign_runner.model import Size


@cache
def known_channels() -> Mapping[str, Channel]:
    """Every channel of the table by its id, in its order."""
    text = Path(__file__).with_name("table.csv").read_text(encoding="utf-8")
    return MappingProxyType({row["id"]: _channel(row) for row in csv.DictReader(text.splitlines())})


def _channel(row: Mapping[str, str]) -> Channel:
    return Channel(
        id=row["id"],
        size=Size(int(row["width"]), int(row["height"])),
        max_kb=int(row["max_kb"]),
        formats=tuple(row["formats"].split("|")),
        safe=SafeEdges(*(int(row[f"safe_{edge}"]) for edge in ("top", "right", "bottom", "left"))),
        **{name: row[name] for name in ("use", "grade", "seen", "page_date", "source", "note")},
    )
