"""Which sizes to make, for a file that says only where its pictures go."""

from __future__ import annotations

from collections.abc import Iterator

from campaign_runner.campaign_file.schema.values import pixels_in
from campaign_runner.campaign_file.syntax.source import Listed, Node, Pairs, Scalar, Source
from campaign_runner.channels.channel import Channel
from campaign_runner.channels.crops import fewest_sizes
from campaign_runner.channels.table import known_channels
from campaign_runner.families import FAMILIES

_USUAL = "image4_standard"


def sizes_to_make(source: Source) -> str | None:
    """The line `sizes: [tall, wide]`: the fewest from which all channels of a file are cut; None without a channel."""
    _, model = source.find(("model",))
    family = FAMILIES.get(model.text if isinstance(model, Scalar) else "", FAMILIES[_USUAL])
    sizes = fewest_sizes(list(_channels(source)), family.sizes)
    return f"sizes: [{', '.join(map(family.called, sizes))}]" if sizes else None


def _channels(source: Source) -> Iterator[Channel]:
    """The channels that can be understood as they are written."""
    key, node = source.find(("channels",))
    if key is None or not isinstance(node, Listed):
        return
    for entry in node.nodes:
        known = known_channels().get(_text(entry, "name"))
        size = pixels_in(_text(entry, "size")) or (known.size if known is not None else None)
        if size is not None:
            yield Channel(_text(entry, "name"), size)


def _text(entry: Node, field: str) -> str:
    """What a channel's entry says of a field; a bare text is its name."""
    if isinstance(entry, Scalar):
        return entry.text if field == "name" else ""
    if isinstance(entry, Pairs) and field in entry.entries:
        _, value = entry.entries[field]
        return value.text if isinstance(value, Scalar) else ""
    return ""
