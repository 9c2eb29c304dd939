"""What every Journal promises. A new journal adds itself to JOURNALS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaign_runner.events import (
    Accepted,
    Adopted,
    Attempt,
    Doubted,
    Fact,
    Failed,
    Held,
    Placed,
    Refused,
    SetAside,
    Stored,
    Submitting,
)
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.journal.tables import FILE, refuse_damage
from campaign_runner.model import Cause, Cell, Job, Recipe, RecipeSource, Size, State, Ticket, Variation
from campaign_runner.ports import JobsOnRecord, Journal, Unfinished
from tests import refolding
from tests.fleet.opened_journal import opened_journal

NOW = datetime(2026, 10, 1, 2, 14, tzinfo=UTC)
SILENCE = Cause("no_answer", "the line broke after sending")
REFUSED = Cause("prompt_unsafe", "Adobe's content policy")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a journal is kept: opening it again is what the next run does, while nobody else writes."""

    open: Callable[[], AbstractAsyncContextManager[Journal]]
    states: Callable[[], dict[str, str]]  # key → state, of everything ever submitted
    bought: Callable[[], int]


def sqlite_journal(folder: Path) -> Place:
    ticks = count()

    def entries() -> dict[str, str]:
        with Ledger(folder, is_running=True) as ledger:
            every = ledger.in_states(*State)
            return {entry.variation.key: entry.state for entry in every}

    def bought() -> int:
        with Ledger(folder) as ledger:
            return ledger.requests().bought

    return Place(lambda: SqliteJournal(folder, now=lambda: NOW + timedelta(seconds=next(ticks))), entries, bought)


def fleet_journal(folder: Path) -> Place:
    """Opening it takes the campaign over at once."""
    sqlite = sqlite_journal(folder)  # the copy is one
    return Place(opened_journal(folder, NOW + timedelta(seconds=1)), sqlite.states, sqlite.bought)


JOURNALS = [
    pytest.param(sqlite_journal, id="sqlite"),
    pytest.param(fleet_journal, id="fleet", marks=pytest.mark.proof),
]


@pytest.fixture(params=JOURNALS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    made: Place = request.param(tmp_path)
    return made


@pytest.fixture
async def journal(place: Place) -> AsyncIterator[Journal]:
    async with place.open() as opened:
        yield opened


def job(*seeds: int, prompt: str = "almond candle") -> Job:
    recipe = Recipe.of("image4_standard", {"prompt": prompt, "size": {"width": 64, "height": 48}})
    cell = Cell("candle", "hero", "plain", None, Size(64, 48))
    return Job(recipe, tuple(Variation(recipe.key(seed), seed, cell, "{product.name}") for seed in seeds))


def attempt(id: str, *seeds: int, prompt: str = "almond candle") -> Attempt:
    return Attempt(id, job(*seeds, prompt=prompt))


def accepted(attempt: Attempt, job_id: str = "") -> Accepted:
    return Accepted(attempt, Ticket(job_id or f"job-{attempt.id}", "https://x/status", "https://x/cancel"))


def stored(attempt: Attempt, at: int = 0) -> Stored:
    variation = attempt.job.variations[at]
    return Stored(attempt, variation, f"{variation.stem}.jpg", "ab" * 32, 1000, "image/jpeg", ("a word",))


def failed(attempt: Attempt, at: int = 0) -> Failed:
    return Failed(attempt, attempt.job.variations[at], Cause("missing", "no image for this seed"))


async def told(journal: Journal) -> list[Unfinished]:
    return [unfinished async for unfinished in journal.unfinished()]


async def test_what_is_new_is_granted(journal: Journal, place: Place) -> None:
    one, other = attempt("a", 1, 2), attempt("b", 3)
    assert await journal.intend([one, other]) == [one, other]
    assert set(place.states().values()) == {"pending"}  # awaited: neither bought nor due


async def test_nothing_under_way_is_granted_again_not_even_in_part(journal: Journal) -> None:
    await journal.intend([attempt("a", 1, 2)])
    assert await journal.intend([attempt("b", 2, 3), attempt("c", 3)]) == [attempt("c", 3)]


async def test_of_two_planners_in_one_call_the_first_is_granted(journal: Journal) -> None:
    assert await journal.intend([attempt("a", 1), attempt("b", 1)]) == [attempt("a", 1)]


@pytest.mark.parametrize(
    ("facts", "is_due"),
    [
        ([lambda one: Refused(one, REFUSED)], True),  # cost nothing, may be asked for again
        ([lambda one: Refused(one, REFUSED, for_good=True)], False),
        ([lambda one: Doubted(one, SILENCE)], False),  # only a person's word makes it due
        ([accepted], False),
        ([accepted, stored], False),
        ([accepted, failed], False),
    ],
)
async def test_only_what_is_due_is_granted(
    facts: Sequence[Callable[[Attempt], Fact]], is_due: bool, journal: Journal
) -> None:
    first, second = attempt("a", 1), attempt("b", 1)
    await journal.intend([first])
    await journal.record([fact(first) for fact in facts])
    assert await journal.intend([second]) == ([second] if is_due else [])


async def test_an_attempt_is_granted_once_whatever_became_of_it(journal: Journal) -> None:
    await journal.intend([attempt("a", 1)])
    await journal.record([Refused(attempt("a", 1), REFUSED)])
    assert await journal.intend([attempt("a", 1)]) == []


async def test_what_was_granted_survives_without_a_farewell(place: Place) -> None:
    """The first journal is still open, as a killed process leaves it: another one finds everything."""
    async with AsyncExitStack() as stack:
        abandoned = await stack.enter_async_context(place.open())
        await abandoned.intend([attempt("a", 1)])
        await abandoned.intend([attempt("b", 2)])
        await abandoned.record([accepted(attempt("b", 2))])
        async with place.open() as journal:
            assert sorted(place.states().values()) == ["accepted", "in_doubt"]
            assert [each.ticket.job_id for each in await told(journal)] == ["job-b"]


async def test_opening_declares_doubt_for_whoever_never_heard_an_answer(place: Place) -> None:
    async with place.open() as journal:
        await journal.intend([attempt("a", 1), attempt("b", 2), attempt("c", 3)])
        await journal.record([accepted(attempt("b", 2)), Refused(attempt("c", 3), REFUSED)])
    async with place.open() as journal:
        assert list(place.states().values()) == ["in_doubt", "accepted", "pending"]
        assert await journal.intend([attempt("d", 1)]) == []


async def test_the_answer_that_comes_late_settles_the_doubt(journal: Journal, place: Place) -> None:
    one, other = attempt("a", 1), attempt("b", 2)
    await journal.intend([one, other])
    await journal.record([Doubted(one, SILENCE), Doubted(other, SILENCE)])
    await journal.record([accepted(one), Refused(other, REFUSED)])
    assert list(place.states().values()) == ["accepted", "pending"]
    assert place.bought() == 1


async def test_a_doubt_never_follows_an_answer(journal: Journal, place: Place) -> None:
    await journal.intend([attempt("a", 1)])
    await journal.record([accepted(attempt("a", 1)), Doubted(attempt("a", 1), SILENCE)])
    assert list(place.states().values()) == ["accepted"]


async def test_an_acceptance_after_a_refusal_changes_nothing(journal: Journal, place: Place) -> None:
    one = attempt("a", 1)
    await journal.intend([one])
    await journal.record([Refused(one, REFUSED), accepted(one)])
    assert list(place.states().values()) == ["pending"]
    assert place.bought() == 0


async def test_a_job_id_that_is_known_makes_a_doubt(journal: Journal, place: Place) -> None:
    one, other = attempt("a", 1), attempt("b", 2)
    await journal.intend([one, other])
    first, second = await journal.record([accepted(one, "same"), accepted(other, "same")])
    assert isinstance(first, Accepted)
    assert isinstance(second, Doubted)
    assert second.reason.code == "duplicate_job"
    assert list(place.states().values()) == ["accepted", "in_doubt"]


async def test_the_same_answer_twice_is_no_duplicate(journal: Journal) -> None:
    await journal.intend([attempt("a", 1)])
    twice = await journal.record([accepted(attempt("a", 1)), accepted(attempt("a", 1))])
    assert [type(fact) for fact in twice] == [Accepted, Accepted]


async def test_the_first_end_of_a_variation_stands(journal: Journal, place: Place) -> None:
    one = attempt("a", 1, 2)
    await journal.intend([one])
    await journal.record([accepted(one), stored(one, 0), failed(one, 0), failed(one, 1), stored(one, 1)])
    assert list(place.states().values()) == ["stored", "failed"]


async def test_a_late_failure_of_an_earlier_attempt_does_not_end_the_present_one(
    journal: Journal, place: Place
) -> None:
    await journal.intend([attempt("a", 1)])
    await journal.record([Refused(attempt("a", 1), REFUSED)])
    await journal.intend([attempt("b", 1)])
    await journal.record([accepted(attempt("b", 1)), failed(attempt("a", 1))])
    assert list(place.states().values()) == ["accepted"]


async def test_unfinished_jobs_come_oldest_first_in_pages(journal: Journal) -> None:
    many = [attempt(f"a{number}", number) for number in range(450)]
    await journal.intend(many)
    await journal.record([accepted(each) for each in reversed(many)])
    await journal.record([stored(each) for each in many[::3]])
    left = [each for number, each in enumerate(many) if number % 3]
    assert [each.attempt for each in await told(journal)] == left


async def test_an_unfinished_job_knows_what_was_asked_and_what_is_left(place: Place) -> None:
    one = attempt("a", 9, 3, 7)
    async with place.open() as journal:
        await journal.intend([one])
        await journal.record([accepted(one), stored(one, 0)])
    async with place.open() as journal:
        (unfinished,) = await told(journal)
    assert unfinished.attempt == attempt("a", 3, 7)
    assert unfinished.seeds == (9, 3, 7)
    assert unfinished.ticket == accepted(one).ticket
    assert NOW < unfinished.accepted_at < NOW + timedelta(minutes=1)


async def test_an_unfinished_job_knows_what_was_set_aside_of_it(place: Place) -> None:
    one, other = attempt("a", 1, 2), attempt("b", 3)
    aside = [SetAside(one, f"images/unexpected/{name}.jpg", "ab" * 32, 9, REFUSED) for name in ("x", "y")]
    async with place.open() as journal:
        await journal.intend([one, other])
        await journal.record([accepted(one), accepted(other), *aside])
    async with place.open() as journal:
        assert [each.aside for each in await told(journal)] == [{fact.file for fact in aside}, frozenset()]


async def test_why_an_image_waits_is_known_until_it_is_stored_or_fails(tmp_path: Path) -> None:
    one = attempt("a", 1, 2)
    reasons = [Cause("blocked_host", "at a.example.test"), Cause("blocked_host", "at b.example.test")]
    async with SqliteJournal(tmp_path) as journal:
        await journal.intend([one])
        await journal.record([accepted(one)])
        for reason in (reasons[0], reasons[1], reasons[1]):
            await journal.record([Held(one, each, reason) for each in one.job.variations])
        assert [(entry.state, entry.reason) for entry in entries(tmp_path)] == [("accepted", reasons[1])] * 2
        await journal.record(
            [stored(one, 0), failed(one, 1), *(Held(one, each, REFUSED) for each in one.job.variations)]
        )
    assert [entry.reason and entry.reason.code for entry in entries(tmp_path)] == [None, "missing"]
    refuse_damage(tmp_path / FILE)
    record = refolding.read(tmp_path / FILE)
    refolding.check_replay(record)
    assert len(list(record.of_kind("held"))) == 4, "said once for each reason and image"


def entries(folder: Path) -> list[Entry]:
    with Ledger(folder) as ledger:
        return list(ledger.in_states(*State))


async def test_a_page_is_not_upset_by_what_is_stored_meanwhile(journal: Journal) -> None:
    many = [attempt(f"a{number:03}", number) for number in range(401)]
    await journal.intend(many)
    await journal.record([accepted(each) for each in many])
    met = []
    async for unfinished in journal.unfinished():
        met.append(unfinished.attempt)
        await journal.record([stored(unfinished.attempt)])
    assert met == many


STORIES: list[list[Callable[[Attempt], Fact]]] = [
    [Submitting, accepted, stored, lambda one: failed(one, 1), lambda one: stored(one, 2)],
    [Submitting, lambda one: Doubted(one, SILENCE), accepted, stored],
    [Submitting, lambda one: Doubted(one, SILENCE), lambda one: Refused(one, REFUSED)],
    [Submitting, lambda one: Doubted(one, SILENCE), lambda one: Refused(one, REFUSED, for_good=True)],
    [Submitting, lambda one: Doubted(one, SILENCE)],
    [Submitting],
]


@st.composite
def retellings(draw: st.DrawFn) -> tuple[list[Fact], list[Fact]]:
    """The facts of an attempt as they happened, and in any order, some of them told again."""
    facts = [fact(attempt("a", 1, 2, 3)) for fact in draw(st.sampled_from(STORIES))]
    again = draw(st.lists(st.sampled_from(facts), max_size=4))
    return facts, draw(st.permutations(facts + again))


@pytest.mark.parametrize("make", JOURNALS)
@settings(deadline=None, max_examples=30)
@given(retelling=retellings())
def test_facts_add_up_to_the_same_in_any_order(
    make: Callable[[Path], Place], retelling: tuple[list[Fact], list[Fact]]
) -> None:
    async def ledger_of(facts: Sequence[Fact]) -> tuple[dict[str, str], int]:
        with TemporaryDirectory() as folder:
            place = make(Path(folder))
            async with place.open() as journal:
                for fact in facts:
                    await journal.record([fact])
                return place.states(), place.bought()

    as_it_happened, retold = retelling
    assert asyncio.run(ledger_of(retold)) == asyncio.run(ledger_of(as_it_happened))


@given(data=st.data())
@settings(deadline=None, max_examples=15)
def test_of_two_ends_the_one_told_first_stands(data: st.DataObject) -> None:
    async def state_of(facts: Sequence[Fact], folder: Path) -> list[str]:
        place = sqlite_journal(folder)
        async with place.open() as journal:
            await journal.record(facts)
            return list(place.states().values())

    one = attempt("a", 1)
    facts: list[Any] = data.draw(st.permutations([Submitting(one), accepted(one), stored(one), failed(one)]))
    first = next(fact for fact in facts if isinstance(fact, Stored | Failed))
    with TemporaryDirectory() as folder:
        state = asyncio.run(state_of(facts, Path(folder)))
    assert state == ["stored" if isinstance(first, Stored) else "failed"]


async def test_the_budget_counts_what_was_submitted_and_not_refused(journal: Journal, place: Place) -> None:
    every = [
        attempt(name, *seeds) for name, seeds in {"a": (1, 2), "b": (3,), "c": (4,), "d": (5, 6), "e": (7,)}.items()
    ]
    await journal.intend(every)
    a, b, c, d, _ = every
    await journal.record([accepted(a), stored(a), Doubted(b, SILENCE), Refused(c, REFUSED), accepted(d), failed(d)])
    assert place.bought() == 2 + 1 + 0 + 2 + 1  # e has no answer yet: it counts


async def test_a_namesake_is_another_job_that_ends_in_the_same_way(journal: Journal) -> None:
    ids = {"a": "urn:epo:7", "b": "urn:epo:8", "c": "jobs/8", "d": "9", "e": "x_9", "f": "urn:%"}
    for name, (seed, job_id) in zip(ids, enumerate(ids.values()), strict=True):
        one = attempt(name, seed)
        await journal.intend([one])
        await journal.record([Accepted(one, Ticket(job_id))])
    assert isinstance(journal, JobsOnRecord)
    assert [job_id for job_id in ids.values() if await journal.has_namesake(job_id)] == ["urn:epo:8", "jobs/8"]


async def test_that_the_api_origin_once_knew_a_job_survives_the_run(place: Place) -> None:
    async with place.open() as journal:
        assert isinstance(journal, JobsOnRecord)
        assert not await journal.is_known_at_origin("urn:epo:7")
        for _ in range(2):
            await journal.note_known_at_origin("urn:epo:7")
    async with place.open() as again:
        assert isinstance(again, JobsOnRecord)
        assert await again.is_known_at_origin("urn:epo:7") and not await again.is_known_at_origin("urn:epo:8")


SOURCE = RecipeSource("reused", "spring", "3f" * 32, "almond candle", "job-9", (1, 2), "7", '"e"', NOW.isoformat())


def adopted(one: Attempt) -> Adopted:
    variation = one.job.variations[0]
    return Adopted(variation, one.job.recipe, SOURCE, "images/a.jpg", "cd" * 32, 7, "image/jpeg", ("a remark",))


async def test_an_adopted_image_is_stored_and_not_bought(journal: Journal, place: Place) -> None:
    await journal.record([adopted(attempt("a", 1)), adopted(attempt("a", 1))])
    assert list(place.states().values()) == ["stored"]
    assert place.bought() == 0
    assert await journal.intend([attempt("b", 1)]) == []


@pytest.mark.parametrize("end", [accepted, lambda one: Doubted(one, SILENCE), stored, lambda one: failed(one, 0)])
async def test_only_what_is_not_bought_can_be_adopted(
    end: Callable[[Attempt], Fact], journal: Journal, place: Place
) -> None:
    one = attempt("a", 1)
    await journal.intend([one])
    await journal.record([end(one)])
    (before,) = place.states().values()
    await journal.record([adopted(one)])
    assert list(place.states().values()) == ["stored" if before == "failed" else before]


async def test_a_refused_image_that_is_adopted_keeps_nothing_of_its_refusal(tmp_path: Path) -> None:
    one, bought = attempt("a", 1), attempt("b", 2)
    async with SqliteJournal(tmp_path) as journal:
        await journal.intend([one, bought])
        await journal.record([Refused(one, REFUSED), adopted(one), accepted(bought), stored(bought)])
    with Ledger(tmp_path) as ledger:
        entry, _ = ledger.in_states(State.STORED)
        assert ledger.requests().kept == 1
    assert (entry.source, entry.reason, entry.job_id) == (SOURCE, None, "job-9")
    assert (entry.job_seeds, entry.model_version, entry.submitted_at) == ((1, 2), "7", NOW.isoformat())
    assert (entry.file, entry.sha256, entry.warnings) == ("images/a.jpg", "cd" * 32, ("a remark",))


async def test_where_an_image_is_now_is_recorded_for_stored_ones_alone(tmp_path: Path) -> None:
    one, other = attempt("a", 1), attempt("b", 2)
    moved = Cause("removed", "no longer in the campaign")
    async with SqliteJournal(tmp_path) as journal:
        await journal.intend([one, other])
        await journal.record([accepted(one), stored(one), accepted(other)])
        keys = [one.job.keys[0], other.job.keys[0]]
        await journal.record([Placed(key, "removed/a.jpg", "ef" * 32, 8, "image/png", moved) for key in keys])
    with Ledger(tmp_path) as ledger:
        (entry,) = ledger.in_states(State.STORED)
        assert (entry.file, entry.sha256, entry.bytes) == ("removed/a.jpg", "ef" * 32, 8)
        assert [entry.file for entry in ledger.in_states(State.ACCEPTED)] == [None]
