"""What is sent is what was planned, and what is stored is what was made."""

from __future__ import annotations

from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from tests.fixtures import Begin


async def test_as_many_requests_leave_as_the_plan_says(begin: Begin) -> None:
    night = await begin()
    campaign = night.campaign(requests=5, seeds=3)
    ended = await night.run(campaign)
    assert ended.code == 0
    assert ended.states == {"stored": 15}
    assert len(night.ledger.accepted) == PlanStatus(Plan(campaign)).requests == 5
    assert all(len(entry.seeds) == 3 for entry in night.ledger.accepted)


async def test_a_run_with_nothing_due_sends_nothing_and_changes_nothing(begin: Begin) -> None:
    night = await begin()
    await night.run(night.campaign())
    calls = dict(night.ledger.calls)
    written = (night.output / "manifest.json").read_bytes()
    again = await night.run(secret="wrong")  # it needs no credentials, so it does not notice
    assert again.code == 0
    assert night.ledger.calls == calls
    assert (night.output / "manifest.json").read_bytes() == written
