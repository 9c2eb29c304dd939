"""Who owns the tasks of a run, and how they stop.

Stopping is a flag read at safe points, never a cancelled submit. A failure in one task, even a
bug, does not cancel the others: it is kept, the flag goes up, and it is raised after the drain.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from enum import IntEnum
from types import TracebackType
from typing import Any, Self, TypeVar

A = TypeVar("A")
T = TypeVar("T")


class Level(IntEnum):
    """How far a run has come to its end."""

    GOING = 0
    NO_SUBMITS = 1  # what is accepted is still polled and fetched
    DRAINING = 2  # only answers and writes under way are waited for
    LEAVING = 3  # a signal came: they have a few seconds left


class Stop:
    """The flag. It only ever goes up; whoever waits with `until` wakes when it does."""

    def __init__(self) -> None:
        self.level = Level.GOING
        self._raised = {level: asyncio.Event() for level in Level}

    def up(self, level: Level) -> None:
        """Raise the flag to `level`, if it is not there already."""
        self.level = max(self.level, level)
        for each, raised in self._raised.items():
            if each <= self.level:
                raised.set()

    def reached(self, level: Level) -> bool:
        return self.level >= level

    async def until(self, level: Level, work: Awaitable[T]) -> T | None:
        """The answer of `work`, or None as soon as the flag is at `level`; `work` is then cancelled.

        Work that ends all the same is not forgotten: its answer counts, or a slot it took would be lost.
        """
        task = asyncio.ensure_future(work)
        raised = asyncio.ensure_future(self._raised[level].wait())
        try:
            await asyncio.wait((task, raised), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in (task, raised):
                each.cancel()
            await asyncio.wait((task, raised))
        return None if task.cancelled() else task.result()

    async def sleep(self, level: Level, seconds: float) -> bool:
        """Wait `seconds`, or until the flag is at `level`. Says whether the time is over."""
        await self.until(level, asyncio.sleep(seconds))
        return not self.reached(level)


class Crew:
    """Tasks that outlive each other's failures. Use as `async with Crew(on_failure) as crew:`.

    Leaving the block waits for all of them; leaving it by an exception, or being cancelled while
    waiting, cancels them first: no task outlives its crew.
    """

    def __init__(self, on_failure: Callable[[BaseException], None]) -> None:
        self._on_failure = on_failure
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.cancel()
        try:
            await self.join()
        except asyncio.CancelledError:
            self.cancel()
            await self.join()
            raise

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin `work` as a task of this crew."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def join(self) -> None:
        """Wait until every task has ended, also those started meanwhile."""
        while self._tasks:
            await asyncio.wait(self._tasks)
            await asyncio.sleep(0)

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_failure(error)


async def few_at_once(work: Callable[[A], Awaitable[T]], items: Sequence[A], limit: int) -> list[T]:
    """The answers of `work` over `items`, in their order; at most `limit` under way. Raises what went wrong first."""
    answers: dict[int, T] = {}
    failures: list[BaseException] = []
    waiting = iter(enumerate(items))

    async def serve() -> None:
        for number, item in waiting:
            answers[number] = await work(item)

    async with Crew(failures.append) as crew:
        for _ in range(limit):
            crew.start(serve())
    if failures:
        raise failures[0]
    return [answers[number] for number in range(len(items))]
