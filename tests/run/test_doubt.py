"""A request without a usable answer may have been charged: it is never sent again but on a person's word."""

from __future__ import annotations

from typing import Any

import pytest

from campaign_runner.events import Stopping
from campaign_runner.resolving import Decision
from campaign_runner.run.parts import Limits
from campaign_runner.sandbox.faults import Fault

ONE_BY_ONE = Limits(concurrency=1)
DOUBTS = ["500", "html", "500_after", "reset", "reset_after", "garbled", "no_job_id", "repeated_job_id"]


@pytest.mark.parametrize("kind", DOUBTS)
async def test_a_doubt_is_kept_never_sent_again_and_the_others_go_on(begin: Any, kind: str) -> None:
    night = await begin(Fault(kind, nth=2))
    ended = await night.run(night.campaign(requests=4, seeds=2), limits=ONE_BY_ONE)
    assert ended.code == 4
    assert ended.states == {"stored": 6, "in_doubt": 2}
    sent = len(night.ledger.entries)
    again = await night.run()
    assert again.code == 4
    assert again.states == ended.states
    assert len(night.ledger.entries) == sent


async def test_on_a_persons_word_a_doubt_is_sent_again(begin: Any) -> None:
    night = await begin(Fault("reset_after", nth=2))
    await night.run(night.campaign(requests=3, seeds=2), limits=ONE_BY_ONE)
    assert await night.resolve(Decision.RESUBMIT) == 2
    ended = await night.run()
    assert ended.code == 0
    assert ended.states == {"stored": 6}
    assert sorted(night.ledger.charged.values()) == [1] * 4 + [2] * 2


async def test_three_doubts_in_a_row_stop_submitting(begin: Any) -> None:
    night = await begin(*[Fault("reset_after", nth=number) for number in (2, 3, 4)])
    ended = await night.run(night.campaign(requests=8, seeds=1), limits=ONE_BY_ONE)
    assert ended.code == 4
    assert ended.states == {"stored": 1, "in_doubt": 3, "pending": 4}
    assert "3 requests in a row" in ended.seen(Stopping)[0].why


async def test_doubts_between_answers_do_not_stop(begin: Any) -> None:
    night = await begin(Fault("reset_after", every=2))
    ended = await night.run(night.campaign(requests=8, seeds=1), limits=ONE_BY_ONE)
    assert ended.states == {"stored": 4, "in_doubt": 4}


async def test_a_doubt_that_left_the_campaign_is_still_told(begin: Any) -> None:
    night = await begin(Fault("reset_after", nth=3))
    await night.run(night.campaign(requests=3, seeds=1), limits=ONE_BY_ONE)
    ended = await night.run(night.campaign(requests=2, seeds=1))
    assert ended.code == 4


async def test_an_answer_that_comes_too_late_is_a_doubt(begin: Any) -> None:
    night = await begin(Fault("slow_after", where="submit", nth=1, seconds=70))
    ended = await night.run(night.campaign(requests=2, seeds=1), limits=ONE_BY_ONE)
    assert ended.code == 4
    assert ended.states == {"stored": 1, "in_doubt": 1}
