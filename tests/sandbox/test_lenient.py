"""What Adobe's specification is silent about: taken by default and told, refused by a strict sandbox."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.specification import Exchange, Specification
from tests.sandbox.conftest import Caller, Open
from tests.sandbox.test_requests import REFUSED, WARM

SPECIFICATION = Specification()
SILENT = (" has ",)
"""How the judge words a field that is not described; all else that it finds is forbidden."""
IN_PROSE = [
    # what only the text of the specification says, or an example, or no reading could make an image of
    ({"seeds": [1, 2], "numVariations": 3}, "the number of seeds must equal numVariations"),
    ({"numVariations": 2}, "ensure this value"),  # image4_ultra
    ({"seeds": [1, 2]}, "ensure this value"),
    ("url", "https on one of these domains"),
    ("uploadId", "the upload is unknown"),
    ("customModelId", "no published custom model has this id"),
    ("customModelId", "field required"),
    ("prompt", "must contain the concept"),
]


def is_forbidden(version: str, body: dict[str, Any]) -> bool:
    """Whether Adobe's schema forbids the body."""
    sent = {"authorization": "Bearer x", "x-api-key": "x", "content-type": "application/json"}
    sent["x-model-version"] = version
    exchange = Exchange("POST", "/v3/images/generate-async", sent, json.dumps(body).encode())
    return any(not any(word in said for word in SILENT) for said in SPECIFICATION.of_request(exchange))


def is_in_prose(body: dict[str, Any], said: str) -> bool:
    return any(
        words in said for place, words in IN_PROSE if place == body or (isinstance(place, str) and place in said)
    )


@pytest.mark.parametrize(("version", "body", "blamed", "kind"), REFUSED)
async def test_what_adobe_does_not_forbid_is_taken_and_told(
    opened: Open, version: str, body: dict[str, Any], blamed: str, kind: str
) -> None:
    caller = await opened(strict=False)
    answer = await caller.generate(version, **body)
    sent = {name: value for name, value in ({"prompt": "almonds"} | body).items() if value is not None}
    if answer.status == 422:
        assert is_forbidden(version, sent) or is_in_prose(body, answer.json["message"]), answer.json["message"]
        assert caller.said == []
        return
    assert answer.status == 202 and not is_forbidden(version, sent)
    assert await caller.outputs(answer.json)
    (entry,) = caller.sandbox.ledger.accepted
    assert caller.said == [f"--strict would refuse: {doubt}" for doubt in entry.doubts]
    assert any(blamed in doubt for doubt in entry.doubts)


SAMPLES: list[tuple[str, dict[str, Any], str]] = [
    ("image3", {"seedz": [1]}, "body.seedz: extra fields not permitted"),
    ("image3", {"size": {"width": 800, "height": 600}}, "body.size: image3 does not support 800x600"),
    ("image3", {"style": {}}, "body.style: style has no effect without presets or imageReference"),
    ("image3", {"style": {"presets": []}}, "body.style.presets: ensure this value has at least 1 items"),
    ("image3", {"seeds": [-1]}, "body.seeds: ensure this value is greater than or equal to 0"),
    ("image3", {"promptBiasingLocaleCode": "en"}, "body.promptBiasingLocaleCode: a language and a region are expected"),
    ("image3_custom", {"customModelId": WARM, "negativePrompt": "red"}, "negativePrompt is not supported with image3_"),
    ("image4_standard", {"customModelId": WARM}, "body.customModelId: customModelId is not supported with image4_"),
]


@pytest.mark.parametrize(("version", "body", "doubt"), SAMPLES)
async def test_the_line_says_what_a_strict_one_refuses_in_the_same_words(
    opened: Open, caller: Caller, version: str, body: dict[str, Any], doubt: str
) -> None:
    lenient = await opened(strict=False)
    await lenient.accepted(version, **body)
    (line,) = lenient.said
    refused = await caller.generate(version, **body)
    assert doubt in line
    assert line == f"--strict would refuse: {refused.json['message']}"


async def test_a_thing_is_told_once_and_without_characters_that_steer_a_terminal(opened: Open) -> None:
    caller = await opened(strict=False)
    for _ in range(3):
        await caller.call(
            "POST",
            "/v3/images/generate-async",
            json={"prompt": "almonds", "\x1b[2J\u202e": 1},
            headers=caller.headers | {"x-model-version": "image3"},
        )
    assert caller.said == ["--strict would refuse: body.\ufffd[2J\ufffd: extra fields not permitted"]


GUIDES: list[tuple[dict[str, Any], int]] = [
    # what Adobe's guides to seeds, presets, references and the asynchronous operations send, without x-model-version
    ({"prompt": "a futuristic future cityscape with flying cars"}, 1),
    ({"prompt": "a cat in a sunbeam", "contentClass": "art"}, 1),
    ({"prompt": "a puppy", "numVariations": 4, "style": {"presets": ["bw", "fantasy", "dramatic_light"]}}, 4),
    ({"prompt": "a friendly dog", "numVariations": 4, "style": {"imageReference": {"source": "upload"}}}, 4),
    ({"prompt": "a volcano", "structure": {"strength": 100, "imageReference": {"source": "upload"}}}, 1),
]


@pytest.mark.parametrize(("body", "images"), GUIDES)
async def test_what_adobes_guides_send_works(opened: Open, body: dict[str, Any], images: int) -> None:
    caller = await opened(strict=False)
    headers = caller.headers | {"Content-Type": "image/webp"}
    upload = await caller.call("POST", "/v2/storage/image", data=b"RIFF....WEBP", headers=headers)
    source = json.dumps({"uploadId": upload.json["images"][0]["id"]})
    sent = json.loads(json.dumps(body).replace('"upload"', source))
    ticket = await caller.accepted("", **sent)
    caller.clock.pass_(2)
    status = await caller.call("GET", f"/v3/status/{ticket['jobId']}")  # not at the statusUrl, in the guides
    assert len(status.json["result"]["outputs"]) == images
    assert [line.split(": ")[1] for line in caller.said] == ["header.x-model-version"]


async def test_an_upload_that_is_another_picture_than_it_says_is_told(opened: Open) -> None:
    caller = await opened(strict=False)
    headers = caller.headers | {"Content-Type": "image/webp"}
    answer = await caller.call("POST", "/v2/storage/image", data=b"\xff\xd8\xff a JPEG", headers=headers)
    assert (answer.status, caller.said) == (200, ["--strict would refuse: upload: image/jpeg sent as image/webp"])


async def test_null_for_a_custom_model_is_none_and_of_a_strict_one_a_mistake(opened: Open, caller: Caller) -> None:
    headers = caller.headers | {"x-model-version": "image3"}
    body = {"prompt": "almonds", "customModelId": None}
    assert (await caller.call("POST", "/v3/images/generate-async", json=body, headers=headers)).status == 422
    lenient = await opened(strict=False)
    answer = await lenient.call("POST", "/v3/images/generate-async", json=body, headers=lenient.headers)
    plain = await lenient.generate("image3", prompt="almonds")
    assert (answer.status, plain.status) == (202, 202)
    first, second = lenient.sandbox.ledger.accepted
    assert first.version == second.version == "image3"


async def test_a_media_type_that_is_none_of_three_becomes_jpeg(opened: Open) -> None:
    caller = await opened(strict=False)
    url = (await caller.outputs(await caller.accepted(headers={"x-accept-mimetype": "image/gif"})))[0]["image"]["url"]
    assert (await caller.download(url)).headers["Content-Type"] == "image/jpeg"
    assert "header.x-accept-mimetype" in caller.said[0]


async def test_an_unknown_parameter_of_the_list_is_told(opened: Open) -> None:
    caller = await opened(strict=False)
    assert (await caller.call("GET", "/v3/custom-models?page=2")).json["total_count"] == 74
    assert caller.said == ["--strict would refuse: models: unknown query parameter page"]
