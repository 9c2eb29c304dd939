"""Requests as bytes: what is asked for, and nothing that shows a secret."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest

from campaign_runner.errors import Rejected
from campaign_runner.firefly.protocol import wire
from campaign_runner.model import Job, Recipe, Ticket
from tests.firefly.asking import make_job

API = "https://firefly-api.adobe.io"
SHARD = "https://firefly-epo854211.adobe.io"


def test_a_request_for_images_is_the_recipe_with_its_seeds_in_order() -> None:
    request = wire.generate_request(API, make_job(9, 3, 7))
    assert (request.method, request.url) == ("POST", f"{API}/v3/images/generate-async")
    assert request.headers["x-model-version"] == "image3"
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body) == {
        "prompt": "almond candle",
        "size": {"width": 1024, "height": 1024},
        "numVariations": 3,
        "seeds": [9, 3, 7],
    }


@pytest.mark.parametrize("accept", [None, "image/png"])
def test_a_media_type_is_asked_for_only_if_the_recipe_does(accept: str | None) -> None:
    assert wire.generate_request(API, make_job(1, accept=accept)).headers.get("x-accept-mimetype") == accept


def test_a_request_leaves_the_recipe_as_it_was() -> None:
    job = make_job(1)
    wire.generate_request(API, job)
    assert "seeds" not in job.recipe.body


@pytest.mark.parametrize("part", ["style", "structure"])
def test_a_reference_that_was_not_uploaded_is_refused_before_it_is_paid_for(part: str) -> None:
    body = {"prompt": "x", "size": {"width": 1, "height": 1}, part: {"imageReference": {"source": {"sha256": "ab"}}}}
    with pytest.raises(Rejected, match="not uploaded"):
        wire.generate_request(API, Job(Recipe.of("image3", body), ()))


def test_a_linked_reference_is_sent_as_it_stands() -> None:
    source = {"url": "https://bucket.s3.amazonaws.com/a.png"}
    body = {"prompt": "x", "style": {"imageReference": {"source": source}}}
    sent = json.loads(wire.generate_request(API, Job(Recipe.of("image3", body), ())).body)
    assert sent["style"]["imageReference"]["source"] == source


def test_a_token_is_asked_for_with_a_form_that_keeps_every_character() -> None:
    request = wire.token_request("https://ims-na1.adobelogin.com", "id", "p&s=+ü", "openid,ff_apis")
    assert request.url == "https://ims-na1.adobelogin.com/ims/token/v3"
    assert parse_qs(request.body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["id"],
        "client_secret": ["p&s=+ü"],
        "scope": ["openid,ff_apis"],
    }


def test_a_page_of_models_names_where_it_starts_and_its_length() -> None:
    assert wire.models_request(API, 50).url == f"{API}/v3/custom-models?sortBy=createdDate&start=50&limit=50"


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        (f"{SHARD}/v3/status/1", f"{SHARD}/v3/status/1"),  # as given, wherever the shard is
        (f"{SHARD}/jobs/result/1?x=%2F", f"{SHARD}/jobs/result/1?x=%2F"),  # the path is the service's business
        (None, f"{API}/v3/status/urn%3Aff%3Ajobs%3A1%2F..%2F%3F"),
        ("https://evil.example/v3/status/1", f"{API}/v3/status/urn%3Aff%3Ajobs%3A1%2F..%2F%3F"),
        ("http://firefly-api.adobe.io/v3/status/1", f"{API}/v3/status/urn%3Aff%3Ajobs%3A1%2F..%2F%3F"),
    ],
)
def test_a_job_is_asked_for_where_the_service_said_or_at_its_usual_place(given: str | None, asked: str) -> None:
    ticket = Ticket("urn:ff:jobs:1/../?", given, given and given.replace("status", "cancel"))
    assert wire.status_requests(API, ticket)[0].url == asked
    assert wire.cancel_requests(API, ticket)[0].url == asked.replace("status", "cancel")
    assert wire.cancel_requests(API, ticket)[0].method == "PUT"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (f"{SHARD}/v3/status/1", None),
        (None, "no status URL"),
        ("https://evil.example/v3/status/1?sig=hush", "evil.example, which is not trusted"),
        ("https://user:hush@adobe.io/", "an unreadable address, which is not trusted"),
    ],
)
def test_a_status_url_that_is_not_used_is_warned_of_by_its_host(given: str | None, said: str | None) -> None:
    warnings = wire.warnings_about(API, Ticket("1", given))
    assert (said in warnings[0]) if said else not warnings
    assert "hush" not in "".join(warnings)


def test_nothing_that_is_sent_or_received_shows_in_a_repr() -> None:
    request = wire.Request("POST", "https://adobe.io/hush?hush", {"Authorization": "hush"}, b"hush")
    response = wire.Response(200, {"location": "hush"}, b"hush", "application/json")
    assert repr(request) == "Request(POST adobe.io)"
    assert repr(response) == "Response(200 application/json, 4 bytes)"


@pytest.mark.parametrize("spelt", [r"p8e-a/b+c\\d0123", r"p8e-a\/b\u002Bc\\d0123", r"p8e\u002da\u002Fb+c\u005cd0123"])
def test_a_secret_is_blotted_out_in_whatever_way_json_spells_it(spelt: str) -> None:
    body = f'{{"said": "the client {spelt} is wrong"}}'.encode()
    assert json.loads(body)["said"] == "the client p8e-a/b+c\\d0123 is wrong"
    blotted = wire.Response(400, {}, body).without("p8e-a/b+c\\d0123").body
    assert json.loads(blotted) == {"said": "the client *** is wrong"}


def test_an_answer_without_the_secret_stays_as_it_came() -> None:
    response = wire.Response(200, {}, b'{"url": "https:\\/\\/adobe.io\\/\\\\u002B", "n": "\\u0041"}')
    assert response.without("p8e-a/b+c\\d0123") is response
