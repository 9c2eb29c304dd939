"""Blocking work of many callers beside the event loop, one call at a time.

What is asked for in one turn of the loop, or while a call is under way, shares a call. So callers who wait at the same
time share a transaction, and each is told once it is durable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
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

    def asked(self, work: object) -> asyncio.Future[Any]:
        """The answer to come: `work` is on its way, whether anyone waits for it or not, and is not taken back."""
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, done))
        if self._under_way is None and len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._next)  # with all that is asked in this turn of the loop
        return done

    async def ended(self) -> None:
        """Wait until nothing is under way, also of what a cancelled caller began."""
        while self._under_way is not None or self._waiting:
            if self._under_way is not None:
                await asyncio.wait({self._under_way})
            await asyncio.sleep(0)

    def _next(self) -> None:
        waiting, self._waiting = self._waiting, []
        works, callers = [work for work, _ in waiting], [done for _, done in waiting]
        self._under_way = asyncio.get_running_loop().run_in_executor(self._executor, self._run, works)
        self._under_way.add_done_callback(partial(self._answered, callers))

    def _answered(self, callers: list[asyncio.Future[Any]], call: asyncio.Future[list[Any]]) -> None:
        self._under_way = None
        if self._waiting:
            self._next()
        error = call.exception()
        for number, caller in enumerate(callers):
            if caller.cancelled():
                continue
            if error is None:
                caller.set_result(call.result()[number])
            else:
                caller.set_exception(error)
