"""How long jobs take is remembered over runs, so that the first ones of a night are not looked at blindly."""

from __future__ import annotations

from campaign_runner.output_folder.registry import RunRegistry
from campaign_runner.run.limits import Limits
from tests.fixtures import Begin

EIGHT = Limits(concurrency=8)


async def test_a_later_run_of_another_campaign_polls_its_first_jobs_as_often_as_its_last(begin: Begin) -> None:
    night = await begin(job_seconds=20)
    await night.run(night.campaign(requests=40, seeds=1), limits=EIGHT)
    before = night.ledger.calls["poll"]
    await night.run(night.campaign(requests=8, seeds=1, name="second"), limits=EIGHT)
    known = night.ledger.calls["poll"] - before
    fresh = await begin(job_seconds=20)
    await fresh.run(fresh.campaign(requests=8, seeds=1), limits=EIGHT)
    assert known < fresh.ledger.calls["poll"] / 2


async def test_what_a_run_learned_is_noted_by_model_size_and_service(begin: Begin) -> None:
    night = await begin(job_seconds=20)
    await night.run(night.campaign(requests=4, seeds=1), limits=EIGHT)
    memory = RunRegistry(night.home / "state")
    ((kind, took),) = memory.durations(night.origin).items()
    assert kind == ("image3", 1) and len(took) == 4
    assert all(20 <= seconds < 30 for seconds in took)
    assert memory.durations("https://elsewhere.example") == {}
    await night.run()  # nothing is due, so nothing is new
    assert memory.durations(night.origin) == {kind: took}
