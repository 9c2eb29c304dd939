"""A sandbox on a real socket, with a clock the test turns by hand, and somebody to call it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import aiohttp
import pytest
from multidict import CIMultiDictProxy

from campaign_runner.sandbox.catalog import CATALOG
from campaign_runner.sandbox.faults import Fault
from campaign_runner.sandbox.serve import serving
from campaign_runner.sandbox.server import Sandbox
from campaign_runner.sandbox.settings import Settings

BEGAN = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
PROMPT = "almond candle on an oak table"


@dataclass
class HandClock:
    """Seconds that pass only when a test says so."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def pass_(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class Answer:
    """A complete answer."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    json: Any


@dataclass
class Caller:
    """A client without opinions: it sends what it is told and shows the answer."""

    http: aiohttp.ClientSession
    origin: str
    sandbox: Sandbox
    clock: HandClock
    said: list[str]
    """What the sandbox told whoever runs it."""
    headers: dict[str, str] = field(default_factory=dict)

    async def call(self, method: str, path: str, **more: Any) -> Answer:
        url = path if path.startswith("http") else self.origin + path
        more.setdefault("headers", self.headers)
        async with self.http.request(method, url, **more) as response:
            body = await response.read()
            is_json = response.content_type == "application/json"
            return Answer(response.status, response.headers, body, await response.json() if is_json else None)

    async def token(self, *, client: str = "acme", secret: str = "s3cret", **fields: str) -> Answer:
        form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
        form["scope"] = "openid,AdobeID,firefly_api,ff_apis"
        return await self.call("POST", "/ims/token/v3", data=form | fields, headers={})

    async def sign_in(self, client: str = "acme") -> None:
        token = (await self.token(client=client)).json["access_token"]
        self.headers = {"Authorization": f"Bearer {token}", "x-api-key": client}

    async def generate(
        self, version: str = "image4_standard", headers: dict[str, str] | None = None, **body: Any
    ) -> Answer:
        """Ask for images; a prompt is filled in unless one is given (None: leave it out)."""
        body = {name: value for name, value in ({"prompt": PROMPT} | body).items() if value is not None}
        sent = self.headers | ({"x-model-version": version} if version else {}) | (headers or {})
        return await self.call("POST", "/v3/images/generate-async", json=body, headers=sent)

    async def accepted(
        self, version: str = "image4_standard", headers: dict[str, str] | None = None, **body: Any
    ) -> dict[str, Any]:
        """The body of the 202."""
        answer = await self.generate(version, headers, **body)
        assert answer.status == 202, answer.body
        ticket: dict[str, Any] = answer.json
        return ticket

    async def finished(self, ticket: dict[str, str]) -> dict[str, Any]:
        """The status once the job's time has passed."""
        self.clock.pass_(self.sandbox.settings.job_seconds)
        answer: dict[str, Any] = (await self.call("GET", ticket["statusUrl"])).json
        return answer

    async def outputs(self, ticket: dict[str, str]) -> list[dict[str, Any]]:
        outputs: list[dict[str, Any]] = (await self.finished(ticket))["result"]["outputs"]
        return outputs

    async def download(self, url: str, headers: dict[str, str] | None = None) -> Answer:
        return await self.call("GET", url, headers=headers or {})


class Open(Protocol):
    """`await opened(*faults, per_minute=…)`: a caller, signed in, of a new sandbox; strict unless it says otherwise."""

    async def __call__(self, *faults: Fault, **switches: Any) -> Caller: ...


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def open_one(*faults: Fault, **switches: Any) -> Caller:
            return await stack.enter_async_context(_caller(faults, {"per_minute": 1000, "strict": True, **switches}))

        yield open_one


@asynccontextmanager
async def _caller(faults: tuple[Fault, ...], switches: dict[str, Any]) -> AsyncIterator[Caller]:
    clock = HandClock()
    said: list[str] = []

    async def nap(seconds: float) -> None:
        clock.pass_(seconds)

    catalog = switches.pop("catalog", CATALOG)
    sandbox = Sandbox(
        Settings(**switches), catalog=catalog, faults=faults, clock=clock, began=BEGAN, sleep=nap, say=said.append
    )
    async with serving(sandbox) as origin, aiohttp.ClientSession() as http:
        caller = Caller(http, origin, sandbox, clock, said)
        await caller.sign_in()
        yield caller


@pytest.fixture
async def caller(opened: Open) -> Caller:
    """A caller, signed in, of a sandbox without faults."""
    return await opened()
