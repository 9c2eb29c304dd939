"""What a channel shows of a picture: the largest part of its ratio, placed by the focus. Pure geometry.

Lengths are pixels of the picture, as fractions where the ratio needs them; a focus is in fractions of the picture,
from its top left. A part that has fewer pixels than the channel would have to be enlarged, which is never done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from campaign_runner.channels.channel import Channel
from campaign_runner.model import Size

GOOD_SHARE = 0.6
"""Below this share of a picture, a channel shows so little of it that people are warned."""
MIDDLE = (0.5, 0.5)
_DECIMALS = 3
_ALMOST = 1e-3  # pixels that rounding may take


@dataclass(frozen=True, slots=True)
class Crop:
    """A part of a picture, in its pixels."""

    left: float
    top: float
    width: float
    height: float

    def box(self, picture: Size) -> tuple[float, float, float, float]:
        """Left, top, right and bottom, none of them outside the picture, wherever they were rounded to."""
        right, bottom = self.left + self.width, self.top + self.height
        return self.left, self.top, min(right, picture.width), min(bottom, picture.height)

    def enlarges(self, channel: Channel) -> bool:
        """Whether it has fewer pixels than the channel."""
        return self.width < channel.size.width - _ALMOST or self.height < channel.size.height - _ALMOST


def crop_at(picture: Size, channel: Channel, focus: Sequence[float] = MIDDLE) -> Crop:
    """The part of a picture that a channel shows.

    Two numbers are a point, which comes as near as possible to the middle of the channel's safe area. Four are a part
    (left, top, width, height), which is brought to the channel's ratio inwards.
    """
    if len(focus) == 4:
        return _inwards(picture, channel, focus)
    width, height = _largest(picture.width, picture.height, channel.size)
    across, down = channel.safe.middle(channel.size)
    left = _within(focus[0] * picture.width - across * width, picture.width - width)
    top = _within(focus[1] * picture.height - down * height, picture.height - height)
    return _rounded(left, top, width, height)


def share(picture: Size, channel: Channel) -> float:
    """How much of a picture the channel shows, from 0 to 1."""
    width, height = _largest(picture.width, picture.height, channel.size)
    return width * height / (picture.width * picture.height)


def best_size(channel: Channel, sizes: Iterable[Size]) -> Size | None:
    """Which of `sizes` a channel is cut from: the one that it shows most of, the larger of equals.

    None where every one of them would have to be enlarged.
    """
    large = [size for size in sizes if not crop_at(size, channel).enlarges(channel)]
    return max(large, key=lambda size: (round(share(size, channel), _DECIMALS), size.width * size.height), default=None)


def fewest_sizes(channels: Sequence[Channel], sizes: Sequence[Size]) -> tuple[Size, ...]:
    """The fewest of `sizes` from which all channels are cut without losing much; of as few, those that keep most.

    A channel that loses much from every one of them is content with its best; one that none of them is large enough
    for does not count.
    """
    best = {channel: size for channel in channels if (size := best_size(channel, sizes)) is not None}
    wanted = {channel: min(GOOD_SHARE, share(size, channel)) for channel, size in best.items()}
    if not wanted:
        return ()
    for number in range(1, len(sizes) + 1):
        found = [some for some in combinations(sizes, number) if _cover(some, wanted)]
        if found:
            return max(found, key=lambda some: _kept(some, list(wanted)))
    return ()


def _cover(sizes: Sequence[Size], wanted: dict[Channel, float]) -> bool:
    chosen = {channel: best_size(channel, sizes) for channel in wanted}
    return all(size is not None and share(size, channel) >= wanted[channel] for channel, size in chosen.items())


def _kept(sizes: Sequence[Size], channels: Sequence[Channel]) -> tuple[float, int]:
    """The shares of all channels together, then the pixels."""
    chosen = ((channel, best_size(channel, sizes)) for channel in channels)
    kept = sum(share(size, channel) for channel, size in chosen if size is not None)
    return round(kept, _DECIMALS), sum(size.width * size.height for size in sizes)


def _inwards(picture: Size, channel: Channel, part: Sequence[float]) -> Crop:
    left, top = part[0] * picture.width, part[1] * picture.height
    wide = min(part[2] * picture.width, picture.width - left)
    high = min(part[3] * picture.height, picture.height - top)
    width, height = _largest(wide, high, channel.size)
    return _rounded(left + (wide - width) / 2, top + (high - height) / 2, width, height)


def _largest(width: float, height: float, ratio: Size) -> tuple[float, float]:
    """The largest width and height of that ratio which fit."""
    scale = min(width / ratio.width, height / ratio.height)
    return ratio.width * scale, ratio.height * scale


def _within(start: float, most: float) -> float:
    return min(max(start, 0.0), max(most, 0.0))


def _rounded(*lengths: float) -> Crop:
    left, top, width, height = (round(length, _DECIMALS) for length in lengths)
    return Crop(left, top, width, height)
