"""States and sums of many rows: read without the rows, or remembered, and the same as if they were read each time."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.events import Adopted, Attempt
from campaign_runner.journal import key_sets
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.journal.key_sets import recorded_states
from campaign_runner.journal.ledger import Ledger
from campaign_runner.journal.tables import FILE
from campaign_runner.model import Job, RecipeSource, State
from campaign_runner.plan import due
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.plan.selection import EVERYTHING, Selection, read_only
from tests.campaigns import plan
from tests.recorded import facts, record

STATES = ("stored", "new", "accepted", "stored", "failed", "in_doubt", "stored", "new")


async def recorded(folder: Path) -> Plan:
    made = plan(folder, seeds=[*range(1, 5)])
    assert len(made) == len(STATES)
    await record(folder, made, STATES)
    return made


@pytest.mark.parametrize("most_aside", [1, 3, 4, 100])
async def test_the_states_of_many_keys_are_those_of_their_rows(
    most_aside: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = list((await recorded(tmp_path)).keys())
    with Ledger(tmp_path) as ledger:
        found = ledger.states(keys)
        assert found == {key: state for key, state in zip(keys, STATES, strict=True) if state != "new"}
        monkeypatch.setattr(key_sets, "_AT_ONCE", 2)
        monkeypatch.setattr(key_sets, "_MOST_ASIDE", most_aside)
        assert ledger.states(keys) == found
        assert ledger.states(keys[::-1]) == found


async def test_what_is_recorded_while_many_keys_are_looked_up_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = list((await recorded(tmp_path)).keys())
    monkeypatch.setattr(key_sets, "_AT_ONCE", 2)
    asked: list[str] = []
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as file:

        def ask(words: str, *values: Any) -> list[tuple[Any, ...]]:
            asked.append(words)
            rows = file.execute(words, values).fetchall()
            if len(asked) == 2:  # after the look at what is not stored
                file.execute("UPDATE variations SET state = 'failed', file = NULL WHERE key = ?", (keys[0],))
                file.execute("INSERT INTO events SELECT seq + 1, at, epoch, worker, 'failed', attempt, key, detail"
                             " FROM events ORDER BY seq DESC LIMIT 1")  # fmt: skip
            return rows

        assert recorded_states(keys, ask, State)[keys[0]] == State.FAILED


async def test_sums_are_those_of_now_also_where_they_were_asked_for_before(tmp_path: Path) -> None:
    made = plan(tmp_path, seeds=[*range(1, 5)])
    await record(tmp_path, made, STATES[:4])
    with Ledger(tmp_path) as ledger:
        assert (ledger.counts()[State.STORED], ledger.requests().submitted) == (2, 3)
        later = list(made)[-1]
        async with SqliteJournal(tmp_path) as journal:
            await journal.intend([Attempt("later", Job(later.recipe, (later.variation,)))])
        assert (ledger.counts()[State.STORED], ledger.requests().submitted) == (2, 4)
        assert (ledger.counts()[State.IN_DOUBT], ledger.requests().submitted) == (1, 4)


SOURCE = RecipeSource("kept", "almond", "ab" * 32, "an almond candle", None, (), None, None, None)


async def record_more(folder: Path, made: Plan) -> None:
    """A request for several seeds, one of them stored by then; and an image that was taken over."""
    first, second, adopted = list(made)[-3:]
    async with SqliteJournal(folder) as journal:
        both = Attempt("both", Job(first.recipe, (first.variation, second.variation)))
        await journal.intend([both])
        await journal.record([*facts(both, first.variation, "stored")])
        await journal.record(
            [Adopted(adopted.variation, adopted.recipe, SOURCE, "images/a.jpg", "cd" * 32, 7, "image/jpeg")]
        )


def noted(ledger: Ledger, made: Plan, only: Selection = EVERYTHING) -> list[State]:
    """The states of what a plan selects."""
    return [state for _, state in PlanStatus(made, ledger.states, only).variations()]


@pytest.mark.parametrize("seeds", [[*range(1, 9)], [8, 3, 2, 99], [7]])
@pytest.mark.parametrize("words", [[], ["product=soap"], ["seed=8,7"]])
async def test_what_is_known_of_a_large_plan_is_told_recipe_by_recipe_and_the_same_as_by_its_keys(
    seeds: list[int], words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plan(tmp_path, seeds=[*range(1, 9)])
    await record(tmp_path, made, STATES)
    await record_more(tmp_path, made)
    asked, only = plan(tmp_path, seeds=seeds), read_only(words)
    with Ledger(tmp_path) as ledger:
        by_keys = noted(ledger, asked, only)
        monkeypatch.setattr(due, "_LOOKED_UP_AT_ONCE", 0)
        monkeypatch.setattr(key_sets, "recorded_states", None)
        assert noted(ledger, asked, only) == by_keys


async def test_what_is_recorded_while_all_of_a_journal_is_told_comes_last(tmp_path: Path) -> None:
    made = plan(tmp_path, seeds=[*range(1, 9)])
    await record(tmp_path, made, STATES)
    with Ledger(tmp_path) as ledger:
        telling = ledger.states.by_recipe()
        told = [next(telling)]
        await record_more(tmp_path, made)
        told += telling
    with Ledger(tmp_path) as ledger:
        entries = ledger.entries(list(made.keys())).values()
    known = {(bytes.fromhex(each.recipe.digest), each.seed): each.state for each in entries}
    assert {(digest, seed): state for digest, seeds, state in told for seed in seeds} == known
