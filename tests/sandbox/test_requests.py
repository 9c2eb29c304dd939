"""What a request for generation may say: every field, range, kind and word."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from campaign_runner.sandbox.catalog import MODELS
from tests.sandbox.conftest import Caller, Open

WARM = next(model.id for model in MODELS if model.display == "Warm Custom Model")
COOL = next(model.id for model in MODELS if model.display == "Cool Custom Model")
SUBJECT = next(model for model in MODELS if model.concept)
TRIAL = next(model.id for model in MODELS if model.state == "unpublished")
REFERENCE = {"imageReference": {"source": {"url": "https://acme.s3.amazonaws.com/look.png"}}}

REFUSED = [
    # version, what is sent, the place that is blamed, the type of the mistake
    ("image3", {"prompt": None}, "prompt", "value_error.missing"),
    ("image3", {"prompt": ""}, "prompt", "value_error.any_str.min_length"),
    ("image3", {"prompt": "x" * 1025}, "prompt", "value_error.any_str.max_length"),
    ("image3", {"prompt": 7}, "prompt", "type_error.str"),
    ("image3", {"negativePrompt": "x" * 1025}, "negativePrompt", "value_error.any_str.max_length"),
    ("image3", {"promptBiasingLocale": "en-US"}, "promptBiasingLocale", "value_error.extra"),  # a known misspelling
    ("image3", {"promptBiasingLocaleCode": "en_US"}, "promptBiasingLocaleCode", "value_error"),
    ("image3", {"contentClass": "Photo"}, "contentClass", "type_error.enum"),
    ("image3", {"visualIntensity": 1}, "visualIntensity", "value_error.number.not_ge"),
    ("image3", {"visualIntensity": 11}, "visualIntensity", "value_error.number.not_le"),
    ("image3", {"visualIntensity": "6"}, "visualIntensity", "type_error.integer"),  # nothing is converted
    ("image3", {"numVariations": 5}, "numVariations", "value_error.number.not_le"),
    ("image3", {"numVariations": True}, "numVariations", "type_error.integer"),
    ("image3", {"seeds": []}, "seeds", "value_error.list.min_items"),
    ("image3", {"seeds": [1, 2, 3, 4, 5]}, "seeds", "value_error.list.max_items"),
    ("image3", {"seeds": [1, 1]}, "seeds", "value_error.list.unique_items"),
    ("image3", {"seeds": [-1]}, "seeds", "value_error.number.not_ge"),
    ("image3", {"seeds": [2**31]}, "seeds", "value_error.number.not_le"),
    ("image3", {"seeds": 1}, "seeds", "type_error.list"),
    ("image3", {"seeds": [1, 2], "numVariations": 3}, "numVariations", "value_error"),  # prose of the specification
    ("image3", {"size": {"width": 2048}}, "height", "value_error.missing"),
    ("image3", {"size": {"width": 2048, "height": 2048, "depth": 1}}, "depth", "value_error.extra"),
    ("image3", {"size": {"width": 5000, "height": 1}}, "width", "value_error.number.not_le"),
    ("image3", {"size": {"width": 1440, "height": 2560}}, "size", "value_error"),  # 9:16 is image4's
    ("image4_standard", {"size": {"width": 1024, "height": 1024}}, "size", "value_error"),  # and this image3's
    ("image3", {"style": {"presets": ["bw", "bw"]}}, "presets", "value_error.list.unique_items"),
    ("image3", {"style": {"presets": ["bw"], "strength": 0}}, "strength", "value_error.number.not_ge"),
    ("image3", {"style": {"presets": ["bw"], "strength": 101}}, "strength", "value_error.number.not_le"),
    ("image3", {"style": {"strength": 50}}, "style", "value_error"),  # a strength of nothing
    ("image3", {"style": {}}, "style", "value_error"),
    ("image3", {"style": "bw"}, "style", "type_error.dict"),
    ("image3", {"styles": ["bw"]}, "styles", "value_error.extra"),  # the second version's field
    ("image3", {"structure": {"strength": 50}}, "imageReference", "value_error.missing"),
    ("image3", {"structure": REFERENCE | {"strength": 101}}, "strength", "value_error.number.not_le"),
    ("image3", {"style": {"imageReference": {"source": {}}}}, "source", "value_error"),
    ("image3", {"style": {"imageReference": {"source": {"url": "http://x.amazonaws.com/a"}}}}, "url", "value_error"),
    (
        "image3",
        {"style": {"imageReference": {"source": {"url": "https://amazonaws.com.evil/a"}}}},
        "url",
        "value_error",
    ),
    ("image3", {"style": {"imageReference": {"source": {"url": "https://[x"}}}}, "url", "value_error"),
    ("image3", {"style": {"imageReference": {"source": {"uploadId": "nobody's"}}}}, "uploadId", "value_error"),
    ("image3", {"upsamplerType": "default"}, "upsamplerType", "value_error"),  # image4_custom only
    ("image4_custom", {"customModelId": COOL, "upsamplerType": "best"}, "upsamplerType", "type_error.enum"),
    ("image4_custom", {"customModelId": COOL, "visualIntensity": 5}, "visualIntensity", "value_error"),
    ("image4_custom", {"customModelId": COOL, "negativePrompt": "hands"}, "negativePrompt", "value_error"),
    ("image3_custom", {"customModelId": WARM, "negativePrompt": "hands"}, "negativePrompt", "value_error"),
    ("image3_custom", {}, "customModelId", "value_error.missing"),
    ("image3_custom", {"customModelId": "Warm Custom Model"}, "customModelId", "value_error"),  # a name is no id
    ("image3_custom", {"customModelId": COOL}, "customModelId", "value_error"),  # trained on the other family
    ("image3_custom", {"customModelId": TRIAL}, "customModelId", "value_error"),
    ("image3_custom", {"customModelId": SUBJECT.id}, "prompt", "value_error"),  # the concept is missing
    ("image3", {"customModelId": WARM}, "customModelId", "value_error"),
    ("image4_ultra", {"numVariations": 2}, "numVariations", "value_error.number.not_le"),
    ("image4_ultra", {"seeds": [1, 2]}, "seeds", "value_error.list.max_items"),  # the specification's own example
]

ACCEPTED = [
    # version, what is sent, how many images come
    ("image3", {}, 1),
    ("image3", {"numVariations": 3}, 3),
    ("image3", {"seeds": [0, 2**31 - 1]}, 2),
    ("image3", {"prompt": "😀" * 1024}, 1),  # characters, not bytes
    ("image3", {"size": {"width": 896, "height": 1152}, "contentClass": "art", "visualIntensity": 10}, 1),
    ("image3", {"negativePrompt": "", "promptBiasingLocaleCode": "de-DE"}, 1),
    ("image3", {"style": REFERENCE | {"presets": ["no_such_style"], "strength": 1}}, 1),  # names are not checked
    ("image3", {"structure": REFERENCE | {"strength": 0}}, 1),
    ("image4_standard", {"size": {"width": 1440, "height": 2560}, "seeds": [1, 2, 3, 4], "numVariations": 4}, 4),
    ("image4_ultra", {"seeds": [9]}, 1),
    ("image3_custom", {"customModelId": WARM, "visualIntensity": 6}, 1),
    ("image3_custom", {"customModelId": SUBJECT.id, "prompt": f"a {SUBJECT.concept} on oak"}, 1),
    ("image4_custom", {"customModelId": COOL, "upsamplerType": "low_creativity"}, 1),
]


@pytest.mark.parametrize(("version", "body", "blamed", "kind"), REFUSED)
async def test_a_wrong_field_is_named(
    caller: Caller, version: str, body: dict[str, Any], blamed: str, kind: str
) -> None:
    answer = await caller.generate(version, **body)
    assert (answer.status, answer.json["error_code"]) == (422, "validation_error")
    assert [(mistake["loc"][-1], mistake["type"]) for mistake in answer.json["validation_errors"]] == [(blamed, kind)]
    assert caller.sandbox.ledger.images_charged == 0


@pytest.mark.parametrize(("version", "body", "images"), ACCEPTED)
async def test_what_the_specification_permits_is_accepted(
    caller: Caller, version: str, body: dict[str, Any], images: int
) -> None:
    ticket = await caller.accepted(version, **body)
    assert len(await caller.outputs(ticket)) == images
    assert caller.sandbox.ledger.images_charged == images


async def test_all_mistakes_come_at_once_each_at_its_place(caller: Caller) -> None:
    answer = await caller.generate("image3", contentClass="x", size={"width": "2048", "height": 0}, seed=1)
    places = [mistake["loc"] for mistake in answer.json["validation_errors"]]
    assert places == [["body", "seed"], ["body", "size", "width"], ["body", "size", "height"], ["body", "contentClass"]]


async def test_an_enumeration_is_refused_in_the_words_of_the_specification(caller: Caller) -> None:
    mistake = (await caller.generate("image3", contentClass="x")).json["validation_errors"][0]
    assert mistake == {
        "ctx": {"enum_values": ["photo", "art"]},
        "loc": ["body", "contentClass"],
        "msg": "value is not a valid enumeration member; permitted: 'photo', 'art'",
        "type": "type_error.enum",
    }


@pytest.mark.parametrize(
    ("sent", "http", "code"),
    [
        ({"data": b"", "type": "application/json"}, 400, "empty_input_body"),
        ({"data": b'{"prompt": ', "type": "application/json"}, 400, "bad_request"),
        ({"data": b'["prompt"]', "type": "application/json"}, 400, "bad_request"),
        ({"data": b'{"prompt": "a", "prompt": "b"}', "type": "application/json"}, 400, "bad_request"),
        ({"data": b'{"prompt": NaN}', "type": "application/json"}, 400, "bad_request"),
        ({"data": b'{"prompt": "\\ud800"}', "type": "application/json"}, 400, "bad_request"),  # half a character
        ({"data": b"[" * 100_000, "type": "application/json"}, 400, "bad_request"),
        ({"data": b"prompt=a", "type": "application/x-www-form-urlencoded"}, 415, "invalid_content_type"),
    ],
)
async def test_a_body_that_is_no_json_object_is_refused(
    caller: Caller, sent: dict[str, Any], http: int, code: str
) -> None:
    headers = caller.headers | {"x-model-version": "image3", "Content-Type": sent["type"]}
    answer = await caller.call("POST", "/v3/images/generate-async", data=sent["data"], headers=headers)
    assert (answer.status, answer.json["error_code"]) == (http, code)


@pytest.mark.parametrize("size", [1_000_001, 15_000_002])
async def test_a_body_that_is_too_large_is_refused_by_an_html_page(caller: Caller, size: int) -> None:
    body = json.dumps({"prompt": "x" * size}).encode()
    headers = caller.headers | {"x-model-version": "image3", "Content-Type": "application/json"}
    answer = await caller.call("POST", "/v3/images/generate-async", data=io.BytesIO(body), headers=headers)
    assert (answer.status, answer.headers["Content-Type"]) == (413, "text/html; charset=utf-8")


async def test_an_unknown_model_is_404_and_a_missing_one_422(caller: Caller) -> None:
    assert (await caller.generate("image5")).status == 404
    missing = await caller.generate("")
    assert missing.json["validation_errors"][0]["loc"] == ["header", "x-model-version"]


@pytest.mark.parametrize("default", ["image3", "image4_standard"])
@pytest.mark.parametrize(
    ("body", "version"),
    [
        ({}, ""),
        ({"customModelId": None}, ""),
        ({"customModelId": WARM}, "image3_custom"),
        ({"customModelId": COOL}, "image4_custom"),
    ],
)
async def test_a_request_without_a_model_is_image3_or_the_family_of_its_custom_model(
    opened: Open, body: dict[str, Any], version: str, default: str
) -> None:
    caller = await opened(strict=False, model_without_header=default)
    answer = await caller.call("POST", "/v3/images/generate-async", json={"prompt": "almonds"} | body)
    assert answer.status == 202
    assert caller.sandbox.ledger.entries[0].version == (version or default)


async def test_an_unknown_custom_model_is_refused_with_or_without_a_model_version(opened: Open) -> None:
    caller = await opened(strict=False)
    for version in ("", "image3_custom", "image4_custom"):
        answer = await caller.generate(version, customModelId="urn:aaid:sc:EU:nobodys")
        assert (answer.status, "no published custom model has this id" in answer.json["message"]) == (422, True)


async def test_a_switch_lets_ultra_make_the_first_of_several_only(opened: Open) -> None:
    caller = await opened(ultra_many="fewer")
    ticket = await caller.accepted("image4_ultra", seeds=[7, 8])
    assert [output["seed"] for output in await caller.outputs(ticket)] == [7]


async def test_a_media_type_that_is_none_of_three_is_refused(caller: Caller) -> None:
    answer = await caller.generate(headers={"x-accept-mimetype": "image/gif"})
    assert answer.json["validation_errors"][0]["loc"] == ["header", "x-accept-mimetype"]


@pytest.mark.parametrize(
    ("refused", "http", "seen"),
    [
        ("451", 451, "prompt_unsafe"),
        ("422", 422, "prompt_unsafe"),
        ("failed", 202, "prompt_unsafe"),  # in the failed job
        ("451_at_poll", 202, "prompt_unsafe"),
        ("empty", 202, None),  # success without images
    ],
)
async def test_a_forbidden_prompt_is_refused_as_the_switch_says(
    opened: Open, refused: str, http: int, seen: str | None
) -> None:
    caller = await opened(refused=refused)
    answer = await caller.generate(prompt="something forbidden")
    assert answer.status == http
    said = answer.json if http != 202 else await caller.finished(answer.json)
    assert said.get("error_code") == seen
    assert caller.sandbox.ledger.images_charged == (http == 202)


async def test_an_uploaded_reference_is_good_for_seven_days(opened: Open) -> None:
    caller = await opened(token_seconds=10**7)
    upload = await caller.call("POST", "/v2/storage/image", data=b"\x89PNG\r\n\x1a\n..", headers=caller.headers | PNG)
    style = {"imageReference": {"source": {"uploadId": upload.json["images"][0]["id"]}}}
    await caller.accepted(style=style)
    caller.clock.pass_(7 * 86400)
    assert (await caller.generate(style=style)).status == 422


@pytest.mark.parametrize("body", [b"", b"GIF89a", b"\xff\xd8\xff a JPEG in truth"])
async def test_an_upload_that_is_not_what_it_says_is_refused(caller: Caller, body: bytes) -> None:
    answer = await caller.call("POST", "/v2/storage/image", data=body, headers=caller.headers | PNG)
    assert (answer.status, answer.json["error_code"]) == (400, "bad_request")


PNG = {"Content-Type": "image/png"}
