"""Which image goes to which channel: one file for each chosen image, cell and channel.

A channel is cut from the images of one size, the one that it shows most of: the size that `plan` names. Where a row has
no chosen image of that size, it waits; `any_size` takes the next best that keeps enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from campaign_runner.campaign_file.schema.channels import channels_of
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.channels.channel import Channel
from campaign_runner.channels.crops import GOOD_SHARE, best_size, crop_at, share
from campaign_runner.journal.ledger import Entry
from campaign_runner.model import Cell, Size
from campaign_runner.output_folder.delivery_record import Approval

EVERY_CHANNEL = "*"
Place: TypeAlias = tuple[str, str, str, str | None]
"""A row without its size: product, prompt, preset and market."""
Slot: TypeAlias = tuple[Place, str, str | None]
"""Row, channel, and the image's key where a row delivers several: there is one current file of each in a target."""
FocusByChannel: TypeAlias = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class ChosenImage:
    """A stored image that is to be delivered in one of its cells.

    `focus` holds points or parts by channel, EVERY_CHANNEL for all others; `is_disputed` where people said different
    things of that.
    """

    entry: Entry
    cell: Cell
    approved: tuple[Approval, ...] = ()
    focus: FocusByChannel = field(default_factory=dict)
    is_disputed: bool = False

    def focus_for(self, channel: Channel) -> tuple[float, ...] | None:
        """What the cut of a channel is placed by; None for the middle."""
        found = self.focus.get(channel.id, self.focus.get(EVERY_CHANNEL))
        return None if found is None else tuple(found)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file that is to be there. `is_one_of_several`: its row delivers several images to the channel."""

    chosen: ChosenImage
    channel: Channel
    is_one_of_several: bool

    @property
    def slot(self) -> Slot:
        """What there is one current file of: versions are counted in it."""
        key = self.chosen.entry.key if self.is_one_of_several else None
        return place_of_cell(self.chosen.cell), self.channel.id, key


@dataclass(frozen=True, slots=True)
class WaitingRows:
    """Rows that have no chosen image of the size that a channel is cut from."""

    channel: Channel
    size: Size
    rows: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that is not made, and why."""

    place: Place
    channel: str
    reason: str


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The files that are wanted, what waits, and what cannot be made from any size of the campaign."""

    wanted: tuple[Wanted, ...]
    waiting: tuple[WaitingRows, ...]
    left_out: tuple[LeftOut, ...]


def place_of_cell(cell: Cell) -> Place:
    """The row of a cell without its size."""
    return cell.product, cell.prompt, cell.preset, cell.market


def named(place: Place) -> str:
    """A row in words."""
    return "/".join(filter(None, place))


def arrange(
    campaign: Campaign, chosen: Iterable[ChosenImage], rows: Iterable[Place], *, any_size: bool = False
) -> Arrangement:
    """What is to be delivered of `chosen`; `rows` are all rows that anything may be wanted of, in plan order."""
    images: dict[Place, dict[Size, list[ChosenImage]]] = {}
    for each in chosen:
        images.setdefault(place_of_cell(each.cell), {}).setdefault(each.cell.size, []).append(each)
    places = dict.fromkeys((*rows, *images))
    wanted: list[Wanted] = []
    waiting: list[WaitingRows] = []
    left_out: list[LeftOut] = []
    for channel in channels_of(campaign.channels):
        size = best_size(channel, campaign.sizes)
        if size is None:
            reason = f"no size of the campaign is as large as {channel.size}: it would be enlarged"
            left_out += [LeftOut(place, channel.id, reason) for place in places if place in images]
            continue
        missing = []
        for place in places:
            found = _of_size(images.get(place, {}), channel, size, any_size=any_size)
            wanted += _wanted(found, channel)
            missing += [] if found else [place]
        if missing:
            waiting.append(WaitingRows(channel, size, tuple(missing)))
    order = {place: number for number, place in enumerate(places)}
    wanted.sort(key=lambda each: order[place_of_cell(each.chosen.cell)])
    return Arrangement(tuple(wanted), tuple(waiting), tuple(left_out))


def _of_size(
    images: Mapping[Size, list[ChosenImage]], channel: Channel, size: Size, *, any_size: bool
) -> list[ChosenImage]:
    """The chosen images of one row that a channel is cut from."""
    if size in images or not any_size:
        return images.get(size, [])
    good = [other for other in images if share(other, channel) >= GOOD_SHARE]
    able = [other for other in good if not crop_at(other, channel).enlarges(channel)]
    next_best = best_size(channel, able)
    return images[next_best] if next_best is not None else []


def _wanted(images: Sequence[ChosenImage], channel: Channel) -> Iterator[Wanted]:
    for each in images:
        yield Wanted(each, channel, is_one_of_several=len(images) > 1)
