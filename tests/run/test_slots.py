"""How many jobs are under way at once."""

from __future__ import annotations

import asyncio

import pytest

from campaign_runner.events import Accepted, Event
from campaign_runner.run.control import Control
from campaign_runner.run.limits import Limits
from tests.fixtures import Begin
from tests.night import Night


def most_at_once(night: Night) -> int:
    """The most jobs that the sandbox was making at any moment."""
    lives = [(entry.at, entry.at + night.sandbox.settings.job_seconds) for entry in night.ledger.accepted]
    return max(sum(begin <= at < end for begin, end in lives) for at, _ in lives)


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_never_more_jobs_than_allowed_are_between_submit_and_the_end_of_polling(
    begin: Begin, concurrency: int
) -> None:
    night = await begin(job_seconds=10)
    ended = await night.run(night.campaign(requests=8, seeds=1), limits=Limits(concurrency=concurrency))
    assert ended.code == 0
    assert most_at_once(night) == concurrency


async def test_a_run_takes_as_long_as_its_jobs_and_polls_need(begin: Begin) -> None:
    night = await begin(job_seconds=20)
    ended = await night.run(night.campaign(requests=8, seeds=1), limits=Limits(concurrency=4))
    assert 2 * 20 <= ended.seconds < 2 * 20 * 1.35


@pytest.mark.parametrize("jobs", [4, 40])
async def test_a_job_that_is_accepted_takes_no_task_until_it_is_finished(begin: Begin, jobs: int) -> None:
    accepted, tasks, loop = [0], [0], asyncio.get_running_loop()

    def count() -> None:
        tasks[0] = sum("Runner." in repr(task.get_coro()) for task in asyncio.all_tasks())

    def watch(event: Event, control: Control) -> None:
        accepted[0] += isinstance(event, Accepted)
        if isinstance(event, Accepted) and accepted[0] == jobs:
            loop.call_later(60, count)

    night = await begin(job_seconds=120)
    campaign = night.campaign(requests=jobs, seeds=1)
    ended = await night.run(campaign, limits=Limits(concurrency=jobs), watch=watch)
    assert (ended.code, len(ended.images)) == (0, jobs)
    assert tasks == [3]  # the drain, the returns, and one for all that are followed
