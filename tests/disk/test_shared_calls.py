"""Works that share calls: who shares one, when it begins, and who is told what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from campaign_runner.disk.shared_calls import SharedCalls, each_alone, in_executor, in_loop
from campaign_runner.errors import StoreError
from tests.virtual import VirtualLoop


def virtually(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(test())


class Lesson:
    """Calls that answer each word in capitals, noted with the second at which they begin."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, list[str]]] = []

    async def answer(self, words: list[str]) -> list[str]:
        self.calls.append((round(asyncio.get_running_loop().time() - 1000, 3), words))
        return [word.upper() for word in words]


async def asked(calls: SharedCalls, word: str, *, after: float = 0.0, at_once: bool = False) -> str:
    await asyncio.sleep(after)
    answer: str = await calls.asked(word, at_once=at_once)
    return answer


def test_what_comes_soon_after_a_call_waits_for_others_and_what_comes_alone_does_not() -> None:
    async def test() -> None:
        lesson = Lesson()
        calls = SharedCalls(in_loop(lesson.answer), apart=1.0)
        words = [("a", 0.0), ("b", 0.2), ("c", 0.7), ("d", 5.0)]
        answers = await asyncio.gather(*(asked(calls, word, after=after) for word, after in words))
        assert answers == ["A", "B", "C", "D"]
        assert lesson.calls == [(0.0, ["a"]), (1.0, ["b", "c"]), (5.0, ["d"])]

    virtually(test)


def test_what_must_not_wait_takes_along_what_waits() -> None:
    async def test() -> None:
        lesson = Lesson()
        calls = SharedCalls(in_loop(lesson.answer), apart=1.0)
        urgent = asked(calls, "c", after=0.4, at_once=True)
        answers = await asyncio.gather(asked(calls, "a"), asked(calls, "b", after=0.2), urgent)
        assert "".join(answers) == "ABC"
        assert lesson.calls == [(0.0, ["a"]), (0.4, ["b", "c"])]

    virtually(test)


async def test_what_one_raises_is_told_to_its_caller_alone() -> None:
    def full() -> None:
        raise StoreError("the disk is full")

    calls = SharedCalls(in_executor(each_alone))
    told = await asyncio.gather(*map(calls.asked, (lambda: 1, full, lambda: 3)), return_exceptions=True)
    assert [told[0], str(told[1]), told[2]] == [1, "the disk is full", 3]


async def test_a_bug_is_told_to_all_who_share_the_call_and_the_next_one_works() -> None:
    async def halve(numbers: list[int]) -> list[float]:
        return [1 / number for number in numbers]

    calls = SharedCalls(in_loop(halve))
    told = await asyncio.gather(*map(calls.asked, (2, 0)), return_exceptions=True)
    assert [type(each) for each in told] == [ZeroDivisionError] * 2
    assert await calls.asked(2) == 0.5


async def test_a_call_that_cannot_begin_is_told_and_the_next_one_works() -> None:
    """The system has no thread for it."""
    closed, able = ThreadPoolExecutor(1), list[None]()
    closed.shutdown()
    shared = SharedCalls(lambda works: in_executor(each_alone, None if able else closed)(works))
    async with asyncio.timeout(60):
        with pytest.raises(RuntimeError, match="shutdown"):
            await shared.asked(lambda: 1)
        able.append(None)
        assert await shared.asked(lambda: 2) == 2


async def test_where_the_call_is_cancelled_no_one_waits_for_ever() -> None:
    async def cancelled(works: list[None]) -> list[None]:
        raise asyncio.CancelledError

    told = await asyncio.gather(SharedCalls(in_loop(cancelled)).asked(None), return_exceptions=True)
    assert [type(each) for each in told] == [asyncio.CancelledError]
