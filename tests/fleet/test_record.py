"""The database's functions and the journal's own rules agree, whatever is told in whatever order."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaign_runner.disk.sqlite_reader import SqliteReader
from campaign_runner.events import Accepted, Adopted, Attempt, Cause, Doubted, Fact, Refused, Stored, Submitting
from campaign_runner.fleet.database import Connection, Database
from campaign_runner.fleet.lease import FleetCampaign, campaign_of
from campaign_runner.fleet.record.journal import FleetJournal
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.journal.ledger import Ledger
from campaign_runner.journal.tables import FILE, refuse_damage
from campaign_runner.model import State, Ticket
from campaign_runner.ports import CampaignJournal
from tests.fleet import postgres
from tests.fleet.opened_journal import taken
from tests.ports import test_journal as contract

pytestmark = pytest.mark.proof
SEEDS = {"a": (1, 2), "b": (2, 3), "c": (1,), "d": (3,), "e": (1, 2, 3)}
KEYS = contract.job(1, 2, 3).keys
PERSON = Cause("resubmit", "a person said so")
Step = Callable[[CampaignJournal], Any]


def attempt(id: str) -> Attempt:
    return contract.attempt(id, *SEEDS[id])


def stored(one: Attempt, at: int) -> Stored:
    return contract.stored(one, at % len(one.job.variations))


def adopted(one: Attempt) -> Adopted:
    fact = contract.adopted(one)
    return Adopted(
        fact.variation, fact.recipe, fact.source, f"images/{fact.variation.key}.jpg", "cd" * 32, 7, "image/png"
    )


FACTS: list[Callable[[Attempt], Fact]] = [
    Submitting,
    contract.accepted,
    lambda one: Accepted(one, Ticket("the same job")),
    lambda one: Refused(one, contract.REFUSED),
    lambda one: Refused(one, contract.REFUSED, for_good=True),
    lambda one: Doubted(one, contract.SILENCE),
    lambda one: stored(one, 0),
    lambda one: stored(one, 1),
    lambda one: contract.failed(one, 0),
    lambda one: contract.failed(one, len(one.job.variations) - 1),
    adopted,
]


def intending(ids: Sequence[str]) -> Step:
    return lambda journal: journal.intend([attempt(id) for id in ids])


def telling(told: Sequence[tuple[str, int]]) -> Step:
    return lambda journal: journal.record([FACTS[which](attempt(id)) for id, which in told])


def deciding(keys: Sequence[str], into: State) -> Step:
    reason = PERSON if into is State.PENDING else Cause("abandon", "given up")
    return lambda journal: journal.decide(reason, keys, states=(State.IN_DOUBT, State.FAILED), into=into)


def taking_back(keys: Sequence[str]) -> Step:
    return lambda journal: journal.take_back(Cause("take_back", "not given up"), keys)


ids = st.sampled_from(sorted(SEEDS))
some_keys = st.lists(st.sampled_from(KEYS), unique=True, max_size=3)
STEPS = st.lists(
    st.one_of(
        st.builds(intending, st.lists(ids, min_size=1, max_size=3)),
        st.builds(telling, st.lists(st.tuples(ids, st.integers(0, len(FACTS) - 1)), min_size=1, max_size=4)),
        st.builds(deciding, some_keys, st.sampled_from([State.PENDING, State.ABANDONED])),
        st.builds(taking_back, some_keys),
    ),
    max_size=14,
)


@settings(deadline=None, max_examples=60)
@given(steps=STEPS, again=st.integers(0, 14))
def test_the_database_and_the_journal_agree_whatever_is_told(steps: list[Step], again: int) -> None:
    with TemporaryDirectory() as alone, TemporaryDirectory() as copy:
        asyncio.run(both(steps, again, Path(alone), Path(copy)))


async def both(steps: list[Step], again: int, alone: Path, copy: Path) -> None:
    """Take the steps on both; after `again` of them another run begins."""
    fleet = postgres.shared()
    async with Database(fleet.server.settings(fleet.prepared)) as database:
        campaign = await campaign_of(database, uuid.uuid4().hex, f"default/{uuid.uuid4().hex}")
        for some in (steps[:again], steps[again:]):
            epoch = await taken(database, campaign)
            async with (
                SqliteJournal(alone) as plain,
                FleetJournal(database, campaign, epoch=epoch, folder=copy, home=copy) as journal,
            ):
                for step in some:
                    assert await outcome(step, plain) == await outcome(step, journal)
        assert told(alone) == told(copy)
        assert await database.within(9.0, lambda connection: in_tables(connection, campaign)) == in_copy(copy)


async def outcome(step: Step, journal: CampaignJournal) -> object:
    return await step(journal)


def told(folder: Path) -> list[object]:
    """What a ledger tells, but for times."""
    refuse_damage(folder / FILE)
    with Ledger(folder) as ledger:
        return [
            (entry.variation, entry.state, entry.reason, entry.file, entry.job_id) for entry in ledger.in_states(*State)
        ]


async def in_tables(connection: Connection, campaign: FleetCampaign) -> tuple[object, object]:
    """The states of images and requests that the database decides by."""
    images = await connection.execute(
        "SELECT key, attempt, state FROM campaign_runner.variations WHERE campaign = %s", (campaign.id,)
    )
    requests = await connection.execute(
        "SELECT id, outcome, job_id, images FROM campaign_runner.attempts WHERE campaign = %s", (campaign.id,)
    )
    return sorted(map(str, await images.fetchall())), sorted(map(str, await requests.fetchall()))


def in_copy(folder: Path) -> tuple[object, object]:
    with SqliteReader(folder / FILE) as reader:
        images = reader.run(lambda db: db.execute("SELECT key, attempt, state FROM variations").fetchall())
        requests = reader.run(lambda db: db.execute("SELECT id, outcome, job_id, images FROM attempts").fetchall())
    return sorted(map(str, images)), sorted(map(str, requests))
