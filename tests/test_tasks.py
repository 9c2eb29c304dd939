"""Waiting for what must not be left half done."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from campaign_runner.tasks import PatientTimeout, Turns, beside, in_thread, to_its_end
from tests.virtual import VirtualLoop


async def test_who_is_cancelled_leaves_only_once_the_work_is_done() -> None:
    may_end, has_ended = threading.Event(), threading.Event()

    def work() -> None:
        may_end.wait()
        has_ended.set()

    waiting = asyncio.create_task(in_thread(work))
    await asyncio.sleep(0)
    for _ in range(3):  # however often
        waiting.cancel()
        await asyncio.sleep(0)
    assert not waiting.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert has_ended.is_set()


async def test_what_goes_wrong_after_one_was_cancelled_is_no_one_s_any_more() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(to_its_end(future))
    await asyncio.sleep(0)
    waiting.cancel()
    future.set_exception(LookupError())
    with pytest.raises(asyncio.CancelledError):
        await waiting
    del future  # were it still to be told, the loop would say so here, and warnings are errors


async def test_the_answer_and_what_goes_wrong_come_to_who_waits() -> None:
    assert await in_thread(str.upper, "done") == "DONE"
    with pytest.raises(ZeroDivisionError):
        await in_thread(divmod, 1, 0)


async def test_a_time_that_is_over_is_told_once_the_work_is_done() -> None:
    done: list[str] = []
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda ended: done.append(ended.result()))
    asyncio.get_running_loop().call_later(0.001, lambda: asyncio.get_running_loop().call_soon(future.set_result, "all"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await to_its_end(future)
    assert done == ["all"]


@pytest.mark.parametrize("is_asked", [True, False])
async def test_what_runs_beside_a_block_has_ended_when_that_is_left(*, is_asked: bool) -> None:
    may_end, has_ended = threading.Event(), threading.Event()

    def work() -> str:
        may_end.wait()
        has_ended.set()
        return "the answer"

    async with beside(work) as answer:
        assert not has_ended.is_set()
        asyncio.get_running_loop().call_soon(may_end.set)
        assert not is_asked or await answer() == "the answer"
    assert has_ended.is_set()


async def test_an_error_beside_a_block_is_raised_to_who_asks_and_takes_the_place_of_no_other() -> None:
    def work() -> None:
        raise ValueError("beside")

    with pytest.raises(ValueError, match="beside"):
        async with beside(work) as answer:
            await answer()
    with pytest.raises(KeyError):
        async with beside(work):
            raise KeyError


async def answered_after_a_gap(limit: Callable[[float], AbstractAsyncContextManager[object]]) -> str:
    """The machine sleeps while an answer comes: once it wakes, both the answer and the deadline are there."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()

    def sleep() -> None:
        assert isinstance(loop, VirtualLoop)
        loop.call_soon(answer.set_result, "the answer")  # it is read first
        loop.jump(300)

    loop.call_later(1, sleep)
    async with limit(60):
        return await answer


def test_after_a_gap_between_two_turns_of_the_loop_no_deadline_is_believed_at_once() -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(answered_after_a_gap(PatientTimeout)) == "the answer"
        with pytest.raises(TimeoutError):  # without a second's grace it is lost
            runner.run(answered_after_a_gap(asyncio.timeout))


def test_a_deadline_that_is_over_is_over_also_after_a_gap() -> None:
    async def unanswered(seconds: float) -> float:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        began = loop.time()
        if seconds:
            loop.call_later(1, loop.jump, seconds)
        with pytest.raises(TimeoutError):
            async with PatientTimeout(60):
                await loop.create_future()
        return loop.time() - began

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(unanswered(0)) == 60
        assert runner.run(unanswered(300)) == 302


async def test_few_go_on_in_one_turn_of_the_loop_however_many_come_at_once() -> None:
    turns, loop = Turns(2), asyncio.get_running_loop()
    went_on: list[int] = []
    now = [0]

    def count() -> None:
        now[0] += 1
        if len(went_on) < 9:
            loop.call_soon(count)

    async def go_on() -> None:
        await turns.own()
        went_on.append(now[0])

    count()
    tasks = [asyncio.create_task(go_on()) for _ in range(10)]
    await asyncio.sleep(0)
    tasks[4].cancel()
    await asyncio.wait(tasks)
    assert len(went_on) == 9 and max(Counter(went_on).values()) == 2
