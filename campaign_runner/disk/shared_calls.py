"""Blocking work of many callers beside the event loop, one call at a time.

What is asked for in one turn of the loop, or while a call is under way, shares a call. So callers who wait at the same
time share a transaction, and each is told once it is durable. A caller without haste waits a moment for others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from math import inf
from typing import Any


class SharedCalls:
    """Hands all works that wait to one call of `run`, which answers each in its order, in a thread of `executor`.

    What `run` raises, even a bug, is told to all who share the call: no one may be left waiting.
    """

    def __init__(self, run: Callable[[list[Any]], list[Any]], executor: Executor | None = None) -> None:
        self._run = run
        self._executor = executor
        self._waiting: list[tuple[Any, asyncio.Future[Any]]] = []
        self._under_way: asyncio.Future[list[Any]] | None = None
        self._next_call: asyncio.Handle | None = None
        self._starts = inf  # when that is, by the loop's clock

    def asked(self, work: object, *, within: float = 0.0) -> asyncio.Future[Any]:
        """The answer to come: `work` is on its way, whether anyone waits for it or not, and is not taken back.

        It begins at once, or `within` so many seconds with the next work that does.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((work, done))
        self._start(loop.time() + within if within else 0.0)
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
        waiting, self._waiting = self._waiting, []
        works, callers = [work for work, _ in waiting], [done for _, done in waiting]
        self._under_way = asyncio.get_running_loop().run_in_executor(self._executor, self._run, works)
        self._under_way.add_done_callback(partial(self._answered, callers))

    def _answered(self, callers: list[asyncio.Future[Any]], call: asyncio.Future[list[Any]]) -> None:
        self._under_way = None
        if self._waiting and self._starts:
            self._set_out()
        elif self._waiting:
            self._next()
        error = call.exception()
        for number, caller in enumerate(callers):
            if caller.cancelled():
                continue
            if error is None:
                caller.set_result(call.result()[number])
            else:
                caller.set_exception(error)
