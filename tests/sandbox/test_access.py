"""Tokens and keys: who is let in, and how the others are told."""

from __future__ import annotations

import pytest

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


async def test_credentials_in_the_query_are_refused(caller: Caller) -> None:
    fields = {"grant_type": "client_credentials", "client_id": "a", "client_secret": "b", "scope": "firefly_api"}
    answer = await caller.call("POST", "/ims/token/v3", params=fields, headers={})
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


async def test_an_unknown_path_is_a_404_in_json(caller: Caller) -> None:
    answer = await caller.call("POST", "/v3/images/generate")
    assert (answer.status, answer.json) == (404, {"error_code": "not_found"})
    assert (await caller.call("GET", "/v3/images/generate-async")).status == 405


async def test_every_answer_carries_the_request_id_it_was_sent(caller: Caller) -> None:
    answer = await caller.call("GET", "/v3/custom-models", headers=caller.headers | {"x-request-id": "mine"})
    assert answer.headers["x-request-id"] == "mine"
