"""How many jobs are under way at once."""

from __future__ import annotations

import pytest

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
