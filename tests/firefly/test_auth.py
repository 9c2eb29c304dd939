"""The one token: asked for once, renewed in time, dropped when refused, never shown."""

from __future__ import annotations

import asyncio
import pickle
from dataclasses import dataclass

import pytest

from campaign_runner.errors import SAME_TOKEN, AccountRefused, ProviderError, Unavailable
from campaign_runner.firefly.auth import TokenSource
from campaign_runner.firefly.credentials import Credentials, Secret
from campaign_runner.firefly.protocol.answers import Grant
from campaign_runner.firefly.protocol.wire import Request

HOUR = 3600.0


@dataclass
class Service:
    """Grants tokens t1, t2, … at scripted times; `failures` are raised first."""

    life: float = 24 * HOUR
    wall: float = 1e9
    steady: float = 0.0
    asked: int = 0
    failures: tuple[ProviderError, ...] = ()
    same: str = ""
    """While it is set, every grant is of this token: a cache stands before the service."""

    async def grant(self) -> Grant:
        self.asked += 1
        await asyncio.sleep(0)
        if self.failures:
            failure, *rest = self.failures
            self.failures = tuple(rest)
            raise failure
        return Grant(self.same or f"t{self.asked}", self.life)

    def source(self, ready: str | None = None) -> TokenSource:
        secret = None if ready is None else Secret(ready)
        return TokenSource(self.grant, ready=secret, wall=lambda: self.wall, steady=lambda: self.steady)


async def tokens(source: TokenSource, count: int) -> list[str]:
    return [token.reveal() for token in await asyncio.gather(*(source.get() for _ in range(count)))]


async def test_everybody_who_waits_shares_one_token_request() -> None:
    service = Service()
    assert await tokens(service.source(), 20) == ["t1"] * 20
    assert service.asked == 1


async def test_everybody_who_waits_shares_one_failure_and_the_next_asks_again() -> None:
    service = Service(failures=(Unavailable("down"),))
    source = service.source()
    outcomes = await asyncio.gather(*(source.get() for _ in range(20)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {Unavailable}
    assert service.asked == 1
    assert await tokens(source, 1) == ["t2"]


@pytest.mark.parametrize(
    ("life", "age", "token"),
    [
        (HOUR, 0.8 * HOUR - 1, "t1"),
        (HOUR, 0.8 * HOUR, "t2"),  # at 80 % of its life
        (24 * HOUR, 0.8 * 24 * HOUR - 1, "t1"),
        (48 * HOUR, 23 * HOUR - 1, "t1"),
        (48 * HOUR, 23 * HOUR, "t2"),  # or after 23 hours
    ],
)
@pytest.mark.parametrize("clock", ["wall", "steady"])  # a sleeping laptop stops one, a corrected clock the other
async def test_a_token_is_renewed_before_it_ends(clock: str, life: float, age: float, token: str) -> None:
    service = Service(life)
    source = service.source()
    await source.get()
    setattr(service, clock, getattr(service, clock) + age)
    assert await tokens(source, 3) == [token] * 3


async def test_a_clock_set_back_makes_no_token_younger() -> None:
    service = Service(HOUR)
    source = service.source()
    await source.get()
    service.wall -= 24 * HOUR
    service.steady += HOUR
    assert await tokens(source, 1) == ["t2"]


async def test_a_token_that_cannot_be_renewed_yet_serves_to_its_end() -> None:
    service = Service(HOUR)
    source = service.source()
    await source.get()
    service.failures = tuple(Unavailable("down") for _ in range(3))
    service.steady = 0.8 * HOUR
    assert await tokens(source, 5) == ["t1"] * 5
    assert service.asked == 2  # not asked again for every call
    service.steady = HOUR - 30
    with pytest.raises(Unavailable):
        await source.get()


async def test_a_refused_token_is_dropped_and_another_one_asked_for() -> None:
    service = Service()
    source = service.source()
    refused = await source.get()
    assert source.drop(refused)
    assert await tokens(source, 2) == ["t2", "t2"]
    assert source.drop(refused)  # somebody else noticed late: the new one stays
    assert await tokens(source, 1) == ["t2"]


async def test_a_refused_token_is_not_used_again_even_if_no_other_can_be_had() -> None:
    service = Service()
    source = service.source()
    source.drop(await source.get())
    service.failures = (AccountRefused("revoked"),)
    with pytest.raises(AccountRefused):
        await source.get()


async def test_a_refused_token_that_is_granted_again_is_never_given_out() -> None:
    service = Service(same="cached")
    source = service.source()
    source.drop(await source.get())
    for second in range(30):
        service.steady = float(second)
        with pytest.raises(Unavailable) as caught:
            await source.get()
        assert (caught.value.code, caught.value.reached, caught.value.sent) == (SAME_TOKEN, True, False)
    assert service.asked == 1 + 3
    service.same, service.steady = "", 30.0
    assert await tokens(source, 3) == ["t5"] * 3


async def test_only_after_a_minute_of_the_refused_token_the_credentials_are_called_wrong() -> None:
    service = Service(same="cached")
    source = service.source()
    source.drop(await source.get())
    for second in range(0, 60, 10):
        service.steady = float(second)
        with pytest.raises(Unavailable):
            await source.get()
    service.steady = 60.0
    with pytest.raises(AccountRefused, match="check the client id and secret") as caught:
        await source.get()
    assert not caught.value.sent
    service.same, service.steady = "", 70.0  # what is paid for is still asked for
    assert await tokens(source, 1) == [f"t{service.asked}"]


async def test_each_refused_token_is_remembered_and_a_new_one_ends_the_minute() -> None:
    service = Service()
    source = service.source()
    for _ in range(2):
        source.drop(await source.get())
    for token, second in (("t1", 0.0), ("t2", 50.0)):
        service.same, service.steady = token, second
        with pytest.raises(Unavailable):
            await source.get()
    service.same, service.steady = "t9", 60.0
    source.drop(await source.get())
    service.steady = 70.0
    with pytest.raises(Unavailable):  # a new minute
        await source.get()


async def test_a_renewal_that_brings_a_refused_token_leaves_the_good_one_in_use() -> None:
    service = Service(HOUR)
    source = service.source()
    source.drop(await source.get())
    assert await tokens(source, 1) == ["t2"]
    service.same, service.steady = "t1", 0.8 * HOUR
    assert await tokens(source, 1) == ["t2"]


async def test_a_ready_token_is_never_renewed_and_its_refusal_is_final() -> None:
    service = Service()
    source = service.source(ready="given")
    service.steady = 1e9
    token = await source.get()
    assert token.reveal() == "given"
    assert not source.drop(token)
    assert service.asked == 0


def test_a_secret_shows_itself_to_nobody() -> None:
    secret = Secret("hush")
    credentials = Credentials("id", secret, Secret("hush"))
    shown = f"{secret} {secret!r} {[secret]} {credentials} {credentials!r} %s" % secret
    assert "hush" not in shown
    assert secret.reveal() == "hush"
    with pytest.raises(TypeError, match="secret"):
        pickle.dumps(secret)


@pytest.mark.parametrize(
    ("client_id", "secret", "token"),
    [
        ("id", None, None),
        ("", "hush", None),
        ("a b", "hush", None),
        ("a\r\nX: y", "hush", None),  # would be a second header
        ("id", None, "hush\n"),
        ("id", None, "hüsh"),
        ("id", None, ""),
    ],
)
def test_credentials_that_could_not_be_sent_are_refused_at_once(
    client_id: str, secret: str | None, token: str | None
) -> None:
    with pytest.raises(AccountRefused) as caught:
        Credentials(client_id, Secret(secret) if secret else None, None if token is None else Secret(token))
    assert "hush" not in str(caught.value)


def test_a_call_carries_token_key_and_a_request_id_and_its_repr_none_of_them() -> None:
    request = Credentials("key", Secret("s")).authorise(Request("GET", "https://adobe.io/"), Secret("hush"), "uuid")
    assert request.headers == {"Authorization": "Bearer hush", "x-api-key": "key", "x-request-id": "uuid"}
    assert "hush" not in repr(request)
