"""The clock of these tests: it stands still while anything is under way, and jumps where nothing is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.virtual import NothingWillHappen, VirtualLoop

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def now() -> float:
    return asyncio.get_running_loop().time()


@asynccontextmanager
async def connected(talk: Talk) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """One connection to a server that does `talk` and closes; both are over when the block is left."""
    is_over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(reader, writer)
        writer.close()
        await writer.wait_closed()
        is_over.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        yield reader, writer
        writer.close()
        await writer.wait_closed()
        await is_over.wait()


async def test_hours_pass_in_no_time() -> None:
    began, really = now(), time.perf_counter()
    await asyncio.gather(*(asyncio.sleep(hours * 3600) for hours in range(100)))
    assert now() - began == pytest.approx(99 * 3600)
    assert time.perf_counter() - really < 60  # hours would be more, however busy the machine is


async def test_timers_fire_in_their_order() -> None:
    fired: list[float] = []
    loop = asyncio.get_running_loop()
    for after in (5.0, 1.0, 3600.0, 2.0):
        loop.call_later(after, fired.append, after)
    await asyncio.sleep(3601)
    assert fired == [1.0, 2.0, 5.0, 3600.0]


async def test_the_clock_stands_while_an_executor_works() -> None:
    began = now()
    timer = asyncio.create_task(asyncio.sleep(0.001))
    await asyncio.get_running_loop().run_in_executor(None, time.sleep, 0.05)
    assert now() == began and not timer.done()
    await timer


async def test_the_clock_stands_while_megabytes_are_on_their_way() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(1) * 8_000_000)
        await writer.drain()

    began = now()
    timer = asyncio.create_task(asyncio.sleep(0.001))
    async with connected(talk) as (reader, writer):
        writer.write(b"x")
        assert len(await reader.read()) == 8_000_000
    assert now() == began and not timer.done()
    await timer


@pytest.mark.parametrize("seconds", [30.0, 7200.0])
async def test_a_silent_server_takes_as_long_as_it_says(seconds: float) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)

    began = now()
    async with connected(talk) as (reader, _):
        assert await reader.read() == b""
    assert now() - began == pytest.approx(seconds)


async def test_a_deadline_comes_before_an_answer_that_is_later() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(20)

    async with connected(talk) as (reader, _):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(), 19)


async def test_a_connection_that_is_cut_is_noticed_at_once() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.transport.abort()

    began = now()
    async with connected(talk) as (reader, writer):
        writer.write(b"x")
        assert await reader.read() == b""
    assert now() == began


def test_where_everybody_waits_for_another_it_says_so() -> None:
    async def wait() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(NothingWillHappen), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(wait())
