"""The database's functions and the journal's own rules agree, whatever is told in whatever order."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaign_runner.disk import files
from campaign_runner.disk.sqlite_reader import SqliteReader
from campaign_runner.events import (
    Accepted,
    Adopted,
    Attempt,
    Doubted,
    Fact,
    Refused,
    Stored,
    Submitting,
)
from campaign_runner.fleet.database import Connection, Database
from campaign_runner.fleet.lease import FleetCampaign, campaign_of
from campaign_runner.fleet.record.journal import FleetJournal
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.journal.ledger import Ledger
from campaign_runner.journal.tables import FILE, refuse_damage
from campaign_runner.model import Cause, State, Ticket
from campaign_runner.ports import CampaignJournal
from tests.fleet import postgres
from tests.fleet.opened_journal import taken
from tests.fleet.test_rules import broken
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


@settings(deadline=None, max_examples=25)
@given(steps=STEPS, again=st.integers(0, 14))
def test_the_database_and_the_journal_agree_whatever_is_told(steps: list[Step], again: int) -> None:
    with TemporaryDirectory() as alone, TemporaryDirectory() as copy:
        asyncio.run(both(steps, again, Path(alone), Path(copy)))


async def both(steps: list[Step], again: int, alone: Path, copy: Path) -> None:
    """Take the steps on both; after `again` of them another run begins."""
    fleet = postgres.shared()
    async with Database(fleet.server.settings(fleet.shared)) as database:
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


STORIES = 700
WORDS: dict[str, Callable[[Attempt, Attempt], Fact]] = {
    # what is told of an image, given the first and the last attempt at it
    "accepted": lambda first, last: contract.accepted(last),
    "accepted late": lambda first, last: contract.accepted(first),
    "duplicate": lambda first, last: Accepted(last, Ticket("the same job")),
    "refused": lambda first, last: Refused(last, contract.REFUSED),
    "refused late": lambda first, last: Refused(first, contract.REFUSED),
    "refused for good": lambda first, last: Refused(last, contract.REFUSED, for_good=True),
    "doubted": lambda first, last: Doubted(last, contract.SILENCE),
    "stored": lambda first, last: contract.stored(last),
    "stored late": lambda first, last: contract.stored(first),
    "failed": lambda first, last: contract.failed(last),
    "failed late": lambda first, last: contract.failed(first),
    "adopted": lambda first, last: adopted(last),
}
DECISIONS: dict[str, Callable[[Sequence[str]], Step]] = {
    "resubmit": lambda keys: deciding(keys, State.PENDING),
    "abandon": lambda keys: deciding(keys, State.ABANDONED),
    "take back": taking_back,
}


@dataclass
class Story:
    """What happens to one image; each of its words is a step."""

    seed: int
    words: list[str]
    attempts: list[Attempt]

    def sent_again(self) -> Attempt:
        self.attempts.append(contract.attempt(f"{self.seed}.{len(self.attempts)}", self.seed))
        return self.attempts[-1]


def stories(random: Random) -> list[Story]:
    """Hundreds of images, each with a story of its own; every order of three words is among them, or nearly."""
    words = [*WORDS, *DECISIONS, "sent", "sent"]
    drawn = [Story(seed, ["sent", *random.choices(words, k=7)], []) for seed in range(1, STORIES + 1)]
    for story in drawn:
        story.sent_again()
    return drawn


def chapter(told: Sequence[Story], number: int) -> Iterator[Step]:
    """The steps that are the word `number` of the stories, many images at once."""
    if sent := [story.sent_again() for story in told if story.words[number] == "sent"]:
        yield lambda journal: journal.intend(sent)
    of_facts = [(WORDS[word], story) for story in told if (word := story.words[number]) in WORDS]
    facts = [fact(story.attempts[0], story.attempts[-1]) for fact, story in of_facts]
    yield lambda journal: journal.record(facts)
    for word, decision in DECISIONS.items():
        yield decision([story.attempts[0].job.keys[0] for story in told if story.words[number] == word])


async def agreed_on(told_stories: list[Story], database: Database, alone: Path, copy: Path) -> None:
    """Tell the stories to both, chapter by chapter, and compare what they say."""
    campaign = await campaign_of(database, uuid.uuid4().hex, f"default/{uuid.uuid4().hex}")
    epoch = await taken(database, campaign)
    files.make_folder(alone)
    async with (
        SqliteJournal(alone) as plain,
        FleetJournal(database, campaign, epoch=epoch, folder=copy, home=copy) as journal,
    ):
        for number in range(8):
            for step in chapter(told_stories, number):
                assert await outcome(step, plain) == await outcome(step, journal)
    assert told(alone) == told(copy)
    assert await database.within(30.0, lambda connection: in_tables(connection, campaign)) == in_copy(copy)


async def test_hundreds_of_stories_end_in_the_same_way(fleet: postgres.Fleet, tmp_path: Path) -> None:
    async with Database(fleet.server.settings(fleet.shared)) as database:
        await agreed_on(stories(Random(20261129)), database, tmp_path / "alone", tmp_path / "copy")


FAULTS = {
    "failed late": ("AND attempt = tried AND state = ANY (under_way)", "AND state = ANY (under_way)"),
    "stored where pending": ("state = ANY (under_way || 'pending'::text)", "state = ANY (under_way)"),
    "accepted where pending": ("'{submitting,in_doubt,pending}'", "'{submitting,in_doubt}'"),
    "refused after a doubt": ("'refused', '{open,in_doubt}'", "'refused', '{open}'"),
    "adopted where failed": ("IN ('pending', 'failed', 'abandoned')", "IN ('pending')"),
    "a duplicate": ("ELSIF owner <> tried AND answer", "ELSIF false AND answer"),
    "doubted after an answer": ("'in_doubt', '{open}'", "'in_doubt', '{open,accepted}'"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_where_they_differ_it_is_noticed(fault: str, fleet: postgres.Fleet, tmp_path: Path) -> None:
    name = broken(fleet, [("apply_fact", *FAULTS[fault])])
    async with Database(fleet.server.settings(name)) as database:
        with pytest.raises(AssertionError):
            await agreed_on(stories(Random(20261129))[:300], database, tmp_path / "alone", tmp_path / "copy")


async def outcome(step: Step, journal: CampaignJournal) -> object:
    return await step(journal)


def told(folder: Path) -> list[object]:
    """What a ledger tells, but for times."""
    refuse_damage(folder / FILE)
    with Ledger(folder) as ledger:
        return [
            (entry.variation, entry.state, entry.reason, entry.file, entry.job_id) for entry in ledger.in_states(*State)
        ]


async def in_tables(connection: Connection, campaign: FleetCampaign) -> tuple[object, ...]:
    """The states of images and requests that the database decides by, and how many images were bought."""
    images = await connection.execute(
        "SELECT key, attempt, state FROM campaign_runner.variations WHERE campaign = %s", (campaign.id,)
    )
    requests = await connection.execute(
        "SELECT id, outcome, job_id, images FROM campaign_runner.attempts WHERE campaign = %s", (campaign.id,)
    )
    bought = await connection.execute(
        "SELECT images_bought FROM campaign_runner.campaigns WHERE id = %s", (campaign.id,)
    )
    return (
        sorted(map(str, await images.fetchall())),
        sorted(map(str, await requests.fetchall())),
        await bought.fetchone(),
    )


def in_copy(folder: Path) -> tuple[object, ...]:
    with SqliteReader(folder / FILE) as reader:
        images = reader.run(lambda db: db.execute("SELECT key, attempt, state FROM variations").fetchall())
        requests = reader.run(lambda db: db.execute("SELECT id, outcome, job_id, images FROM attempts").fetchall())
    return (
        sorted(map(str, images)),
        sorted(map(str, requests)),
        (sum(each[3] for each in requests if each[1] != "refused"),),
    )
