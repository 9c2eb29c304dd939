"""Adobe's tutorial "Custom Models Generate Image API" on the sandbox: its curl steps, and its Python sample.

Corrected where the tutorial contradicts Adobe's own specification: it takes `repo:assetId` where the list
has `assetId`, leaves out `x-model-version`, sends a `negativePrompt` that custom models do not support, polls
`…/jobs/result/…` on another host than `statusUrl` names, and loops for ever where a job has ended badly.
Its pause of five seconds between two polls is left out.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CLIENT_ID, CLIENT_SECRET = "tutorial-client", "tutorial-secret"
SCOPE = "openid,AdobeID,firefly_api,ff_apis"
PROMPT = "a cup of coffee on an oak table in autumn light"


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """The sandbox as its command serves it, in a process of its own: these callers know no virtual time."""
    command = [
        sys.executable,
        "-m",
        "campaign_runner",
        "sandbox",
        "--port=0",
        "--job-seconds=0.1",
        "--plain-pictures",
        "--strict",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield re.findall(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]
        finally:
            process.terminate()


def curl(*arguments: str) -> bytes:
    command = ["curl", "--silent", "--show-error", "--fail", "--noproxy", "*", *arguments]
    return subprocess.run(command, check=True, capture_output=True, timeout=30).stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_curl_steps_lead_from_a_token_to_an_image(origin: str, tmp_path: Path) -> None:
    token = json.loads(
        curl(
            "--location", f"{origin}/ims/token/v3",
            "--header", "Content-Type: application/x-www-form-urlencoded",
            "--data-urlencode", "grant_type=client_credentials",
            "--data-urlencode", f"client_id={CLIENT_ID}",
            "--data-urlencode", f"client_secret={CLIENT_SECRET}",
            "--data-urlencode", f"scope={SCOPE}",
        )
    )["access_token"]  # fmt: skip
    who = ("--header", f"Authorization: Bearer {token}", "--header", f"x-api-key: {CLIENT_ID}")
    (model, *_) = json.loads(curl("--location", f"{origin}/v3/custom-models?sortBy=createdDate", *who))["custom_models"]
    job = json.loads(
        curl(
            "--location", f"{origin}/v3/images/generate-async", *who,
            "--header", "Content-Type: application/json",
            "--header", "x-model-version: image3_custom",
            "--header", "x-accept-mimetype: image/jpeg",
            "--data", json.dumps(tutorial_body(model["assetId"])),
        )
    )  # fmt: skip
    for _ in range(100):
        answer = json.loads(curl("--location", job["statusUrl"], *who))
        if answer["status"] == "succeeded":
            break
    image = tmp_path / "image.jpg"
    curl("--output", str(image), answer["result"]["outputs"][0]["image"]["url"])
    assert image.read_bytes().startswith(b"\xff\xd8\xff")


def tutorial_body(model: str) -> dict[str, Any]:
    return {
        "prompt": PROMPT,
        "customModelId": model,
        "contentClass": "photo",
        "numVariations": 1,
        "size": {"width": 2048, "height": 2048},
    }


# Adobe's Python sample, with urllib in the place of requests.


def ask(url: str, headers: dict[str, str], body: bytes | None = None) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, data=body, headers=headers), timeout=30) as response:
        return response.read()


def retrieve_access_token(origin: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "scope": SCOPE}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = ask(f"{origin}/ims/token/v3", headers, urllib.parse.urlencode(form).encode())
    return str(json.loads(answer)["access_token"])


def retrieve_custom_models(origin: str, headers: dict[str, str]) -> Any:
    return json.loads(ask(f"{origin}/v3/custom-models?sortBy=createdDate", headers))["custom_models"]


def generate(origin: str, headers: dict[str, str], model: str) -> Any:
    headers = {**headers, "Content-Type": "application/json", "x-model-version": "image3_custom"}
    body = json.dumps(tutorial_body(model)).encode()
    return json.loads(ask(f"{origin}/v3/images/generate-async", headers, body))


def poll(job: Any, headers: dict[str, str]) -> Any:
    while True:
        answer = json.loads(ask(job["statusUrl"], headers))
        if answer["status"] == "succeeded":
            return answer
        assert answer["status"] in ("pending", "running"), answer


def test_the_python_sample_makes_an_image_once_it_takes_the_id_that_the_list_has(origin: str) -> None:
    headers = {"Authorization": f"Bearer {retrieve_access_token(origin)}", "x-api-key": CLIENT_ID}
    models = retrieve_custom_models(origin, headers)
    assert "repo:assetId" not in models[0]  # what the sample takes, and would send as null
    result = poll(generate(origin, headers, models[0]["assetId"]), headers)["result"]
    assert len(result["outputs"]) == 1
    assert ask(result["outputs"][0]["image"]["url"], {}).startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({"customModelId": None}, {}),  # the sample's `repo:assetId`
        ({"negativePrompt": "no cream"}, {}),  # the sample sends it
        ({}, {"x-model-version": ""}),  # the sample leaves it out
    ],
)
def test_the_sample_as_adobe_prints_it_is_refused(origin: str, fields: Any, headers: dict[str, str]) -> None:
    who = {"Authorization": f"Bearer {retrieve_access_token(origin)}", "x-api-key": CLIENT_ID}
    model = retrieve_custom_models(origin, who)[0]["assetId"]
    sent = {**who, "Content-Type": "application/json", "x-model-version": "image3_custom", **headers}
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(f"{origin}/v3/images/generate-async", sent, json.dumps({**tutorial_body(model), **fields}).encode())
    with caught.value as refusal:
        assert (refusal.code, json.loads(refusal.read())["error_code"]) == (422, "validation_error")
