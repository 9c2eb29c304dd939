"""How a run stops: a flag that is read at safe points, never a cancelled submit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import TypeVar

T = TypeVar("T")


class Level(IntEnum):
    """How far a run has come to its end."""

    GOING = 0
    NO_SUBMITS = 1  # what is accepted is still polled and fetched
    DRAINING = 2  # only answers and writes under way are waited for
    INTERRUPTED = 3  # a signal came: they have a few seconds left


class Stop:
    """The flag. It only ever goes up; a caller of `until` wakes when it does."""

    def __init__(self) -> None:
        self.level = Level.GOING
        self._waiting: set[tuple[Level, asyncio.Future[None]]] = set()

    def up(self, level: Level) -> None:
        """Raise the flag to `level`, if it is not there already."""
        self.level = max(self.level, level)
        for each, raised in self._waiting:
            if each <= self.level:
                _end(raised)

    def reached(self, level: Level) -> bool:
        return self.level >= level

    async def acquired(self, level: Level, semaphore: asyncio.Semaphore) -> bool:
        """Wait for `semaphore`, or until the flag is at `level`; whether it is held. Where it is free no task waits."""
        if not semaphore.locked():
            return await semaphore.acquire()
        return bool(await self.until(level, semaphore.acquire()))

    async def until(self, level: Level, work: Awaitable[T]) -> T | None:
        """The answer of `work`, or None as soon as the flag is at `level`; `work` is then cancelled.

        Work that ends all the same is not forgotten: its answer counts, or a slot it took would be lost.
        """
        task = asyncio.ensure_future(work)
        with self._waited_for(level) as raised:
            try:
                await asyncio.wait((task, raised), return_when=asyncio.FIRST_COMPLETED)
            finally:
                task.cancel()
                await asyncio.wait((task,))
        return None if task.cancelled() else task.result()

    async def sleep(self, level: Level, seconds: float) -> bool:
        """Wait `seconds`, or until the flag is at `level`. Says whether the time is over."""
        with self._waited_for(level) as raised:
            timer = asyncio.get_running_loop().call_later(seconds, _end, raised)
            try:
                await raised
            finally:
                timer.cancel()
        return not self.reached(level)

    @contextmanager
    def _waited_for(self, level: Level) -> Iterator[asyncio.Future[None]]:
        """What is done once the flag is at `level`."""
        raised: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.reached(level):
            raised.set_result(None)
        waiting = level, raised
        self._waiting.add(waiting)
        try:
            yield raised
        finally:
            self._waiting.discard(waiting)
            raised.cancel()


def _end(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
