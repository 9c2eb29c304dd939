"""Tokens and keys: who is let in, and how the others are told."""

from __future__ import annotations

import json

import pytest

from campaign_runner.sandbox.unserved import OPERATIONS
from tests.contract.specification import FILE
from tests.sandbox.conftest import Caller, Open

CALLS = [("GET", "/v3/status/urn:ff:jobs:epo:0"), ("POST", "/v3/images/generate-async"), ("POST", "/v2/storage/image")]


async def test_a_token_names_its_life_in_seconds(caller: Caller) -> None:
    answer = await caller.token()
    assert answer.status == 200
    assert answer.json.keys() == {"access_token", "token_type", "expires_in"}
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("bearer", 86399)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"scope": "openid,AdobeID"}, "invalid_scope"),  # firefly_api is what the API needs
        ({"client_secret": ""}, "invalid_request"),  # an empty field is a missing one
    ],
)
async def test_the_token_service_refuses_in_the_oauth_shape(caller: Caller, fields: dict[str, str], error: str) -> None:
    answer = await caller.token(**fields)
    assert answer.status == 400
    assert answer.json.keys() == {"error", "error_description"}
    assert answer.json["error"] == error


FIELDS = {"grant_type": "client_credentials", "client_id": "a", "client_secret": "b", "scope": "firefly_api ff_apis"}


async def test_credentials_in_the_query_are_taken_by_a_lenient_one_alone(caller: Caller, opened: Open) -> None:
    answer = await caller.call("POST", "/ims/token/v3", params=FIELDS, headers={})
    assert (answer.status, answer.json["error"]) == (400, "invalid_request")
    lenient = await opened(strict=False)
    assert (await lenient.call("POST", "/ims/token/v3", params=FIELDS, headers={})).status == 200
    halves = {"params": {"client_id": "a", "scope": "firefly_api"}, "data": {**FIELDS, "client_id": "b"}}
    assert (await lenient.call("POST", "/ims/token/v3", headers={}, **halves)).status == 200
    assert lenient.said == ["--strict would refuse: token: parameters in the query; Adobe advises the body"]


@pytest.mark.parametrize("form", [b"grant_type=%ff", b"\xff\xfe", b"=&=&", b"{}"])
async def test_a_form_that_cannot_be_read_is_refused(caller: Caller, form: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=never-heard-of"}
    answer = await caller.call("POST", "/ims/token/v3", data=form, headers=headers)
    assert (answer.status, answer.json["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_a_call_without_a_token_is_401(caller: Caller, method: str, path: str) -> None:
    answer = await caller.call(method, path, headers={"x-api-key": "acme"})
    assert (answer.status, answer.json) == (401, {"error_code": "401013", "message": "Oauth token is not valid"})


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_a_call_with_another_clients_key_is_403(caller: Caller, method: str, path: str) -> None:
    answer = await caller.call(method, path, headers=caller.headers | {"x-api-key": "other"})
    assert (answer.status, answer.json) == (403, {"error_code": "403003", "message": "Api Key is invalid"})


async def test_a_token_ends_with_its_life(opened: Open) -> None:
    caller = await opened(token_seconds=60)
    caller.clock.pass_(59)
    assert (await caller.generate()).status == 202
    caller.clock.pass_(1)
    assert (await caller.generate()).status == 401


async def test_the_models_list_words_its_refusals_in_its_own_shape(caller: Caller) -> None:
    no_token = await caller.call("GET", "/v3/custom-models", headers={})
    assert no_token.json == {"reason": "Unauthorized", "message": "Authorization Token is not accepted."}
    no_key = await caller.call("GET", "/v3/custom-models", headers=caller.headers | {"x-api-key": "other"})
    assert no_key.json == {"reason": "Forbidden", "message": "API Key is not accepted."}
    assert (no_token.status, no_key.status) == (401, 403)


async def test_an_unknown_path_is_a_404_that_names_what_is_served(caller: Caller) -> None:
    answer = await caller.call("POST", "/v3/images/generate")
    assert (answer.status, answer.json["error_code"]) == (404, "not_found")
    assert "removed" in answer.json["message"] and "POST /v3/images/generate-async" in answer.json["message"]
    other = await caller.call("POST", "/v3/images")
    assert (other.status, "POST /v3/images/generate-async" in other.json["message"]) == (404, True)


@pytest.mark.parametrize("path", OPERATIONS)
async def test_what_adobe_serves_and_this_does_not_is_501_in_one_sentence(caller: Caller, path: str) -> None:
    answer = await caller.call("POST", path, json={})
    assert (answer.status, answer.json["error_code"]) == (501, "not_implemented")
    assert path in answer.json["message"] and answer.json["message"].count(".") == 1


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v3/images/generate-async", "POST"),
        ("HEAD", "/v3/custom-models", "GET"),
        ("GET", "/v3/images/upscale", "POST"),
        ("POST", "/v3/status/urn:ff:jobs:epo:0", "GET"),
        ("DELETE", "/v3/cancel/urn:ff:jobs:epo:0", "PUT"),
        ("PUT", "/presigned/images/x-0", "GET, HEAD"),
    ],
)
async def test_a_method_that_is_not_allowed_is_405_with_those_that_are(
    caller: Caller, method: str, path: str, allowed: str
) -> None:
    answer = await caller.call(method, path)
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)


async def test_all_operations_of_adobes_description_are_served_or_named_as_not_served() -> None:
    described = {path for path, verbs in json.loads(FILE.read_bytes())["paths"].items() if "post" in verbs}
    assert described - set(OPERATIONS) == {"/v3/images/generate-async", "/v2/storage/image"}
    assert set(OPERATIONS) <= described and len(OPERATIONS) == 9


async def test_bearer_may_be_written_in_any_case(caller: Caller) -> None:
    token = caller.headers["Authorization"].split()[1]
    for scheme in ("bearer", "BEARER"):
        answer = await caller.call(
            "GET", "/v3/custom-models", headers=caller.headers | {"Authorization": f"{scheme} {token}"}
        )
        assert answer.status == 200


async def test_every_answer_carries_the_request_id_it_was_sent(caller: Caller) -> None:
    answer = await caller.call("GET", "/v3/custom-models", headers=caller.headers | {"x-request-id": "mine"})
    assert answer.headers["x-request-id"] == "mine"
