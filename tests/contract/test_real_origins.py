"""What the client asks with default settings, held against Adobe's tutorial header by header and field by field.

The tutorial is "Custom Models Generate Image API". Whoever answers here is a recording server
that knows nothing but to write down what it is asked.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from campaign_runner.cli.environment import Environment
from campaign_runner.firefly.auth import grant_request
from campaign_runner.sandbox.images import Picture, render
from tests.contract.recording import RecordedSandbox
from tests.contract.rehearsal import SECRET, Rehearsal

MODEL = "urn:aaid:sc:VA6C2:1a2b3c4d-0000-4000-8000-000000000000"
JOB = "urn:ff:jobs:eso85121:7"
TUTORIAL: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    # method and path: headers, then fields, as Adobe prints them; … where the value is the reader's own
    "POST /ims/token/v3": (
        {"content-type": "application/x-www-form-urlencoded"},
        {
            "grant_type": "client_credentials",
            "client_id": ...,
            "client_secret": ...,
            "scope": "openid,AdobeID,firefly_api,ff_apis",
        },
    ),
    "GET /v3/custom-models": ({"authorization": ..., "x-api-key": ...}, {}),
    "POST /v3/images/generate-async": (
        {
            "authorization": ...,
            "x-api-key": ...,
            "content-type": "application/json",
            "x-accept-mimetype": "image/jpeg",
        },
        {
            "prompt": "a cup of coffee",
            "negativePrompt": ...,
            "customModelId": ...,
            "contentClass": "photo",
            "numVariations": 1,
            "size": {"width": 2048, "height": 2048},
        },
    ),
    "GET /jobs/result": ({"authorization": ..., "x-api-key": ...}, {"id": JOB}),
    "GET /image": ({}, {}),
}
ADDED = {
    # what we send besides, and why
    "GET /v3/custom-models": {
        "x-request-id": "marked as required by the specification; Adobe Support finds a request by it",
        "sortBy": "oldest first, so that training a model shifts no page",
        "start": "required where there is a limit",
        "limit": "the most a page may have",
    },
    "POST /v3/images/generate-async": {
        "x-model-version": "Adobe's pages disagree about the default; the tutorial's Python leaves it out",
        "x-request-id": "as above",
        "seeds": "always, so that every image can be made again",
    },
    "GET /jobs/result": {"x-request-id": "as above"},
}
LEFT_OUT = {
    # what we do not send of it, and why
    "POST /v3/images/generate-async": {
        "negativePrompt": "not supported with custom models",
        "x-accept-mimetype": "not in the specification; sent where a campaign says `format`",
    },
}
EVERY_CLIENTS = {"host", "accept", "accept-encoding", "user-agent", "content-length", "connection"}


@dataclass
class Asked:
    """One request: its headers in lower case, and its fields from query, form or JSON."""

    headers: dict[str, str]
    fields: dict[str, Any]


@dataclass
class RecordingServer:
    """Answers the tutorial's five calls, and remembers what each was asked with."""

    asked: dict[str, Asked] = field(default_factory=dict)

    async def answer(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked[f"{request.method} {request.path}"] = Asked(headers, _fields(request, await request.text()))
        origin = f"http://{request.host}"
        match request.path:
            case "/ims/token/v3":
                return web.json_response({"access_token": "eyJ.tutorial", "token_type": "bearer", "expires_in": 86399})
            case "/v3/custom-models":
                model = {"assetId": MODEL, "displayName": "Warm Custom Model", "assetName": "warm", "version": "1"}
                return web.json_response({"custom_models": [model], "total_count": 1})
            case "/v3/images/generate-async":
                urls = {"statusUrl": f"{origin}/jobs/result?id={JOB}", "cancelUrl": f"{origin}/v3/cancel/{JOB}"}
                return web.json_response({"jobId": JOB, **urls}, status=202)
            case "/jobs/result":
                output = {"seed": 66080, "image": {"url": f"{origin}/image"}}
                return web.json_response({"status": "succeeded", "jobId": JOB, "result": {"outputs": [output]}})
            case _:
                picture = Picture("", (2048, 2048), 66080, "00" * 32, is_plain=True)
                return web.Response(body=render(picture, "image/jpeg"), content_type="image/jpeg")


def _fields(request: web.Request, body: str) -> dict[str, Any]:
    if request.content_type == "application/json":
        return dict(json.loads(body))
    pairs = parse_qs(urlsplit(str(request.rel_url)).query) | parse_qs(body)
    return {name: values[0] for name, values in pairs.items()}


@asynccontextmanager
async def recorded_run(home: Path) -> AsyncIterator[RecordingServer]:
    """A run of one image with the tutorial's model and prompt, as far as the recording server sees it."""
    server = RecordingServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        file = home / "tutorial.yaml"
        file.write_text(
            "campaign: tutorial\nmodel: image3_custom\ncustom_model: Warm Custom Model\n"
            "defaults: {content_class: photo}\nproducts: [a cup of coffee]\nprompts: {hero: '{product.name}'}\n"
            "sizes: [square]\nseeds: [66080]\n",
            encoding="utf-8",
        )
        rehearsal = Rehearsal(home, RecordedSandbox(), f"http://127.0.0.1:{runner.addresses[0][1]}")
        assert await rehearsal.run(file) == 0
        yield server
    finally:
        await runner.cleanup()


def test_without_other_settings_the_calls_go_to_adobes_own_origins_with_the_tutorials_scopes() -> None:
    names = {"CUSTOM_MODELS_CLIENT_ID": "me", "CUSTOM_MODELS_CLIENT_SECRET": SECRET}
    settings = Environment(names).settings()
    assert (settings.firefly_url, settings.ims_url) == (
        "https://firefly-api.adobe.io",
        "https://ims-na1.adobelogin.com",
    )
    request = grant_request(settings.credentials, settings.ims_url)
    _, fields = TUTORIAL["POST /ims/token/v3"]
    assert request.url == "https://ims-na1.adobelogin.com/ims/token/v3"
    assert parse_qs(request.body.decode())["scope"] == [fields["scope"]]


async def test_the_client_makes_the_tutorials_calls_and_no_other(tmp_path: Path) -> None:
    async with recorded_run(tmp_path) as server:
        assert list(server.asked) == list(TUTORIAL)


async def test_each_call_differs_from_the_tutorials_in_what_is_listed_alone(tmp_path: Path) -> None:
    async with recorded_run(tmp_path) as server:
        for call, (headers, fields) in TUTORIAL.items():
            asked = server.asked[call]
            ours = {name: asked.headers[name] for name in asked.headers.keys() - EVERY_CLIENTS} | asked.fields
            printed = headers | fields
            assert ours.keys() - printed.keys() == ADDED.get(call, {}).keys(), call
            assert printed.keys() - ours.keys() == LEFT_OUT.get(call, {}).keys(), call
            assert {name: ours[name] for name, value in printed.items() if name in ours and value is not ...} == {
                name: value for name, value in printed.items() if name in ours and value is not ...
            }, call


async def test_what_is_the_readers_own_is_ours(tmp_path: Path) -> None:
    async with recorded_run(tmp_path) as server:
        token, generate = server.asked["POST /ims/token/v3"], server.asked["POST /v3/images/generate-async"]
        assert token.fields["client_id"] == generate.headers["x-api-key"] == "canary-client"
        assert token.fields["client_secret"] == SECRET
        assert generate.headers["authorization"] == "Bearer eyJ.tutorial"
        assert generate.headers["x-model-version"] == "image3_custom"
        assert generate.fields["customModelId"] == MODEL  # `assetId`, not the sample's `repo:assetId`
        assert generate.fields["seeds"] == [66080]


async def test_a_job_is_asked_for_at_the_url_that_was_returned_and_an_image_without_token_or_key(
    tmp_path: Path,
) -> None:
    async with recorded_run(tmp_path) as server:
        assert server.asked["GET /jobs/result"].fields == {"id": JOB}
        assert not server.asked["GET /image"].headers.keys() & {"authorization", "x-api-key", "x-request-id"}
