"""How many images are fetched at once, near and far, small and large."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from campaign_runner.plan.cost import RateLimit
from campaign_runner.ports import LARGEST_BYTES
from campaign_runner.run import downloads
from campaign_runner.run.downloads import BYTES, MOST, WHOLE, DownloadPlace, DownloadRoom
from campaign_runner.run.limits import Limits
from campaign_runner.sandbox.faults import Fault
from tests.fixtures import Begin

MANY = 100


async def places(room: DownloadRoom, stack: AsyncExitStack) -> list[DownloadPlace]:
    """All that can be had at once."""
    taken: list[DownloadPlace] = []

    async def take() -> None:
        taken.append(await stack.enter_async_context(room.place()))

    taking = [asyncio.create_task(take()) for _ in range(MANY)]
    await asyncio.sleep(1)
    for each in taking:
        each.cancel()
    await asyncio.wait(taking)
    return taken


async def test_before_any_size_is_known_a_few_are_fetched_at_once() -> None:
    async with AsyncExitStack() as stack:
        taken = await places(DownloadRoom(), stack)
    assert [place.most_bytes for place in taken] == [LARGEST_BYTES] * WHOLE


@pytest.mark.parametrize("size", [20_000, 1_000_000, 3_000_000, 20_000_000, LARGEST_BYTES])
async def test_however_large_images_are_what_is_in_memory_is_bounded(size: int) -> None:
    room = DownloadRoom()
    room.learn(size)
    async with AsyncExitStack() as stack:
        taken = await places(room, stack)
    further = [place.most_bytes for place in taken if not place.takes_any]
    assert len(taken) - len(further) == WHOLE
    assert sum(further) <= BYTES and len(further) <= MOST
    assert all(most >= size for most in further)
    assert len(further) == min(MOST, BYTES // max(1 << 20, size * 3 // 2))


async def test_a_place_that_is_left_goes_to_who_waited_longest() -> None:
    room, order = DownloadRoom(), list[int]()

    async def use(number: int) -> None:
        async with room.place():
            order.append(number)
            await asyncio.sleep(1)

    await asyncio.gather(*(use(number) for number in range(3 * WHOLE)))
    assert order == list(range(3 * WHOLE))


async def test_who_is_cancelled_while_it_waits_takes_no_place_along() -> None:
    room = DownloadRoom()
    async with AsyncExitStack() as stack:
        assert len(await places(room, stack)) == WHOLE  # all others were cancelled
    async with AsyncExitStack() as stack:
        assert len(await places(room, stack)) == WHOLE


async def test_an_image_larger_than_its_place_is_fetched_where_any_is_taken(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "_SMALLEST", 1)
    larger = [Fault("metadata", where="output", nth=number) for number in range(20, 40)]
    night = await begin(Fault("slow_after", where="download", seconds=3), *larger)
    ended = await night.run(night.campaign(requests=40, seeds=1), limits=Limits(concurrency=40))
    assert (ended.code, ended.states) == (0, {"stored": 40})
    assert night.sandbox._script._reached["download"] > 40


async def test_all_runs_of_a_command_share_the_places_whatever_their_allowance(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "MOST", 0)
    night = await begin(Fault("slow_after", where="download", seconds=30))
    campaigns = [night.campaign(requests=WHOLE, seeds=1, name=name) for name in ("one", "two", "three")]
    began = night.seconds()
    rates = {name: RateLimit(600 + number, 9000) for number, name in enumerate(("one", "two", "three"))}
    several = await night.run_together(*campaigns, rates=rates, limits=Limits(concurrency=WHOLE))
    assert (several.code, night.seconds() - began >= 3 * 30) == (0, True), "each had places of its own"


async def test_far_from_the_service_a_fast_allowance_does_not_wait_for_downloads_or_polls(begin: Begin) -> None:
    far = [Fault("slow_after", where=place, seconds=5) for place in ("poll", "download")]
    night = await begin(*far, job_seconds=2)
    ended = await night.run(night.campaign(requests=60, seeds=1), limits=Limits(concurrency=60))
    assert ended.code == 0
    assert ended.seconds < 60  # 60 polls of 5 s by four alone took 75, and then came 60 downloads
