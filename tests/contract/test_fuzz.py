"""Requests that schemathesis makes up from Adobe's specification, right and wrong ones: the sandbox fails at none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings

from campaign_runner.sandbox.serve import serving
from campaign_runner.sandbox.settings import Settings
from tests.contract.exceptions import unexpected
from tests.contract.recording import RecordedSandbox
from tests.contract.specification import NAMES, Specification

MODES = "positive", "negative"
"""Requests that are as the specification says, and others."""
SPECIFICATION = Specification()
GENEROUS = Settings(per_minute=1_000_000, per_day=1_000_000, plain_pictures=True)
EXAMPLES = {"generate": 120, "models": 50, "upload": 30, "status": 30, "cancel": 30}
PATIENCE = 600.0
"""Seconds for an answer: a busy machine is no failure."""
FEWER = 10
"""The default command tries so many times fewer of them."""
HARMLESS = {f"{name} answers with header x-request-id" for name in NAMES} | {"cancel answers 200 with a body"}
"""What schemathesis does not find fault with."""


class Served:
    """A recorded sandbox in a thread of its own, as the callers of schemathesis do not wait in a loop."""

    def __init__(self, settings: Settings) -> None:
        self.sandbox = RecordedSandbox(settings)
        self.origin = ""
        self._is_up = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        async with serving(self.sandbox) as self.origin:
            self._is_up.set()
            await self._over.wait()

    def __enter__(self) -> Served:
        self._thread.start()
        assert self._is_up.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self._loop.close()


@pytest.fixture(scope="module", params=[False, True], ids=["lenient", "strict"])
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    with Served(replace(GENEROUS, strict=request.param)) as served:
        yield served


@pytest.fixture(scope="module")
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False  # no proxy stands between us and loopback
        yield session


@pytest.fixture(scope="module")
def good(served: Served, http: requests.Session) -> dict[str, str]:
    form = {"grant_type": "client_credentials", "client_id": "me", "client_secret": "any", "scope": "firefly_api"}
    token = http.post(f"{served.origin}/ims/token/v3", data=form).json()["access_token"]
    return {"Authorization": f"Bearer {token}", "x-api-key": "me"}


@pytest.mark.parametrize("fewer", [FEWER, pytest.param(1, marks=pytest.mark.proof)], ids=["some", "all"])
@pytest.mark.parametrize("who", ["known", "made up"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
def test_no_request_brings_a_500_or_an_answer_that_is_neither_described_nor_named(
    name: str, mode: str, who: str, fewer: int, served: Served, http: requests.Session, good: dict[str, str]
) -> None:
    from tests.contract.made_up import THEIR_CHECKS, requests_of  # slow to load, and every worker reads this file

    headers = good if who == "known" else {}
    examples = (EXAMPLES[name] if who == "known" else 10) // fewer
    answered: set[int] = set()

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=requests_of(name, mode))
    def ask(case: Any) -> None:
        before = len(served.sandbox.exchanges)
        response = case.call(base_url=served.origin, session=http, headers=headers, timeout=PATIENCE)
        answered.add(response.status_code)
        assert response.status_code < 500
        (exchange,) = served.sandbox.exchanges[before:]
        found = set(SPECIFICATION.of_answer(exchange))
        assert not unexpected(found)
        if found <= HARMLESS:
            case.validate_response(response, checks=THEIR_CHECKS)

    ask()
    refuses_most = served.sandbox.settings.strict and name == "generate"  # x-model-version may be left out
    if name in ("generate", "models") and not refuses_most and mode == "positive" and who == "known":
        assert min(answered) < 300, "nothing got past the door"
