"""Tasks with an owner, a few at a time; and blocking work beside the event loop.

A failure in one task, even a bug, does not cancel the others: it is kept and raised after the drain.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar

A = TypeVar("A")
T = TypeVar("T")
GRACE = 1.0
"""Seconds. A timer that is later than this was held up with the loop: its deadline is put off by this much."""
Sleep = Callable[[float], Awaitable[object]]
"""How a task waits so many seconds: `asyncio.sleep`, or what a test scripts."""


class TaskSet:
    """Tasks that outlive each other's failures. Use as `async with TaskSet(on_failure) as tasks:`.

    Leaving the block waits for all of them; leaving it by an exception, or being cancelled while
    waiting, cancels them first: no task outlives its set.
    """

    def __init__(self, on_failure: Callable[[BaseException], None]) -> None:
        self._on_failure = on_failure
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            self.cancel()
        try:
            await self.join()
        except asyncio.CancelledError:
            self.cancel()
            await self.join()
            raise

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin `work` as a task of this set."""
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


class Turns:
    """Lets a few go on in one turn of the event loop, `most`: a hundred at once would hold it up."""

    def __init__(self, most: int) -> None:
        self._free = asyncio.Semaphore(most)

    async def own(self) -> None:
        """Until a turn in which few others go on; first come, first served."""
        await self._free.acquire()
        asyncio.get_running_loop().call_soon(self._free.release)


async def map_concurrently(work: Callable[[A], Awaitable[T]], items: Sequence[A], limit: int) -> list[T]:
    """The answers of `work` over `items`, in their order; at most `limit` under way. Raises what went wrong first."""
    answers: dict[int, T] = {}
    failures: list[BaseException] = []
    waiting = iter(enumerate(items))

    async def serve() -> None:
        for number, item in waiting:
            answers[number] = await work(item)

    async with TaskSet(failures.append) as tasks:
        for _ in range(limit):
            tasks.start(serve())
    if failures:
        raise failures[0]
    return [answers[number] for number in range(len(items))]


class PatientTimeout:
    """As `asyncio.timeout`, but where the loop stood still meanwhile (the machine slept, the process was stopped).

    Then its timers are late, and would fire before what has arrived was read: so there is a second's grace.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._limit = asyncio.timeout(None)

    async def __aenter__(self) -> None:
        await self._limit.__aenter__()
        self._fires(asyncio.get_running_loop().time() + self._seconds)

    async def __aexit__(self, *error: Any) -> None:
        self._timer.cancel()
        await self._limit.__aexit__(*error)

    def _fires(self, when: float) -> None:
        self._timer = asyncio.get_running_loop().call_at(when, self._over, when)

    def _over(self, due: float) -> None:
        now = asyncio.get_running_loop().time()
        if now - due > GRACE:
            self._fires(now + GRACE)
        else:
            self._limit.reschedule(now)


@asynccontextmanager
async def beside(work: Callable[[], T]) -> AsyncIterator[Callable[[], Awaitable[T]]]:
    """Blocking `work` runs while the block does. What is yielded waits for its answer, or raises what it raised.

    The block is left only once the work has ended, whether or not anyone asked for its answer.
    """
    working = asyncio.get_running_loop().run_in_executor(None, work)
    working.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # it may be that no one asks
    try:
        yield lambda: to_its_end(working)
    finally:
        await asyncio.wait([working])


async def in_thread(work: Callable[..., T], *arguments: object, of: Executor | None = None) -> T:
    """Run blocking `work` beside the event loop, to its end, in a thread of the loop's own executor or of another."""
    return await to_its_end(asyncio.get_running_loop().run_in_executor(of, work, *arguments))


async def to_its_end(work: asyncio.Future[T]) -> T:
    """The answer of `work`; a caller who is cancelled leaves only after it, so that nothing is left half done."""
    return await _Unbroken(work)


class _Unbroken(Awaitable[T]):
    """Waits for a future to its end: a task that is cancelled meanwhile does not cancel it, and ends only after it.

    A task asks what it waits for to cancel itself, and cancels itself where that says no. It is spared the turns of
    the loop that `shield` takes.
    """

    _asyncio_future_blocking = False  # how a task knows what it may wait for

    def __init__(self, future: asyncio.Future[T]) -> None:
        self._future = future
        self.get_loop = future.get_loop
        self.add_done_callback = future.add_done_callback

    def cancel(self, msg: object = None) -> bool:
        return False

    def __await__(self) -> Generator[Any, None, T]:
        if not self._future.done():
            self._asyncio_future_blocking = True
            yield self
        return self._future.result()
