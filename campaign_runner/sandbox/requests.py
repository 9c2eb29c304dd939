"""Checking a request for generation: what Adobe's specification forbids, and what it is silent about.

Ranges, kinds and words are those of `GenerateImagesRequestV3`, sizes those of its text. What the schema forbids is
refused. What it lets pass, but the service is known or likely to ignore and bill all the same, is a doubt: unknown
fields, a strength without anything it could weigh, seeds outside 0 to 2^31-1, a request that names no model. A doubt
is noted, and refused by a strict sandbox.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from campaign_runner.sandbox.catalog import IMAGE3_BASE, IMAGE4_BASE, Catalog
from campaign_runner.sandbox.fields import Fields, Findings, sentence
from campaign_runner.sandbox.identity import DigestOf, recipe_of
from campaign_runner.sandbox.refusals import api_error, validation_error
from campaign_runner.sandbox.settings import Settings

Size = tuple[int, int]

COMMON_SIZES = ((2048, 2048), (2304, 1792), (1792, 2304), (2688, 1536))
IMAGE3_SIZES: tuple[Size, ...] = (
    *COMMON_SIZES, (1024, 1024), (2688, 1512), (1344, 768), (1344, 756), (1152, 896), (896, 1152)
)  # fmt: skip
IMAGE4_SIZES: tuple[Size, ...] = (*COMMON_SIZES, (1440, 2560))
VERSIONS: Mapping[str, tuple[Size, ...]] = {
    "image3": IMAGE3_SIZES,
    "image3_custom": IMAGE3_SIZES,
    "image4_standard": IMAGE4_SIZES,
    "image4_ultra": IMAGE4_SIZES,
    "image4_custom": IMAGE4_SIZES,
}
BASES = {"image3_custom": IMAGE3_BASE, "image4_custom": IMAGE4_BASE}
HEADER = "x-model-version"
MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp")
FIELDS = (
    "contentClass", "customModelId", "negativePrompt", "numVariations", "prompt", "promptBiasingLocaleCode",
    "seeds", "size", "structure", "style", "upsamplerType", "visualIntensity",
)  # fmt: skip
REFERENCE_HOSTS = ("amazonaws.com", "windows.net", "dropboxusercontent.com", "storage.googleapis.com")
LOCALE = re.compile(r"[a-z]{2}-[A-Z]{2}")
TEXT_MOST = 1024
SEED_MOST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A request for generation that passed: what was sent, and what it means."""

    version: str
    accept: str
    """The media type asked for; empty if none was."""
    body: Mapping[str, Any]
    size: Size
    seeds: tuple[int, ...] | None
    """None if none were sent; the service then chooses them."""
    count: int
    recipe: str
    """Names the request whatever its seeds."""
    doubts: tuple[str, ...] = ()
    """What a strict sandbox would have refused, a sentence each."""

    @property
    def prompt(self) -> str:
        """The text of the picture."""
        return str(self.body["prompt"])


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; raises Refusal 400."""
    if not body.strip():
        raise api_error(400, "empty_input_body", "The request has no body.")
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:  # a UnicodeError is a ValueError: lone surrogates
        raise api_error(400, "bad_request", "The body is not valid JSON.") from error
    if not isinstance(value, dict):
        raise api_error(400, "bad_request", "The body is not a JSON object.")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise api_error(400, "bad_request", "A field occurs twice in the body.")
    return fields


def _no_constant(word: str) -> object:
    raise ValueError(f"{word} is not JSON")


def check(
    body: Mapping[str, Any],
    headers: Mapping[str, str],
    *,
    settings: Settings,
    catalog: Catalog,
    digest_of: DigestOf,
) -> GenerationRequest:
    """The order in `body` and `headers`; raises 404 for an unknown model, 422 with every mistake there is."""
    findings = Findings(settings.strict)
    if body.get("customModelId", "") is None and not settings.strict:
        body = {name: value for name, value in body.items() if name != "customModelId"}
        findings.doubts.append({"loc": ["body", "customModelId"], "msg": "str type expected, null is taken for none"})
    version = _version(body, headers, findings, settings, catalog)
    if version not in VERSIONS:
        raise api_error(404, "not_found", f"Unknown x-model-version: {version}")
    accept = headers.get("x-accept-mimetype", "")
    if accept and accept not in MEDIA_TYPES:
        said = f"value is not a valid enumeration member; permitted: {', '.join(map(repr, MEDIA_TYPES))}"
        Fields({}, ("header",), findings).doubt("x-accept-mimetype", said, "type_error.enum", enum_values=MEDIA_TYPES)
        accept = ""
    fields = Fields(body, ("body",), findings)
    fields.only(FIELDS)
    _check_texts(fields, version)
    size = _read_size(fields, version)
    seeds, count = _read_seeds(fields, version, settings)
    _check_look(fields, version, digest_of)
    _check_custom_model(fields, version, catalog)
    if findings.mistakes:
        raise validation_error(findings.mistakes)
    recipe = recipe_of(version, accept, body=body, digest_of=digest_of)
    doubts = tuple(map(sentence, findings.doubts))
    return GenerationRequest(version, accept, body, size, seeds, count, recipe, doubts)


def _version(
    body: Mapping[str, Any], headers: Mapping[str, str], findings: Findings, settings: Settings, catalog: Catalog
) -> str:
    """The model asked for; without a word of it image3, or the family that the custom model was trained for."""
    if named := headers.get(HEADER):
        return named
    Fields({}, ("header",), findings).doubt(
        HEADER, "field required: Adobe's pages disagree about the model of a request without it", "value_error.missing"
    )
    if findings.mistakes:
        raise validation_error(findings.mistakes)
    if "customModelId" not in body:
        return settings.model_without_header
    asset = body["customModelId"]
    model = catalog.find(asset) if isinstance(asset, str) else None
    return "image4_custom" if model is not None and model.base == IMAGE4_BASE else "image3_custom"


def _check_texts(fields: Fields, version: str) -> None:
    fields.need("prompt")
    fields.text("prompt", low=1, high=TEXT_MOST)
    fields.text("negativePrompt", high=TEXT_MOST)
    if fields.has("negativePrompt") and version in BASES:
        fields.doubt("negativePrompt", f"negativePrompt is not supported with {version}")
    locale = fields.text("promptBiasingLocaleCode")
    if locale is not None and not LOCALE.fullmatch(locale):
        fields.doubt("promptBiasingLocaleCode", "a language and a region are expected, such as en-US")


def _read_size(fields: Fields, version: str) -> Size:
    inside = fields.inner("size", ("width", "height"))
    if inside is None:
        return 2048, 2048
    inside.need("width")
    inside.need("height")
    width, height = inside.whole("width", low=1, high=4096), inside.whole("height", low=1, high=4096)
    if width is None or height is None:
        return 0, 0
    if (width, height) not in VERSIONS[version]:
        fields.doubt("size", f"{version} does not support {width}x{height}")
    return width, height


def _read_seeds(fields: Fields, version: str, settings: Settings) -> tuple[tuple[int, ...] | None, int]:
    most = 1 if version == "image4_ultra" and settings.ultra_many == "422" else 4
    seeds = fields.numbers("seeds", most=most, low=0, high=SEED_MOST)
    count = fields.whole("numVariations", low=1, high=most)
    if seeds and count is not None and len(seeds) != count:
        fields.blame("numVariations", "the number of seeds must equal numVariations")
    wanted = count or len(seeds or [0])
    return (tuple(seeds) if seeds else None), 1 if version == "image4_ultra" else wanted


def _check_look(fields: Fields, version: str, digest_of: DigestOf) -> None:
    fields.choice("contentClass", ("photo", "art"))
    fields.whole("visualIntensity", low=2, high=10)
    if fields.has("visualIntensity") and version == "image4_custom":
        fields.doubt("visualIntensity", "visualIntensity is not supported with image4_custom")
    fields.choice("upsamplerType", ("default", "low_creativity"))
    if fields.has("upsamplerType") and version != "image4_custom":
        fields.doubt("upsamplerType", f"upsamplerType is not supported with {version}")
    if style := fields.inner("style", ("presets", "strength", "imageReference")):
        style.words("presets", most=100)
        style.whole("strength", low=1, high=100)
        _check_reference(style, digest_of)
        if not style.has("presets") and not style.has("imageReference"):
            fields.doubt("style", "style has no effect without presets or imageReference")
    if structure := fields.inner("structure", ("strength", "imageReference")):
        structure.whole("strength", low=0, high=100)
        if not structure.has("imageReference"):
            structure.doubt("imageReference", "field required", "value_error.missing")
        _check_reference(structure, digest_of)


def _check_reference(fields: Fields, digest_of: DigestOf) -> None:
    reference = fields.inner("imageReference", ("source",))
    if reference is None:
        return
    if not reference.has("source"):
        reference.doubt("source", "field required", "value_error.missing")
    source = reference.inner("source", ("uploadId", "url"))
    if source is None:
        return
    if source.has("uploadId") == source.has("url"):
        reference.doubt("source", "either uploadId or url is required")
    upload = source.text("uploadId", high=36)
    if upload is not None and digest_of(upload) is None:
        source.blame("uploadId", "the upload is unknown or its 7 days are over")
    url = source.text("url", low=1, high=2083)
    if url is not None and not _is_permitted(url):
        source.blame("url", f"https on one of these domains is required: {', '.join(REFERENCE_HOSTS)}")


def _is_permitted(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = parts.hostname or ""
    return parts.scheme == "https" and any(host == known or host.endswith(f".{known}") for known in REFERENCE_HOSTS)


def _check_custom_model(fields: Fields, version: str, catalog: Catalog) -> None:
    name = "customModelId"
    if version not in BASES:
        if fields.has(name):
            fields.doubt(name, f"customModelId is not supported with {version}")
        return
    fields.need(name)
    asset = fields.text(name, low=1, high=200)
    if asset is None:
        return
    model = catalog.find(asset)
    if model is None or model.state != "published":
        fields.blame(name, "no published custom model has this id; sandbox --models any takes every id")
        return
    if model.base in BASES.values() and model.base != BASES[version]:
        fields.doubt(name, f"this custom model was not trained for {version}")
    if model.concept not in str(fields.values.get("prompt", "")):
        fields.blame("prompt", f"the prompt must contain the concept of the custom model: {model.concept}")
