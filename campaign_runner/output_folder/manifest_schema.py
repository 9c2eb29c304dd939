"""The JSON Schema of manifest.json, for other programs: every field, and exactly which of them may be null.

The models below are the manifest as others read it; the tests hold what is really written to it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, WithJsonSchema

from campaign_runner.campaign_file.field_docstrings import Documented
from campaign_runner.campaign_file.json_schema import DIALECT
from campaign_runner.firefly.protocol.interfaces import INTERFACES
from campaign_runner.model import State

ID = "urn:campaign-runner:schema:manifest"

Digest: TypeAlias = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Count: TypeAlias = Annotated[int, Field(ge=0)]
Pixels: TypeAlias = Annotated[int, Field(ge=1)]
Seed: TypeAlias = Annotated[int, Field(ge=0, le=2_147_483_647)]
MediaType: TypeAlias = Literal["image/jpeg", "image/png", "image/webp"]


class _Part(BaseModel):
    """What all parts share: every field is there, and no other."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Model(_Part):
    """The image model, and what the custom model's name meant when it was looked up (null: none, or not yet)."""

    version: str
    """The value of x-model-version, such as image3_custom."""
    custom_model_id: str | None
    """Adobe's assetId, sent as customModelId."""
    custom_model_name: str | None
    """Its display name at that time."""
    custom_model_version: str | None
    """Its version at that time."""
    custom_model_etag: str | None
    """Its etag at that time, with its inner quotes."""


class Counts(_Part):
    """Variations in the campaign now; `planned` is the sum of the others."""

    planned: Count
    """All of them."""
    stored: Count
    """On the disk, checked."""
    accepted: Count
    """Paid for, still at the service."""
    in_doubt: Count
    """Sent without a usable answer: perhaps charged."""
    failed: Count
    """The service said no, or did not deliver."""
    abandoned: Count
    """Settled by a person."""
    pending: Count
    """Not asked for yet, or to be asked for again."""


class Requests(_Part):
    """Paid requests of all runs."""

    submitted: Count
    """How many were sent."""
    accepted: Count
    """How many of them the service took."""


class Pictured(_Part):
    """Pixels of an image."""

    width: Pixels
    """Pixels."""
    height: Pixels
    """Pixels."""


class Reason(_Part):
    """Why an image is not stored."""

    code: str
    """The service's word (`prompt_unsafe`), or ours (`missing`, `wrong_size`, `not_submitted`…)."""
    message: str
    """A sentence for a person."""


class CellOf(_Part):
    """Where in the campaign an image is."""

    product: str
    """The product's id."""
    prompt_id: str
    """The prompt's id."""
    preset: str
    """The preset's id."""
    market: str | None
    """The market's id; null in a campaign without markets."""
    size: Pictured
    """The size asked for."""


class SourceOf(_Part):
    """Where an image comes from that nothing was bought for."""

    how: Literal["reused", "kept"]
    """`reused`: another campaign had stored this very image. `kept`: a person let it stand for changed words."""
    campaign: str
    """The campaign it was made for."""
    key: Digest
    """The key it was made for: another one where it was kept."""
    prompt: str
    """The prompt it was made with."""


class Image(CellOf):
    """One variation: a request and a seed, and what happened to it."""

    key: Digest
    """The identity of the image: SHA-256 of `<recipe>:<seed>`."""
    recipe: Digest
    """SHA-256 of the request's canonical JSON without seeds."""
    in_campaign: bool
    """False for an image whose variation left the campaign after it was submitted."""
    also: Annotated[tuple[CellOf, ...], Field(fail_fast=True)]
    """The other cells of the campaign that come out as this very image."""
    seed: Seed
    """The seed."""
    version: str
    """The value of x-model-version it was, or would be, asked for with."""
    accept: MediaType | None
    """The media type asked for; null where the service chooses."""
    request: dict[str, Any]
    """The request without seeds; an uploaded reference is given as its sha256, a linked one as its URL."""
    prompt: str
    """The prompt as sent."""
    prompt_template: str
    """The prompt as written, with its placeholders."""
    state: Annotated[State, WithJsonSchema({"enum": list(State), "title": "State", "type": "string"})]
    """What happened to it."""
    reason: Reason | None
    """Why it is not stored; null if it is."""
    file: str | None
    """Where it is stored, relative to this manifest, with `/`."""
    sha256: Digest | None
    """Of the file's bytes."""
    bytes: Annotated[int, Field(ge=1)] | None
    """The file's size."""
    media_type: MediaType | None
    """What the file really is."""
    job_id: str | None
    """The service's name for the request that made it."""
    job_seeds: Annotated[tuple[Seed, ...], Field(fail_fast=True)] | None
    """All seeds of that request, in the order sent."""
    custom_model_version: str | None
    """The custom model's version when it was submitted."""
    custom_model_etag: str | None
    """The custom model's etag when it was submitted."""
    submitted_at: AwareDatetime | None
    """When its request was last sent (UTC, ISO 8601)."""
    stored_at: AwareDatetime | None
    """When it was stored (UTC, ISO 8601)."""
    source: SourceOf | None
    """Where it comes from; null if it was asked for by this campaign."""
    warnings: Annotated[tuple[str, ...], Field(fail_fast=True)]
    """What the service remarked about it."""


class Head(_Part):
    """A manifest without its images."""

    manifest_version: Literal[1]
    """The version of this format."""
    campaign: str
    """The campaign's name."""
    campaign_sha256: Digest
    """Of the campaign file's bytes."""
    products_sha256: Digest | None = None
    """Of the rows of the sheet that its products were read from (canonical JSON); absent where the file lists them."""
    generator: str
    """What wrote it, with its version."""
    backend: Literal["firefly", "sandbox"]
    """Who made the images: Adobe Firefly, or a sandbox."""
    model: Model
    """The image model."""
    counts: Counts
    """The state of the campaign."""
    requests: Requests
    """What was sent for it."""
    created_at: AwareDatetime
    """When its journal was begun (UTC, ISO 8601)."""
    updated_at: AwareDatetime
    """When the manifest last changed (UTC, ISO 8601)."""


class Manifest(Head):
    """What exists of a campaign, with digests; written when a run, `resolve` or `cancel` ends."""

    images: tuple[Image, ...]
    """In the campaign's order; those ever submitted that are no longer in it last."""


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of manifest.json."""
    found = Manifest.model_json_schema(mode="serialization", schema_generator=Documented)
    digest = found["properties"]["products_sha256"]
    digest |= digest.pop("anyOf")[0]
    del digest["default"]
    found["$defs"]["Image"]["if"] = {"properties": {"state": {"const": State.STORED}}}
    required = set.intersection(*(set(each.always) for each in INTERFACES.values()))
    found["$defs"]["Image"]["properties"]["request"]["required"] = sorted(required)
    stored = {
        "reason": {"type": "null"},
        **{name: {"not": {"type": "null"}} for name in ("file", "sha256", "stored_at")},
    }
    found["$defs"]["Image"]["then"] = {"properties": stored}
    found["$defs"]["Image"]["else"] = {"properties": {"reason": {"not": {"type": "null"}}}}
    return {"$schema": DIALECT, "$id": ID, **found, "title": "A manifest of campaign_runner"}
