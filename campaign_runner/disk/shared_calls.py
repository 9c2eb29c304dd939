"""Work of many callers, one call at a time: blocking work beside the event loop, or a coroutine in it.

What is asked for in one turn of the loop, or while a call is under way, shares a call. So callers who wait at the same
time share a transaction, and each is told once it is durable. A caller without haste waits a moment for others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any

from campaign_runner.errors import CampaignError


@dataclass(frozen=True, slots=True)
class Raised:
    """The answer to a work that shares a call with others: it alone went wrong."""

    error: BaseException


class SharedCalls:
    """Hands all works that wait to one call that `begin` begins, which answers each in its order.

    What the call raises, even a bug, is told to all who share it: no one may be left waiting. A call begins no sooner
    than `apart` seconds after the one before: what is asked for meanwhile shares it.
    """

    def __init__(self, begin: Callable[[list[Any]], asyncio.Future[Sequence[Any]]], *, apart: float = 0.0) -> None:
        self._begin = begin
        self._apart = apart
        self._waiting: list[tuple[Any, asyncio.Future[Any]]] = []
        self._under_way: asyncio.Future[Sequence[Any]] | None = None
        self._next_call: asyncio.Handle | None = None
        self._began = -inf  # the last call, by the loop's clock
        self._starts = inf  # when the next one does

    def asked(self, work: object, *, within: float = 0.0, at_once: bool = False) -> asyncio.Future[Any]:
        """The answer to come: `work` is on its way, whether anyone waits for it or not, and is not taken back.

        It begins as soon as it may, or `within` so many seconds with the next work that does; `at_once`: however soon
        after another call.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((work, done))
        now = loop.time()
        when = now if at_once else max(now + within, self._began + self._apart)
        self._start(when if when > now else 0.0)
        return done

    async def ended(self) -> None:
        """Wait until nothing is under way, also of what a cancelled caller began."""
        while self._under_way is not None or self._waiting:
            if self._under_way is not None:
                await asyncio.wait({self._under_way})
            if self._waiting:
                self._start(0.0)
            await asyncio.sleep(0)

    def _start(self, when: float) -> None:
        """See to it that what waits begins at `when`, or earlier; 0 is at once."""
        if when >= self._starts:
            return
        self._starts = when
        if self._under_way is None:
            self._set_out()

    def _set_out(self) -> None:
        loop = asyncio.get_running_loop()
        if self._next_call is not None:
            self._next_call.cancel()
        # `call_soon`: with all that is asked in this turn of the loop
        self._next_call = loop.call_at(self._starts, self._next) if self._starts else loop.call_soon(self._next)

    def _next(self) -> None:
        self._next_call, self._starts = None, inf
        self._began = asyncio.get_running_loop().time()
        waiting, self._waiting = self._waiting, []
        self._under_way = self._begun([work for work, _ in waiting])
        self._under_way.add_done_callback(partial(self._answered, [done for _, done in waiting]))

    def _begun(self, works: list[Any]) -> asyncio.Future[Sequence[Any]]:
        """The call, also where it cannot begin: the system may have no thread for it."""
        try:
            return self._begin(works)
        except (RuntimeError, OSError) as error:
            failed: asyncio.Future[Sequence[Any]] = asyncio.get_running_loop().create_future()
            failed.set_exception(error)
            return failed

    def _answered(self, callers: list[asyncio.Future[Any]], call: asyncio.Future[Sequence[Any]]) -> None:
        self._under_way = None
        if self._waiting and self._starts:
            self._set_out()
        elif self._waiting:
            self._next()
        error = asyncio.CancelledError() if call.cancelled() else call.exception()
        answers = call.result() if error is None else [Raised(error)] * len(callers)
        for caller, answer in zip(callers, answers, strict=True):
            if caller.cancelled():
                continue
            if isinstance(answer, Raised):
                caller.set_exception(answer.error)
            else:
                caller.set_result(answer)


def in_executor(
    run: Callable[[list[Any]], Sequence[Any]], executor: Executor | None = None
) -> Callable[[list[Any]], asyncio.Future[Sequence[Any]]]:
    """How a call of blocking `run` begins, in a thread of `executor`, or of the loop's own."""
    return lambda works: asyncio.get_running_loop().run_in_executor(executor, run, works)


def in_loop(
    work: Callable[[list[Any]], Awaitable[Sequence[Any]]],
) -> Callable[[list[Any]], asyncio.Future[Sequence[Any]]]:
    """How a call of the coroutine `work` begins."""
    return lambda works: asyncio.ensure_future(work(works))


def each_alone(works: list[Callable[[], Any]]) -> list[Any]:
    """The answers of works that share nothing but a call: what one raises of ours is told to its caller alone."""
    return [_alone(work) for work in works]


def _alone(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except CampaignError as error:
        return Raised(error)
