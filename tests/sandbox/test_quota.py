"""The allowance: what is let through, what is told to wait, and for how long."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from campaign_runner.sandbox.quota import Bucket, Fixed, Quota, Sliding, Window
from campaign_runner.sandbox.settings import Settings
from tests.sandbox.conftest import Open


def let_through(window: Window, times: Sequence[float]) -> list[float]:
    """The times at which a request was let through, of those at which it was tried."""
    passed = []
    for now in times:
        if window.wait(now) <= 0:
            window.take(now)
            passed.append(now)
    return passed


@pytest.mark.parametrize(
    ("window", "passed"),
    [
        (Sliding(2, 60), [50, 55, 110, 115]),  # any 60 s hold at most two
        (Fixed(2, 60), [50, 55, 60, 65, 120]),  # both sides of a full minute: four within 15 s
        (Bucket(2, 60, burst=2), [50, 55, 80, 110]),  # one comes back each 30 s, two at most
        (Bucket(2, 60, burst=1), [50, 80, 110]),  # never two within 30 s
    ],
)
def test_a_window_lets_through_what_its_rule_permits(window: Window, passed: list[float]) -> None:
    assert let_through(window, [50, 55, 59, 60, 65, 80, 81, 110, 115, 120]) == passed


@pytest.mark.parametrize("window", [Sliding(3, 60), Fixed(3, 60), Bucket(3, 60, burst=3), Bucket(3, 60, burst=1)])
def test_after_the_wait_that_a_window_names_one_more_is_let_through(window: Window) -> None:
    now = 17.0
    for _ in range(20):
        now += window.wait(now)
        assert window.wait(now) <= 1e-9
        window.take(now)


async def test_beyond_four_a_minute_is_429_with_the_seconds_to_wait(opened: Open) -> None:
    caller = await opened(per_minute=4)
    for _ in range(4):
        await caller.accepted()
        caller.clock.pass_(10)
    answer = await caller.generate()
    assert (answer.status, answer.json["error_code"]) == (429, "rate_limited")
    assert (answer.headers["Retry-After"], answer.headers["x-access-rate-limit-level"]) == ("20", "org")
    caller.clock.pass_(20)
    await caller.accepted()


async def test_refused_requests_use_up_nothing(opened: Open) -> None:
    caller = await opened(per_minute=1)
    assert (await caller.generate(seeds=[])).status == 422
    await caller.accepted()
    for _ in range(5):
        assert (await caller.generate()).status == 429
    caller.clock.pass_(60)
    await caller.accepted()


async def test_each_client_id_has_its_own_allowance(opened: Open) -> None:
    caller = await opened(per_minute=1)
    await caller.accepted()
    await caller.sign_in("other")
    await caller.accepted()


async def test_the_day_is_an_allowance_of_its_own(opened: Open) -> None:
    caller = await opened(per_day=2, token_seconds=10**6)
    for _ in range(2):
        await caller.accepted()
    caller.clock.pass_(3600)
    assert (await caller.generate()).headers["Retry-After"] == str(23 * 3600)
    caller.clock.pass_(23 * 3600)
    await caller.accepted()


@pytest.mark.parametrize(("form", "value"), [("date", "Tue, 01 Sep 2026 12:01:01 GMT"), ("none", None)])
async def test_a_switch_spells_retry_after_as_a_date_or_leaves_it_out(
    opened: Open, form: str, value: str | None
) -> None:
    caller = await opened(per_minute=1, retry_after=form)
    await caller.accepted()
    assert (await caller.generate()).headers.get("Retry-After") == value


@pytest.mark.parametrize("counts", [True, False])
async def test_a_switch_lets_polls_count(opened: Open, counts: bool) -> None:
    caller = await opened(per_minute=2, polls_count=counts)
    ticket = await caller.accepted()
    polls = [(await caller.call("GET", ticket["statusUrl"])).status for _ in range(2)]
    assert polls == [200, 429 if counts else 200]


@pytest.mark.parametrize("counts", [True, False])
async def test_a_switch_lets_uploads_count(opened: Open, counts: bool) -> None:
    caller = await opened(per_minute=1, uploads_count=counts)
    headers = caller.headers | {"Content-Type": "image/jpeg"}
    answer = await caller.call("POST", "/v2/storage/image", data=b"\xff\xd8\xff", headers=headers)
    assert answer.status == 200
    assert (await caller.generate()).status == (429 if counts else 202)


def test_a_fixed_minute_goes_with_a_fixed_day() -> None:
    quota = Quota(Settings(per_minute=10, per_day=1, quota_window="fixed"))
    quota.take("acme", 86_000)
    assert quota.wait("acme", 86_000) == 400
    assert quota.wait("acme", 86_400) == 0
