"""The right to speak to the service: the one token everyone shares.

A token is asked for once however many callers wait for it, renewed before it ends, and
dropped when the service refuses it. No request is spent on a token that was refused before, also where
the token service goes on giving the same one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from campaign_runner.errors import SAME_TOKEN, AccountRefused, ProviderError, Unavailable
from campaign_runner.firefly.credentials import Credentials, Secret
from campaign_runner.firefly.protocol.answers import Grant
from campaign_runner.firefly.protocol.wire import Request, token_request

RENEW_AT = 0.8  # of a token's life
OLDEST = 23 * 3600.0  # seconds; Adobe's older pages renew after 23 hours
_RENEW_AGAIN = 60.0  # seconds until another try where renewing failed
_SAME_FOR = 60.0  # seconds for which the refused token may be granted again, by a cache; then we are refused
_ASK_AGAIN = 10.0  # seconds between two requests for another one meanwhile


@dataclass(frozen=True, slots=True)
class _Held:
    """A token in use: `wall` and `steady` are the two clocks when it was granted, the others seconds from then."""

    token: Secret
    renew_after: float
    life: float
    wall: float
    steady: float


def grant_request(credentials: Credentials, ims_url: str) -> Request:
    """Ask for a token with the secret."""
    secret = credentials.client_secret.reveal() if credentials.client_secret else ""
    return token_request(ims_url, credentials.client_id, secret, credentials.scope)


class TokenSource:
    """The one token of a run. `grant` asks the service for another; a ready token is all there will ever be."""

    def __init__(
        self,
        grant: Callable[[], Awaitable[Grant]],
        *,
        ready: Secret | None = None,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._grant = grant
        self._ready = ready
        self._wall, self._steady = wall, steady
        self._held: _Held | None = None
        self._lock = asyncio.Lock()
        self._answers = 0  # how often a grant was had or refused
        self._failure: ProviderError | None = None
        self._refused: list[Secret] = []  # by the service, in this run
        self._same_since: float | None = None  # of the steady clock: since when only these are granted
        self._same_asked = 0.0

    async def get(self) -> Secret:
        """A token that is not about to end. Raises AccountRefused or Unavailable: the call it was for is not `sent`.

        Those who wait while it is asked for share the answer, also if it is an error. Where only tokens are granted
        that the service refused before, it is Unavailable of the code SAME_TOKEN for a minute, then AccountRefused.
        """
        if self._ready is not None:
            return self._ready
        answers_before = self._answers
        if (token := self._good()) is not None:
            return token
        async with self._lock:
            if (token := self._good()) is not None:
                return token
            if self._failure is not None and (self._answers > answers_before or self._was_just_the_same()):
                raise self._failure
            return await self._renew()

    def _good(self) -> Secret | None:
        is_good = self._held is not None and self._age(self._held) < self._held.renew_after
        return self._held.token if self._held is not None and is_good else None

    def drop(self, token: Secret, *, elsewhere: bool = False) -> bool:
        """The service refused `token`. Whether another may be had: never of a ready one.

        A host `elsewhere` than the API may know no token at all: what it refuses may be granted and used again.
        """
        if self._held is not None and self._held.token is token:
            self._held = None
        if not elsewhere and not self._is_refused(token.reveal()):
            self._refused.append(token)
        return self._ready is None

    def _is_refused(self, token: str) -> bool:
        return any(token == refused.reveal() for refused in self._refused)

    def _was_just_the_same(self) -> bool:
        return self._same_since is not None and self._steady() < self._same_asked + _ASK_AGAIN

    async def _renew(self) -> Secret:
        wall, steady = self._wall(), self._steady()  # before asking: the life of a token begins at Adobe
        try:
            grant = self._new(await self._grant())
        except ProviderError as failure:
            failure.sent = False  # what the token was for stays here, even where the service was asked for one
            self._answers += 1
            self._failure = failure
            if self._held is not None and self._age(self._held) + _RENEW_AGAIN < self._held.life:
                self._held = replace(self._held, renew_after=self._age(self._held) + _RENEW_AGAIN)
                return self._held.token  # good for a while: what is paid for goes on being fetched
            raise
        self._answers += 1
        self._failure = None
        renew_after = min(RENEW_AT * grant.seconds, OLDEST)
        self._held = _Held(Secret(grant.token), renew_after, grant.seconds, wall, steady)
        return self._held.token

    def _new(self, grant: Grant) -> Grant:
        """`grant`, if its token is not known to be refused. Raises Unavailable, or AccountRefused after a minute."""
        if not self._is_refused(grant.token):
            self._same_since = None
            return grant
        self._same_asked = self._steady()
        if self._same_since is None:
            self._same_since = self._same_asked
        if self._same_asked - self._same_since >= _SAME_FOR:
            raise AccountRefused(
                f"Adobe rejected the access token, and for {_SAME_FOR:.0f} s its token service returned no other; "
                "check the client id and secret",
                code=SAME_TOKEN,
            )
        raise same_again()

    def _age(self, held: _Held) -> float:
        """Seconds. The steady clock stands still while a laptop sleeps, the wall clock may be set back."""
        return max(self._wall() - held.wall, self._steady() - held.steady)


def same_again() -> Unavailable:
    """A token was refused, and the same one is granted again: to be asked for again soon."""
    return Unavailable(
        "Adobe rejected the access token, and its token service returned the same one; a new one may take "
        f"up to {_SAME_FOR:.0f} s",
        code=SAME_TOKEN,
        reached=True,
        retry_after=_ASK_AGAIN,
    )
