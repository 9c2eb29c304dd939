"""From which size each channel of a campaign is cut, in words."""

from __future__ import annotations

from collections.abc import Iterator

from campaign_runner.campaign_file.schema.channels import channels_of
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.channels.crops import GOOD_SHARE, best_size, share


def channel_lines(campaign: Campaign) -> Iterator[str]:
    """One line a channel: its pixels, the size that it is cut from, and how much of that it shows."""
    for channel in channels_of(campaign.channels):
        size = best_size(channel, campaign.sizes)
        if size is None:
            yield f"{channel.id} {channel.size}: larger than every size here; left out, never enlarged"
            continue
        kept = share(size, channel)
        little = ": little, look at each cut" if kept < GOOD_SHARE else ""
        made = " ".join(dict.fromkeys((campaign.family.called(size), str(size))))
        yield f"{channel.id} {channel.size} from {made}, shows {kept:.0%}{little}"
