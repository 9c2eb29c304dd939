"""What could stand for changed words, found in little memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

from campaign_runner.events import Attempt
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.journal.ledger import Ledger
from campaign_runner.maintenance.keep import stand_ins
from campaign_runner.model import Job
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from tests.campaigns import plan
from tests.recorded import facts


async def stored(folder: Path, made: Plan) -> None:
    """A journal in which every variation is stored, each by a request of its own."""
    async with SqliteJournal(folder) as journal:
        attempts = [Attempt(each.variation.key[:32], Job(each.recipe, (each.variation,))) for each in made]
        await journal.intend(attempts)
        await journal.record([fact for each in attempts for fact in facts(each, each.job.variations[0], "stored")])


async def test_3_000_stand_ins_are_found_in_a_few_megabytes(tmp_path: Path) -> None:
    products = {"candle": {"name": "almond candle"}}
    before = plan(tmp_path, products=products, seeds={"count": 3_000})
    await stored(tmp_path, before)
    after = plan(tmp_path, products=products, seeds={"count": 3_000}, prompts={"hero": {"text": "a cup"}})
    with Ledger(tmp_path) as ledger:
        status = PlanStatus(after, ledger.states)
        tracemalloc.start()
        try:
            found = sum(each.entry.variation.seed == each.planned.variation.seed for each in stand_ins(ledger, status))
            assert tracemalloc.get_traced_memory()[1] < 4 << 20
        finally:
            tracemalloc.stop()
    assert found == 3_000
