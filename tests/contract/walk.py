"""Every operation called once, by a caller without opinions, and every mistake a caller can make."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
UNKNOWN = "urn:ff:jobs:epo:00000000-0000-4000-8000-000000000000"
BODY = {"prompt": "almond candle", "seeds": [66080, 82683], "numVariations": 2}


@dataclass
class Walker:
    """Calls a sandbox at `origin`; what is not answered is None, what is not JSON an empty mapping."""

    http: aiohttp.ClientSession
    origin: str
    headers: dict[str, str] = field(default_factory=dict)

    async def call(self, method: str, url: str, headers: Mapping[str, str] = {}, **more: Any) -> Any:
        url = url if url.startswith("http") else self.origin + url
        try:
            async with self.http.request(
                method, url, headers=self.headers | dict(headers), allow_redirects=False, **more
            ) as response:
                return _object(await response.read())
        except aiohttp.ClientError:
            return None

    async def sign_in(self) -> None:
        form = {"grant_type": "client_credentials", "client_id": "me", "client_secret": "any", "scope": "firefly_api"}
        for _ in range(2):
            answer = await self.call("POST", "/ims/token/v3", data=form) or {}
        self.headers = {"Authorization": f"Bearer {answer.get('access_token')}", "x-api-key": "me"}

    async def generate(self, headers: Mapping[str, str] = {}, **body: Any) -> Any:
        sent = {"x-model-version": "image3", **headers}
        return await self.call("POST", "/v3/images/generate-async", sent, json={**BODY, **body}) or {}

    async def poll(self, job: Mapping[str, str]) -> Any:
        return await self.call("GET", f"/v3/status/{job.get('jobId', UNKNOWN)}") or {}


def _object(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return {}


async def walk(walker: Walker) -> None:
    """Token, models, upload, a job with its images, and one that is cancelled."""
    await walker.sign_in()
    await walker.call("GET", "/v3/custom-models?start=0&limit=3", {"x-request-id": "1"})
    await walker.call("POST", "/v2/storage/image", {"Content-Type": "image/png"}, data=PNG)
    await walker.sign_in()  # the token may have been revoked
    job, other = await walker.generate(), await walker.generate(prompt="almond soap")
    for _ in range(3):
        done = await walker.poll(job)
        await asyncio.sleep(1)
    for output in done.get("result", {}).get("outputs", ()):
        await walker.call("GET", output["image"]["url"], headers={})
    await walker.sign_in()
    late = await walker.generate(prompt="almond oil")
    for job in (late, late, other):
        await walker.call("PUT", f"/v3/cancel/{job.get('jobId', UNKNOWN)}")
    await walker.poll(late)


async def stumble(walker: Walker) -> None:
    """Every mistake, each answered with a refusal."""
    await walker.sign_in()
    good, key = dict(walker.headers), {"x-api-key": "another"}
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "/v3/custom-models", {}),
        ("POST", "/v2/storage/image", {"data": PNG, "headers": {"Content-Type": "image/png"}}),
        ("POST", "/v3/images/generate-async", {"json": BODY}),
        ("GET", f"/v3/status/{UNKNOWN}", {}),
        ("PUT", f"/v3/cancel/{UNKNOWN}", {}),
    ]
    for headers in (good, good | key, {}):
        walker.headers = headers
        for method, path, more in calls:
            await walker.call(method, path, **more)
    walker.headers = good
    await _misspell(walker)


async def _misspell(walker: Walker) -> None:
    for job in ("nonsense", UNKNOWN, "%FF"):
        await walker.call("GET", f"/v3/status/{job}")
        await walker.call("PUT", f"/v3/cancel/{job}")
    for query in ("limit=0&start=0", "limit=5", "sortBy=size", "publishedState=gone", "start=x", "other=1"):
        await walker.call("GET", f"/v3/custom-models?{query}", {"x-request-id": "1"})
    await walker.call("GET", "/v3/custom-models", {"Accept": "text/html", "x-request-id": "1"})
    for body, media_type in ((b"GIF89a", "image/png"), (PNG, "image/gif"), (bytes(15_000_001), "image/png")):
        await walker.call("POST", "/v2/storage/image", {"Content-Type": media_type}, data=io.BytesIO(body))
    for body, media_type in ((b"", "application/json"), (b"{", "application/json"), (b"[]", "application/json")):
        await walker.call("POST", "/v3/images/generate-async", {"Content-Type": media_type}, data=body)
    await walker.call("POST", "/v3/images/generate-async", {"Content-Type": "text/plain"}, data=b"{}")
    await walker.call("POST", "/v3/images/generate-async", {"Content-Type": "application/json"}, data=b" " * 1_000_001)
    for fields in ({"seedz": [1]}, {"prompt": "forbidden"}, {"numVariations": 5}, {"contentClass": "film"}):
        await walker.generate(**fields)
    await walker.generate({"x-model-version": "image9"})
    await walker.generate({"x-model-version": ""})
    await walker.generate({"x-accept-mimetype": "image/gif"})
