"""What a campaign says of its delivery, read: the channels as they are used, and the words of file names."""

from __future__ import annotations

from collections.abc import Iterator

from campaign_runner.campaign_file.schema.schema import Campaign, ChannelEntry
from campaign_runner.channels.channel import Channel, SafeEdges
from campaign_runner.channels.table import known_channels

AXES = ("product", "prompt", "preset", "market")
"""What tells cells apart whose pictures are delivered to one channel."""
NAME_WORDS = (*AXES, "size", "seed", "language", "channel", "width", "height", "version", "campaign", "key8")
"""Placeholders of a file name, beside `product.…` and `market.…`."""
FOLDER_WORDS = (*AXES, "product.sku", "language", "channel", "campaign", "size")
COLUMNS = (
    *("file", "channel", "market", "language", "product", "sku", "prompt", "preset", "version", "width", "height"),
    *("bytes", "sha256", "alt", "ai_generated", "approved_by", "approved_at", "key8"),
)
"""The columns of upload.csv."""
SKU = "product.sku"
PROMPT_AS_ALT = "prompt"
"""The `alt` that stands for the prompt itself."""


def channel_of(entry: ChannelEntry) -> Channel | None:
    """A channel as a campaign uses it: its own figures before those of the table. None where it is in neither."""
    known = known_channels().get(entry.name)
    if known is None:
        if entry.size is None:
            return None
        return Channel(entry.name, entry.size, entry.max_kb, entry.formats or ("jpeg",), _safe(entry) or SafeEdges())
    return Channel(
        id=known.id,
        size=entry.size or known.size,
        max_kb=entry.max_kb or known.max_kb,
        formats=entry.formats or known.formats,
        safe=_safe(entry) or known.safe,
        **{name: getattr(known, name) for name in ("use", "grade", "seen", "page_date", "source", "note")},
    )


def channels_of(campaign: Campaign) -> Iterator[Channel]:
    """The channels of a campaign, in file order; one that does not exist is left out."""
    yield from filter(None, map(channel_of, campaign.channels))


def _safe(entry: ChannelEntry) -> SafeEdges | None:
    if entry.safe is None:
        return None
    return SafeEdges(entry.safe.top, entry.safe.right, entry.safe.bottom, entry.safe.left)
