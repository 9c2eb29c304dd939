"""The tutorial's program in Python, in our own words; what it leaves out and what it reads is the page's."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import requests

CLIENT_ID, CLIENT_SECRET = os.environ["CUSTOM_MODELS_CLIENT_ID"], os.environ["CUSTOM_MODELS_CLIENT_SECRET"]
PAUSE = float(os.environ.get("PAUSE", "5"))


def main() -> None:
    headers = {"Accept": "application/json", "Content-Type": "application/json", "x-api-key": CLIENT_ID}
    headers["Authorization"] = f"Bearer {token()}"
    first = answer(requests.get("https://firefly-api.adobe.io/v3/custom-models", headers=headers))["custom_models"][0]
    job = generate(headers, first.get("repo:assetId"))
    done: dict[str, Any] = {"status": "running"}
    while done["status"] not in ("succeeded", "failed"):
        time.sleep(PAUSE)
        done = answer(requests.get(job["statusUrl"], headers=headers))
    sys.stdout.write(f"status {done['status']}\n")
    for output in done["result"]["outputs"]:
        Path(f"{output['seed']}.jpg").write_bytes(requests.get(output["image"]["url"]).content)


def token() -> str:
    form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    form["scope"] = "openid,AdobeID,firefly_api,ff_apis"
    return str(answer(requests.post("https://ims-na1.adobelogin.com/ims/token/v3", data=form))["access_token"])


def generate(headers: dict[str, str], model: str | None) -> Any:
    body: dict[str, Any] = {
        "numVariations": 2,
        "seeds": [66080, 82683],
        "size": {"width": 2048, "height": 2048},
        "prompt": "Laika running over rolling green hills with a big vibrant sun in the background",
        "negativePrompt": "red",
        "contentClass": "photo",
        "visualIntensity": 6,
        "style": {"presets": ["painting"], "strength": 50},
        "promptBiasingLocaleCode": "en-US",
        "customModelId": model,
    }
    url, more = "https://firefly-api.adobe.io/v3/images/generate-async", {"x-accept-mimetype": "image/jpeg"}
    return answer(requests.post(url, headers=headers | more, json=body))


def answer(response: requests.Response) -> Any:
    if not response.ok:
        raise SystemExit(response.text)
    return response.json()


main()
