"""Reference images: handed over once, named by an id, sent under it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from campaign_runner.errors import AccountRefused, ProviderError, Rejected, Throttled, Unavailable
from campaign_runner.firefly.protocol import answers, wire
from campaign_runner.firefly.protocol.image_v3 import IMAGE_V3
from campaign_runner.firefly.protocol.interfaces import references_of
from campaign_runner.firefly.protocol.wire import Response
from campaign_runner.model import Job, Recipe

NOW = datetime(2026, 9, 1, tzinfo=UTC)
DIGEST = "ab" * 32


def answer(status: int, body: object, **headers: str) -> Response:
    return Response(status, headers, json.dumps(body).encode(), "application/json")


def recipe(**source: str) -> Recipe:
    size = {"width": 2048, "height": 2048}
    style = {"imageReference": {"source": source}, "strength": 30}
    return Recipe.of("image3", {"prompt": "soap", "size": size, "style": style})


def test_an_upload_is_the_bytes_and_their_type() -> None:
    request = wire.upload_request("https://firefly-api.adobe.io", b"\xff\xd8\xff", "image/jpeg")
    assert (request.method, request.url) == ("POST", "https://firefly-api.adobe.io/v2/storage/image")
    assert (request.body, request.headers["Content-Type"]) == (b"\xff\xd8\xff", "image/jpeg")


def test_the_answer_names_the_upload() -> None:
    assert answers.read_upload(answer(200, {"images": [{"id": "0b7e"}]}), NOW) == "0b7e"


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (answer(400, {"error_code": "bad_request"}), Rejected),  # this image is at fault
        (answer(451, {"error_code": "image_unsafe"}), Rejected),  # the content policy
        (answer(403, {"error_code": "access_error"}), AccountRefused),  # nobody may upload
        (answer(429, {"error_code": "rate_limited"}), Throttled),
        (answer(500, {"error_code": "runtime_error"}), Unavailable),  # an upload costs nothing: again
        (answer(200, {"images": []}), Unavailable),  # no id
        (answer(200, {"images": [{"id": 7}]}), Unavailable),
    ],
)
def test_an_answer_without_an_id_is_the_right_error(response: Response, error: type[ProviderError]) -> None:
    with pytest.raises(error):
        answers.read_upload(response, NOW)


def test_a_reference_is_sent_under_its_upload_id_and_identified_by_its_content() -> None:
    asked = recipe(sha256=DIGEST)
    sent = json.loads(wire.generate_request("https://a.adobe.io", Job(asked, ()), {DIGEST: "0b7e"}).body)
    assert sent["style"] == {"imageReference": {"source": {"uploadId": "0b7e"}}, "strength": 30}
    assert references_of(asked) == (DIGEST,)
    assert asked.body["style"]["imageReference"] == {"source": {"sha256": DIGEST}}


def test_a_linked_reference_needs_no_upload() -> None:
    asked = recipe(url="https://x.amazonaws.com/a.jpg")
    assert references_of(asked) == ()
    assert json.loads(wire.generate_request("https://a.adobe.io", Job(asked, ())).body)["style"] == asked.body["style"]


def test_an_upload_the_service_forgot_has_its_own_code() -> None:
    fault = {"loc": ["body", "style", "imageReference", "source", "uploadId"], "msg": "unknown"}
    with pytest.raises(Rejected) as raised:
        refused = answer(422, {"error_code": "validation_error", "validation_errors": [fault]})
        answers.read_ticket(refused, NOW, IMAGE_V3)
    assert raised.value.code == answers.UNKNOWN_UPLOAD
