"""The nouns of the trade as frozen values: recipe, variation, job, ticket, output. No I/O.

Identity is the image's: a `key` is the digest of what the service receives (recipe and
seed) and of nothing else, so that renaming, reordering and re-packing buy nothing again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Literal

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True, slots=True, order=True)
class Size:
    """Pixels. Written `2048x2048` in file names, tables and campaign files."""

    width: int
    height: int

    @property
    def ratio(self) -> float:
        """Of width to height."""
        return self.width / self.height

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


class State(StrEnum):
    """What happened to a variation. The values and their order are those of journals, manifests and reports."""

    STORED = "stored"  # on the disk, checked
    ACCEPTED = "accepted"  # paid for, still at Adobe
    IN_DOUBT = "in_doubt"  # sent without a usable answer: perhaps charged
    FAILED = "failed"  # the service said no, or did not deliver
    ABANDONED = "abandoned"  # settled by a person
    PENDING = "pending"  # not requested yet, or to be asked for again


NO_UPLOADS: Mapping[str, str] = MappingProxyType({})
SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
"""Every media type of an image, and how its file ends."""
IMAGES = "images"
"""How the names of all files begin that a run puts, in an output folder."""
REHEARSAL = ".sandbox"
"""How the name of an output folder ends whose images the sandbox made: it holds nothing that was paid for."""
SHORT = 24
"""Hex digits of a digest that are enough for a name: 96 bits, so no two are the same."""


def canonical_json(value: object) -> str:
    """The one spelling of a value: keys sorted, no spaces, characters as they are."""
    return _CANONICAL.encode(value)


def variation_key(recipe: str, seed: int) -> str:
    """The identity of one image: SHA-256 of `<recipe>:<seed>`, hex; `recipe` is the digest of one."""
    return sha256(f"{recipe}:{seed}".encode()).hexdigest()


@dataclass(frozen=True)
class Recipe:
    """Everything the service receives for an image, except its seed.

    `text` is the canonical JSON of `{"v": 1, "version": …, "accept": …?, "body": …}`. What the body says is known
    to the interface of its family alone.
    """

    text: str

    @classmethod
    def of(cls, version: str, body: dict[str, Any], accept: str | None = None) -> Recipe:
        asked = {} if accept is None else {"accept": accept}
        return cls(canonical_json({"v": 1, "version": version, **asked, "body": body}))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of `text`, hex."""
        return sha256(self.text.encode()).hexdigest()

    @property
    def version(self) -> str:
        """The value of x-model-version."""
        return str(_parsed(self.text)["version"])

    @property
    def accept(self) -> str | None:
        """The media type asked for, None where the service chooses."""
        return _parsed(self.text).get("accept")

    @property
    def body(self) -> dict[str, Any]:
        """The request without seeds. Read it, never change it."""
        body: dict[str, Any] = _parsed(self.text)["body"]
        return body

    def key(self, seed: int) -> str:
        """The identity of the image of this recipe with `seed`."""
        return variation_key(self.digest, seed)


@lru_cache(maxsize=64)
def _parsed(text: str) -> dict[str, Any]:
    """What a recipe says. Not kept with it: thousands of them may be under way."""
    parsed: dict[str, Any] = json.loads(text)
    return parsed


@dataclass(frozen=True, slots=True)
class Bought:
    """What one run bought: so many images, requested and not refused, in so many requests."""

    images: int
    requests: int


@dataclass(frozen=True, slots=True)
class Cell:
    """Where in the campaign an image is: the ids of its axes. `size` is in pixels.

    `include` counts the campaign's `include` entries from 0; None for a cell of the product of lists.
    """

    product: str
    prompt: str
    preset: str
    market: str | None
    size: Size
    include: int | None = None

    @property
    def axes(self) -> dict[str, str | None]:
        """Its names by axis, the size as text."""
        names = {"product": self.product, "prompt": self.prompt, "preset": self.preset}
        return names | {"market": self.market, "size": str(self.size)}

    def __str__(self) -> str:
        return ", ".join(filter(None, self.axes.values()))


@dataclass(frozen=True, slots=True)
class Variation:
    """One image: recipe + seed, under the names it has in the campaign (of its first cell)."""

    key: str
    seed: int
    cell: Cell
    prompt_template: str

    @property
    def stem(self) -> str:
        """Its file, by its name in the output folder, without the suffix, which only the bytes can tell."""
        cell = self.cell
        names = "_".join(part for part in (cell.prompt, cell.preset, cell.market) if part)
        return f"{IMAGES}/{cell.product}/{names}_{cell.size}_s{self.seed}_{self.key[:8]}"

    def name(self, accept: str | None) -> str:
        """Its file, if it comes in the media type it is asked for, or in the usual one."""
        return f"{self.stem}.{SUFFIXES.get(accept or '', 'jpg')}"

    @property
    def short_stem(self) -> str:
        """The same where the disk does not take so long a name."""
        return f"{IMAGES}/{self.key[:SHORT]}"


@dataclass(frozen=True, slots=True)
class Job:
    """One paid request: a recipe and as many due seeds as its family packs, in file order."""

    recipe: Recipe
    variations: tuple[Variation, ...]

    @property
    def size(self) -> Size:
        """The size asked for, which is that of every cell the recipe is in."""
        return self.variations[0].cell.size

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(variation.seed for variation in self.variations)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(variation.key for variation in self.variations)


def is_same_job(job_id: str, other: str) -> bool:
    """Whether two job ids end in the same way after the last `:` or `/`: services leave out what comes before."""
    return job_id == other or last_part(job_id) == last_part(other) != ""


def last_part(job_id: str) -> str:
    """What follows the last `:` or `/` of a job id."""
    return job_id.replace("/", ":").rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class Ticket:
    """The service's receipt for an accepted job; polling it is free.

    The URLs are as the service gave them, None where it gave none; whether a host is trusted is the client's to say.
    """

    job_id: str
    status_url: str | None = None
    cancel_url: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Output:
    """A finished image still at Adobe. `url` is signed: it is never written, logged or shown.

    `seed` is None where none is named, or something that is none: `names_no_seed` says which.
    """

    seed: int | None
    url: str
    names_no_seed: bool = field(default=False, compare=False)

    def __repr__(self) -> str:
        return f"Output(seed={self.seed})"


@dataclass(frozen=True, slots=True)
class Finished:
    """What a finished job has to offer: its outputs, and what the service remarks about the whole job."""

    outputs: tuple[Output, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CustomModel:
    """A custom model of the account. `version` and `etag` change when it is trained again."""

    id: str  # Adobe's assetId, `urn:aaid:sc:…`; sent as customModelId
    name: str  # the name a person reads
    version: str
    etag: str
    concept: str  # the word a subject model wants in its prompt; empty for style models
    base: str = ""
    asset_name: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something is not stored: the service's word or ours, and a sentence for a person."""

    code: str
    message: str

    def facts(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message}


@dataclass(frozen=True, slots=True)
class RecipeSource:
    """Where an image comes from that nothing was bought for.

    `reused`: another campaign of the same folder of outputs stored the very same image. `kept`: a person
    said that it may stand for other words; `key` and `prompt` are what it was made for. The rest is what
    the record there says of its making.
    """

    how: Literal["reused", "kept"]
    campaign: str
    key: str
    prompt: str
    job_id: str | None
    job_seeds: tuple[int, ...]
    model_version: str | None
    model_etag: str | None
    submitted_at: str | None  # UTC, ISO 8601
