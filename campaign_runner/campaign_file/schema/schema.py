"""The campaign file as frozen values, field by field.

What a person may write in short (a bare text, a list of names) has been written out before, so
a field has one shape here. The docstring of a field is what the reference and editors say about it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, PrivateAttr

from campaign_runner.campaign_file.schema.channels import ChannelEntry, DeliverySettings
from campaign_runner.campaign_file.schema.review import ReviewRules
from campaign_runner.campaign_file.schema.spellings import Spellings
from campaign_runner.campaign_file.schema.values import (
    Reading,
    as_any_of,
    as_any_seeds,
    as_list,
    as_locale,
    as_model,
    as_number,
    as_seeds,
    as_size,
    as_text,
    as_wording,
    unless_null,
)
from campaign_runner.campaign_file.syntax.source import Loc, Source
from campaign_runner.families import FAMILIES, Family
from campaign_runner.model import Size
from campaign_runner.problem import Problem

Written: TypeAlias = Annotated[str, BeforeValidator(as_text)]
Whole: TypeAlias = Annotated[int, BeforeValidator(as_number)]
Pixels: TypeAlias = Annotated[Size, PlainValidator(as_size)]
Seeds: TypeAlias = Annotated[Sequence[int], PlainValidator(as_seeds)]
Wording: TypeAlias = Annotated[str, BeforeValidator(as_wording)]
Texts: TypeAlias = Annotated[dict[str, Wording], Field(min_length=1)]
Names: TypeAlias = Annotated[tuple[Wording, ...], BeforeValidator(as_list)]
Sizes: TypeAlias = Annotated[tuple[Pixels, ...], BeforeValidator(as_list)]
AnyNames: TypeAlias = Annotated[tuple[Wording, ...], BeforeValidator(as_any_of)]
AnySizes: TypeAlias = Annotated[tuple[Pixels, ...], BeforeValidator(as_any_of)]
AnySeeds: TypeAlias = Annotated[Sequence[int], PlainValidator(as_any_seeds)]
Unset = BeforeValidator(unless_null)


class Frozen(BaseModel):
    """What all parts share: closed, frozen, documented by their docstrings."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Look(Frozen):
    """How pictures look. The same fields in `defaults`, a market, a preset, a prompt, a product, an `include` entry.

    The later in this row wins; `null` takes away what an earlier one set; lists replace one another.
    """

    styles: Annotated[Names | None, Unset] = None
    """Adobe's style presets, such as [painting, golden_hour]."""
    strength: Annotated[Annotated[Whole, Field(ge=1, le=100)] | None, Unset] = None
    """How strongly the styles and the style reference work, 1 to 100."""
    content_class: Annotated[Annotated[Literal["photo", "art"], BeforeValidator(as_text)] | None, Unset] = None
    """photo or art."""
    visual_intensity: Annotated[Annotated[Whole, Field(ge=2, le=10)] | None, Unset] = None
    """How vivid a picture is, 2 to 10. Not with image4_custom."""
    negative_prompt: Annotated[Texts | None, Unset] = None
    """What must not be in the picture, at most 1,024 characters. Not with custom models."""
    locale: Annotated[Annotated[str, BeforeValidator(as_locale)] | None, Unset] = None
    """Language and region the prompt is understood in, such as de-DE."""
    format: Annotated[Annotated[Literal["jpeg", "png", "webp"], BeforeValidator(as_text)] | None, Unset] = None
    """The file format asked for: jpeg, png or webp. The service may decide otherwise."""
    style_reference: Annotated[Written | None, Unset] = None
    """A picture whose style is followed: a path relative to this file, or a link on a host Firefly accepts."""
    structure_reference: Annotated[Written | None, Unset] = None
    """A picture whose composition is followed: a path relative to this file, or a link on a host Firefly accepts."""
    structure_strength: Annotated[Annotated[Whole, Field(ge=0, le=100)] | None, Unset] = None
    """How closely the structure reference is followed, 0 to 100."""
    upsampler: Annotated[Annotated[Literal["default", "low_creativity"], BeforeValidator(as_text)] | None, Unset] = None
    """How image4_custom enlarges: default or low_creativity. Only with image4_custom."""


class NamedEntry(Look):
    """A look, and the lists the entry limits itself to."""

    products: Names | None = None
    """Only these products."""
    prompts: Names | None = None
    """Only these prompts."""
    presets: Names | None = None
    """Only these presets."""
    markets: Names | None = None
    """Only these markets."""
    sizes: Sizes | None = None
    """Only these sizes."""
    seeds: Seeds | None = None
    """Only these seeds."""


class Market(NamedEntry):
    """Where a picture is shown. Any further key is a word for prompts, and comes before one of `vars`."""

    words: dict[str, Texts] = Field(default_factory=dict)


class Product(NamedEntry):
    """What is in the picture. Any further key is a word for prompts: `material` is `{product.material}`."""

    name: Texts
    """What the product is called in prompts, `{product.name}`."""
    words: dict[str, Texts] = Field(default_factory=dict)


class Prompt(NamedEntry):
    """What the picture shows, with placeholders in braces."""

    text: Texts
    """The prompt, at most 1,024 characters once its placeholders are filled in."""
    alt: Texts | None = None
    """What delivered files tell people who cannot see the picture; placeholders work as in prompts."""


class Preset(NamedEntry):
    """A named look."""


class Include(Look):
    """A single picture outside the product of lists. It names every axis the campaign has."""

    product: Written
    """The product's id."""
    prompt: Written
    """The prompt's id; `text` may stand in for its words."""
    preset: Written | None = None
    """The preset's id, if the campaign has presets."""
    market: Written | None = None
    """The market's id, if the campaign has markets."""
    size: Pixels
    """One size, written as in `sizes`."""
    seeds: Seeds | None = None
    """Its seeds; the campaign's if it names none."""
    text: Texts | None = None
    """Its own prompt, instead of the one of `prompt`."""


class Exclude(Frozen):
    """Pictures not to make: those that match every axis named. An axis that is not named matches all."""

    product: AnyNames | None = None
    """One of the products, or a list of them."""
    prompt: AnyNames | None = None
    """One of the prompts, or a list of them."""
    preset: AnyNames | None = None
    """One of the presets, or a list of them."""
    market: AnyNames | None = None
    """One of the markets, or a list of them."""
    size: AnySizes | None = None
    """One of the sizes, or a list of them."""
    seed: AnySeeds | None = None
    """One of the seeds, a list or a range of them."""


class CampaignQuota(Frozen):
    """How much of the account's allowance this campaign may use. It can only lower it."""

    per_minute: Annotated[Whole, Field(ge=1)] | None = None
    """Requests in any minute."""
    per_day: Annotated[Whole, Field(ge=1)] | None = None
    """Requests in any 24 hours."""


class Campaign(Frozen):
    """A campaign: products x prompts x presets x markets x sizes x seeds, and what it may cost.

    `path` is the file as given to `load`; `warnings` are Problems that do not stop anything.
    """

    campaign: Written
    """The campaign's name: small letters, digits and dashes, at most 60. Its output folder is called so."""
    model: Annotated[str, BeforeValidator(as_model)]
    """Adobe's image model: image3, image3_custom, image4_standard, image4_ultra or image4_custom."""
    custom_model: Wording | None = None
    """The custom model, by its display name, asset name or urn:… id. Only with a custom model."""
    account: Written | None = None
    """The account that buys, where you have several: acme is CUSTOM_MODELS_CLIENT_ID__ACME. It changes no image."""
    defaults: Look = Look.model_construct()
    """The look of every picture, unless a market, preset, prompt or product says otherwise."""
    vars: dict[str, Texts] = Field(default_factory=dict)
    """Words used in several prompts: `season: autumn` is `{season}`."""
    markets: dict[str, Market] = Field(default_factory=dict)
    """Where pictures are shown, by id; optional."""
    products: dict[str, Product]
    """What is in the pictures, by id; or a list of names."""
    prompts: dict[str, Prompt]
    """What the pictures show, by id."""
    presets: dict[str, Preset]
    """Named looks, by id; or a list of Adobe's style presets. Without any there is one, `plain`."""
    sizes: Annotated[Sizes, Field(min_length=1)]
    """Pixels (2048x2048), names (square, landscape, portrait, wide, tall) or ratios ("16:9")."""
    seeds: Seeds
    """One picture is made for each: [66080, 82683], "1000..1007", {base: 1000, count: 8} or {count: 4}."""
    exclude: tuple[Exclude, ...] = ()
    """Pictures not to make."""
    include: tuple[Include, ...] = ()
    """Single pictures outside the product of lists."""
    budget: Annotated[Whole, Field(ge=1)] | None = None
    """How many images may ever be bought for this campaign."""
    quota: CampaignQuota = CampaignQuota.model_construct()
    """How much of the account's allowance it may use."""
    concurrency: Annotated[Whole, Field(ge=1, le=1000)] = 8
    """How many requests may be under way at once."""
    review: ReviewRules = ReviewRules.model_construct()
    """Who decides which images are used. It changes no image."""
    channels: Annotated[tuple[ChannelEntry, ...], BeforeValidator(as_list)] = ()
    """Where pictures are delivered, cut from `sizes` for free: [instagram-story, linkedin-ad]."""
    deliver: DeliverySettings = DeliverySettings.model_construct()
    """How delivered files are named, sorted and described."""

    _source: Source = PrivateAttr()
    _warnings: tuple[Problem, ...] = PrivateAttr(default=())
    _undeliverable: tuple[Problem, ...] = PrivateAttr(default=())
    _of_delivery: tuple[Problem, ...] = PrivateAttr(default=())
    _pictures: Mapping[Path, str] | None = PrivateAttr(default=None)

    @property
    def family(self) -> Family:
        """The image model and its limits."""
        return FAMILIES[self.model]

    @property
    def path(self) -> Path:
        """The file, as it was given to `load`."""
        return self._source.path

    @property
    def sha256(self) -> str:
        """SHA-256 of the file's bytes, hex."""
        return self._source.sha256

    @property
    def rows(self) -> str | None:
        """The rows of a sheet that its products were read from, canonical JSON; None where the file lists them."""
        return self._source.rows

    @property
    def notes(self) -> tuple[str, ...]:
        """What was read from that sheet and what was not, a sentence each."""
        return self._source.notes

    @property
    def products_sha256(self) -> str | None:
        """SHA-256 of those rows, hex."""
        return None if self.rows is None else sha256(self.rows.encode()).hexdigest()

    @property
    def source(self) -> Source:
        """The file with the place of everything in it."""
        return self._source

    @property
    def spellings(self) -> Spellings:
        """The ids that earlier versions made of its names, with those of now."""
        return self._source.spellings

    @property
    def text(self) -> str:
        """What the file says, with plain line ends."""
        return self._source.original

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What deserves a look but stops nothing, in file order."""
        return self._warnings

    @property
    def undeliverable(self) -> tuple[Problem, ...]:
        """What keeps it from being delivered, in file order; never from being run. They are warnings, too."""
        return self._undeliverable

    @property
    def warnings_of_images(self) -> tuple[Problem, ...]:
        """The warnings about what is bought: all but those about what is delivered."""
        return tuple(warning for warning in self._warnings if warning not in self._of_delivery)

    @property
    def pictures(self) -> Mapping[Path, str] | None:
        """The SHA-256 of its reference images, where they are remembered; None where the files are read."""
        return self._pictures

    def problem(self, loc: Loc, message: str, advice: str = "") -> Problem:
        """A Problem at the place of a key, such as `("budget",)`; at the nearest one around it if it is not written."""
        return self._source.at(loc, message, advice)

    def line(self, loc: Loc) -> int:
        """The line, from 1, of a key; of a product from a sheet its row."""
        return self._source.place(self._source.offset(loc))[0]

    def sku(self, id: str) -> str:
        """The id of a product as the file or the sheet spells it."""
        key, _ = self._source.find(("products", id))
        return key.text if key is not None and self.rows is not None else id

    def numbered(self, loc: Loc) -> str:
        """`line 9`, or `row 17` in a sheet."""
        return f"{'row' if loc[0] == 'products' and self._source.sheet else 'line'} {self.line(loc)}"

    def model_post_init(self, context: Reading) -> None:
        """The file it came from is known from the beginning."""
        self._source = context.source

    def warned(
        self, warnings: Sequence[Problem], undeliverable: Sequence[Problem] = (), of_delivery: Sequence[Problem] = ()
    ) -> Campaign:
        """This campaign with these warnings, those among them that stop a delivery, and those about nothing else."""
        campaign = self.model_copy()
        campaign._warnings, campaign._of_delivery = tuple(warnings), tuple(of_delivery)
        campaign._undeliverable = tuple(undeliverable)
        return campaign

    def remembering(self, pictures: Mapping[Path, str]) -> Campaign:
        """This campaign with the reference images of the last run: no file is read for them."""
        campaign = self.model_copy()
        campaign._pictures = dict(pictures)
        return campaign
