"""`channels` and `deliver` of a campaign file: where pictures go, how files are named. Never part of what is bought."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from campaign_runner.campaign_file.schema.values import as_list, as_number, as_pixels, as_text, as_wording
from campaign_runner.channels.channel import Channel, SafeEdges
from campaign_runner.channels.table import known_channels
from campaign_runner.model import Size

_Name: TypeAlias = Annotated[str, BeforeValidator(as_text)]
_Number: TypeAlias = Annotated[int, BeforeValidator(as_number)]
_Pixels: TypeAlias = Annotated[Size, PlainValidator(as_pixels)]
_Text: TypeAlias = Annotated[str, BeforeValidator(as_wording)]
_Texts: TypeAlias = Annotated[dict[str, _Text], Field(min_length=1)]
_Names: TypeAlias = Annotated[tuple[_Text, ...], BeforeValidator(as_list)]


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


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class ClearEdges(_Closed):
    """How many pixels of a channel the platform covers, from each edge."""

    top: Annotated[_Number, Field(ge=0)] = 0
    """From the top."""
    right: Annotated[_Number, Field(ge=0)] = 0
    """From the right."""
    bottom: Annotated[_Number, Field(ge=0)] = 0
    """From the bottom."""
    left: Annotated[_Number, Field(ge=0)] = 0
    """From the left."""


class ChannelEntry(_Closed):
    """A place of delivery: one of `campaign-runner channels`, whose figures it may change, or one of your own."""

    name: _Name
    """Its id: one of the table, or a new one, which needs a size."""
    size: _Pixels | None = None
    """Its pixels, such as 970x250."""
    max_kb: Annotated[_Number, Field(ge=1)] | None = None
    """The weight a file may have, in units of 1,000 bytes."""
    formats: Annotated[_Names, Field(min_length=1)] | None = None
    """jpeg, png, webp: the first that fits is used."""
    safe: ClearEdges | None = None
    """How many pixels from each edge stay clear of what matters: {top: 250, bottom: 340}."""


class DeliverySettings(_Closed):
    """How delivered files are named, sorted and described. Nothing here is ever part of what is bought."""

    name: _Text | None = None
    """The file name, with placeholders such as {product.sku}, {channel}, {width} and {version}."""
    folders: _Names = ()
    """Folders within the delivery, by axis: [market, channel]."""
    alt: _Texts | None = None
    """A description for people who cannot see the picture; `prompt` takes the prompt."""
    credit: _Text | None = None
    """Who is credited, in every file."""
    columns: Annotated[_Names, Field(min_length=1)] | None = None
    """The columns of upload.csv, if not all of them."""
    csv_separator: Annotated[Literal[",", ";", "tab"], BeforeValidator(as_text)] = ","
    """What is between the columns of upload.csv: "," ";" or tab."""
    min_quality: Annotated[_Number, Field(ge=1, le=92)] = 60
    """The lowest quality of a JPEG or WebP that is still delivered."""
    name_max: Annotated[_Number, Field(ge=20, le=200)] = 120
    """The most characters of a file name."""


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


def channels_of(entries: Iterable[ChannelEntry]) -> Iterator[Channel]:
    """The channels of a campaign, in file order; one that does not exist is left out."""
    yield from filter(None, map(channel_of, entries))


def _safe(entry: ChannelEntry) -> SafeEdges | None:
    if entry.safe is None:
        return None
    return SafeEdges(entry.safe.top, entry.safe.right, entry.safe.bottom, entry.safe.left)
