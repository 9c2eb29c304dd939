"""The interface of Image 3, Image 4 and the custom models: `/v3/images/generate-async`.

A field is there only if the campaign gives it; `size` is always there; styles come sorted. Source of names and
shapes: `GenerateImagesRequestV3` and `AsyncAcceptResponseV3` in Adobe's Firefly API specification.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from campaign_runner.families import PROMPT_CHARACTERS
from campaign_runner.firefly.protocol.request_body import ImageRequest, Interface, Receipt, ReferenceSource
from campaign_runner.model import Size

_PLAIN = {
    "content_class": "contentClass",
    "visual_intensity": "visualIntensity",
    "negative_prompt": "negativePrompt",
    "locale": "promptBiasingLocaleCode",
    "upsampler": "upsamplerType",
}
_STYLE = {"styles": "presets", "strength": "strength"}
_STRUCTURE = {"structure_strength": "strength"}
_Text = Annotated[str, Field(max_length=PROMPT_CHARACTERS)]


class _Foreign(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class _Source(_Foreign):
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    url: str | None = None


class _Reference(_Foreign):
    source: _Source


class _Style(_Foreign):
    presets: Annotated[list[_Text], Field(fail_fast=True)] | None = None
    strength: int | None = None
    imageReference: _Reference | None = None


class _Structure(_Foreign):
    strength: int | None = None
    imageReference: _Reference


class _PixelSize(_Foreign):
    width: int
    height: int


class _Request(_Foreign):
    """All that a campaign can ask for: the body without seeds."""

    prompt: _Text
    size: _PixelSize
    customModelId: _Text | None = None
    contentClass: Literal["photo", "art"] | None = None
    visualIntensity: int | None = None
    negativePrompt: _Text | None = None
    promptBiasingLocaleCode: _Text | None = None
    upsamplerType: _Text | None = None
    style: _Style | None = None
    structure: _Structure | None = None


class _ImageV3(Interface):
    path = "/v3/images/generate-async"
    always = ("prompt", "size")

    def build(self, asked: ImageRequest) -> dict[str, Any]:
        """See Interface."""
        look, size = asked.look, asked.size
        body: dict[str, Any] = {"prompt": asked.prompt, "size": {"width": size.width, "height": size.height}}
        if asked.custom_model is not None:
            body["customModelId"] = asked.custom_model
        body |= {name: look[field] for field, name in _PLAIN.items() if field in look}
        style = _reference(asked, "style")
        if "styles" in look:
            style["presets"] = sorted(look["styles"])
        if style and "strength" in look:
            style["strength"] = look["strength"]
        structure = _reference(asked, "structure")
        if structure and "structure_strength" in look:
            structure["strength"] = look["structure_strength"]
        return body | {name: part for name, part in (("style", style), ("structure", structure)) if part}

    def read(self, body: Mapping[str, Any]) -> ImageRequest:
        """See Interface."""
        request = _Request.model_validate(body)
        parts = ((request, _PLAIN), (request.style, _STYLE), (request.structure, _STRUCTURE))
        said = {field: getattr(part, name) for part, names in parts if part for field, name in names.items()}
        look = {field: value for field, value in said.items() if value is not None}
        size = Size(request.size.width, request.size.height)
        return ImageRequest(request.prompt, size, request.customModelId, look, _sources(request))

    def references(self, body: Mapping[str, Any]) -> tuple[str, ...]:
        """See Interface."""
        return tuple(_uploaded(body).values())

    def sent(self, body: Mapping[str, Any], seeds: Sequence[int], uploads: Mapping[str, str]) -> dict[str, Any]:
        """See Interface. As many variations as seeds: the service refuses any other number."""
        sent = {**body, "numVariations": len(seeds), "seeds": list(seeds)}
        for part, sha256 in _uploaded(body).items():
            sent[part] = {**body[part], "imageReference": {"source": {"uploadId": uploads[sha256]}}}
        return sent

    def receipt(self, answer: Mapping[str, Any]) -> Receipt:
        """See Interface."""
        return Receipt(answer.get("jobId"), answer.get("statusUrl"), answer.get("cancelUrl"))


IMAGE_V3 = _ImageV3()


def _reference(asked: ImageRequest, part: str) -> dict[str, Any]:
    source = asked.sources.get(f"{part}_reference")
    if source is None:
        return {}
    said = {"url": source.url} if source.url is not None else {"sha256": source.sha256}
    return {"imageReference": {"source": said}}


def _uploaded(body: Mapping[str, Any]) -> dict[str, str]:
    """The SHA-256 of the reference image of each part that has one of our disk."""
    found = ((part, body.get(part, {}).get("imageReference", {}).get("source", {})) for part in ("style", "structure"))
    return {part: source["sha256"] for part, source in found if "sha256" in source}


def _sources(request: _Request) -> dict[str, ReferenceSource]:
    parts = {"style_reference": request.style, "structure_reference": request.structure}
    found = {name: part.imageReference.source for name, part in parts.items() if part and part.imageReference}
    return {name: ReferenceSource(source.sha256, source.url) for name, source in found.items()}
