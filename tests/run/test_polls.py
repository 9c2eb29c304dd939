"""Following jobs: what a poll teaches, and letting go of all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from campaign_runner.errors import GenerationFailed, ProviderError, Unavailable
from campaign_runner.model import Finished, Ticket
from campaign_runner.run.pace import Pace
from campaign_runner.run.polls import MOST_POLLERS, NoLongerFollowed, Polls
from campaign_runner.tasks import TaskSet

DONE = Finished(())


class Scripted:
    """A provider whose jobs are finished at a moment of the loop's clock, each answer taking `seconds`.

    With an `error` that is every answer.
    """

    def __init__(self, finished_at: float, seconds: float = 0.0, error: ProviderError | None = None) -> None:
        self.finished_at, self.seconds, self.error = finished_at, seconds, error
        self.polls = 0

    async def poll(self, ticket: Ticket) -> Finished | None:
        self.polls += 1
        await asyncio.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        return DONE if asyncio.get_running_loop().time() >= self.finished_at else None


@asynccontextmanager
async def following(provider: Scripted) -> AsyncIterator[Polls]:
    heard: list[ProviderError | None] = []
    polls = Polls(provider, heard=heard.append, random=lambda: 0.5)  # type: ignore[arg-type]
    async with TaskSet(lambda error: pytest.fail(repr(error))) as crew:
        crew.start(polls.serve())
        yield polls
        crew.cancel()


async def test_far_from_the_service_everything_due_is_looked_at_at_once() -> None:
    provider = Scripted(in_seconds(0), seconds=20)
    polls = Polls(provider, heard=lambda error: None, random=lambda: 0.5)  # type: ignore[arg-type]
    async with TaskSet(lambda error: pytest.fail(repr(error))) as crew:

        def another() -> None:
            crew.start(polls.serve(another))

        another()
        began = in_seconds(0)
        jobs = [polls.finished(Ticket(str(number)), Pace(), age=5, patience=900) for number in range(3 * MOST_POLLERS)]
        await asyncio.gather(*jobs)
        assert in_seconds(0) - began == pytest.approx(60)  # as many as may look, three times
        crew.cancel()


def in_seconds(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def test_a_job_seen_from_its_beginning_teaches_how_long_jobs_take() -> None:
    pace = Pace()
    async with following(Scripted(in_seconds(100))) as polls:
        for _ in range(9):
            await polls.finished(Ticket("job"), pace, age=0.0, patience=900)
    assert pace.next_look(0.0) != Pace().next_look(0.0)


async def test_a_job_that_ended_before_anybody_looked_teaches_nothing() -> None:
    pace = Pace()
    async with following(Scripted(in_seconds(0))) as polls:
        for _ in range(20):
            await polls.finished(Ticket("job"), pace, age=36_000.0, patience=0.0)
    assert pace.next_look(0.0) == Pace().next_look(0.0)


async def test_letting_go_ends_every_job_at_once_also_one_being_looked_at() -> None:
    provider = Scripted(in_seconds(1000), seconds=20)
    async with following(provider) as polls:
        jobs = [asyncio.create_task(polls.finished(Ticket("job"), Pace(), age=5, patience=900)) for _ in range(3)]
        await asyncio.sleep(1)
        assert provider.polls == 1
        await polls.let_go()
        await asyncio.sleep(0)
        reasons = [job.exception() for job in jobs]
        assert all(isinstance(reason, NoLongerFollowed) for reason in reasons)
        assert len({id(reason) for reason in reasons}) == 3  # no two jobs share an exception and its traceback
        with pytest.raises(NoLongerFollowed):
            await polls.finished(Ticket("later"), Pace(), age=0.0, patience=900)


@pytest.mark.parametrize("done_in", [10, 1000])
@pytest.mark.parametrize("error", [None, Unavailable("no answer"), GenerationFailed("refused")])
async def test_a_poll_answered_after_letting_go_changes_nothing(done_in: float, error: ProviderError | None) -> None:
    async with following(Scripted(in_seconds(done_in), seconds=20, error=error)) as polls:
        job = asyncio.create_task(polls.finished(Ticket("job"), Pace(), age=5, patience=900))
        await asyncio.sleep(1)
        await polls.let_go()
        await asyncio.sleep(60)
        assert isinstance(job.exception(), NoLongerFollowed)
