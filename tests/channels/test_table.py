"""The table of channels that ships: complete, dated, sure of what it says it is sure of."""

from __future__ import annotations

import re

import pytest

from campaign_runner.campaign_file.schema.ids import id_flaw
from campaign_runner.channels.channel import FORMATS, Channel
from campaign_runner.channels.table import known_channels

CHANNELS = list(known_channels().values())


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.id)
def test_every_row_says_what_a_channel_takes_who_says_so_and_when_it_was_read(channel: Channel) -> None:
    assert id_flaw(channel.id) is None
    assert channel.max_kb is not None and channel.max_kb >= 50
    assert set(channel.formats) <= set(FORMATS) and channel.formats
    assert channel.grade in ("A", "B", "C")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", channel.seen)
    assert channel.source.startswith("https://") or channel.use == "own"
    assert channel.safe.left + channel.safe.right < channel.size.width
    assert channel.safe.top + channel.safe.bottom < channel.size.height


def test_figures_that_a_platform_publishes_are_those_of_its_page() -> None:
    known = known_channels()
    assert str(known["linkedin-ad"].size) == "1200x628" and known["linkedin-ad"].max_bytes == 5_000_000
    assert str(known["instagram-story"].size) == "1080x1920" and known["instagram-story"].safe.bottom == 384
    assert known["display-billboard"].max_bytes == 150_000
