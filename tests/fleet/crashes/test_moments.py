"""What happens elsewhere at just one moment of a worker's run."""

from __future__ import annotations

import json
import shutil
from functools import partial
from typing import Any

import pytest

from campaign_runner.events import Event, Submitting
from campaign_runner.fleet.database import DatabaseGone
from campaign_runner.fleet.record.entries import told_fact
from campaign_runner.fleet.record.untold import Telling
from campaign_runner.journal.tables import FILE
from campaign_runner.run.control import Control
from tests.fixtures import Begin
from tests.fleet import postgres
from tests.fleet.crashes.test_crash_points import Fleet, begun, real_loop
from tests.fleet.machines import doubt, one

pytestmark = pytest.mark.proof
TELL = """
SELECT campaign_runner.tell(id, gen_random_uuid(), epoch, 'another machine', 0, '{facts}')
FROM campaign_runner.campaigns WHERE prefix = '{prefix}'
"""


async def test_what_another_machine_bought_a_moment_ago_counts_for_the_budget(begin: Begin) -> None:
    """As a fact, which is taken from anyone at any time: of what a restored database had forgotten, say."""
    night = await begin()
    night.campaign = partial(night.campaign, more="budget: 4\n")  # type: ignore[method-assign]
    with real_loop() as beside:
        fleet = Fleet(night, beside)
        await fleet.begin()
        facts = json.dumps([told_fact(doubt(one("theirs", 1, 2)), is_known=False)])
        told: list[Event] = []

        def another_buys(event: Event, control: Control) -> None:
            if isinstance(event, Submitting) and not told:
                told.append(event)
                shared = postgres.shared()
                query = TELL.format(facts=facts, prefix=f"{fleet.account}/night")
                shared.server.execute(shared.with_turned_clock, query)

        await fleet.machine("worker", told=another_buys).carry_out(fleet.number)
        shutil.copytree(night.home / "images" / fleet.account / "night", night.output)
        shutil.copy(await fleet.record() / FILE, night.output)
    assert len(told) == 1 and sum(night.ledger.charged.values()) == 2, "two of theirs, two of ours"


async def test_a_run_whose_last_fact_the_database_took_late_is_complete(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is kept on this machine by then, and told before what was made is counted."""
    really, keys, late = Telling.tell, set[str](), list[Telling]()

    async def tell(telling: Telling, *values: Any, **named: Any) -> Any:
        keys.update(body["key"] for kind, body in telling.facts if kind == "stored")
        if len(keys) == 4 and not late:
            late.append(telling)
            raise DatabaseGone("it does not answer just now")
        return await really(telling, *values, **named)

    monkeypatch.setattr(Telling, "tell", tell)
    async with begun(begin) as fleet:
        await fleet.machine("worker").carry_out(fleet.number)
        assert late and await fleet.exit() == 0
        await fleet.check(await fleet.go_on(), most_in_doubt=0)
