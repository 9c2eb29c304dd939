"""The page from disk, by keyboard alone, with the network off: no mark is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaign_runner.campaign_file.loader import load
from campaign_runner.plan.plan import Plan
from campaign_runner.review.decisions import Decisions, decisions_of
from tests.review.page.conftest import Person
from tests.review.page.folders import Home, make_home

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def season(tmp_path: Path) -> Home:
    return make_home(tmp_path)


def decided(home: Home) -> Decisions:
    with home.folder.ledger() as ledger:
        return decisions_of(home.folder, Plan(load(home.file)), ledger)


async def test_marks_made_by_keyboard_are_saved_as_a_file_that_counts(season: Home, person: Person) -> None:
    anna = await person(offline=True)
    await anna.open(season.write_page())
    await anna.into_grid()
    await anna.press("p")
    await anna.say_name("Anna Müller")
    await anna.until_counts("1 picked")  # and on to the next row
    await anna.press("x", "2", "x", "ArrowDown", "3")
    await anna.until_counts("2 picked")
    assert await anna.page.inner_text("#unsaved") == "5 marks are not in a file yet"
    file = await anna.save(season.decisions)
    assert file.name.startswith("season-anna-mueller-") and file.name.endswith(".decisions.jsonl")
    assert await anna.page.inner_text("#unsaved") == ""
    known = decided(season)
    assert known.gathered.problems == () and known.gathered.remarks == ()
    assert [str(row.state) for row in known.rows] == ["picked", "open", "picked", "open"]
    reasons = [mark.value.reason for mark in known.gathered.marks if mark.word == "reject"]  # type: ignore[union-attr]
    assert reasons == [None, "anatomy", None]
    assert all(url.startswith(("file:", "blob:", "data:", "about:")) for url in anna.asked)
