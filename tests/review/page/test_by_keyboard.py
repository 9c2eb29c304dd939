"""By keyboard alone, from disk and served: everything that hands do, and no mark lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from campaign_runner.campaign_file.loader import load
from campaign_runner.plan.plan import Plan
from campaign_runner.review.decisions import Decisions, decisions_of
from campaign_runner.review.marks import Note, Reviewer
from campaign_runner.review.page.served_data import ServedReview
from campaign_runner.review.page.server import serving_review
from tests.review.page.browser import Reader
from tests.review.page.conftest import Person
from tests.review.page.folders import Home, make_home

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.proof]
ANNA = Reviewer("anna", "Anna")


@pytest.fixture
def season(tmp_path: Path) -> Home:
    return make_home(tmp_path)


def decided(home: Home) -> Decisions:
    with home.folder.ledger() as ledger:
        return decisions_of(home.folder, Plan(load(home.file)), ledger)


@asynccontextmanager
async def a_page(home: Home, way: str) -> AsyncIterator[Path | str]:
    """The page of a campaign, one way or the other; its reviewer is Anna."""
    if way == "from disk":
        yield home.write_page(ANNA)
        return
    async with serving_review(ServedReview(home.folder, Plan(load(home.file)), ANNA)) as served:
        yield served.address


async def verdicts(reader: Reader) -> list[str]:
    """What the reviewer has said of each image that is on the page, in order."""
    return list(await reader.page.eval_on_selector_all(".tile", "tiles => tiles.map(tile => tile.dataset.own)"))


@pytest.mark.parametrize("way", ["from disk", "served"])
async def test_a_round_by_keyboard(season: Home, person: Person, way: str) -> None:
    anna = await person()
    async with a_page(season, way) as page:
        await anna.open(page)
        await anna.into_grid()
        await anna.press("p")  # picks, and goes on to the next row
        await anna.until_counts("1 picked")
        await anna.press("x")
        assert (await verdicts(anna))[:5] == ["pick", "", "", "", "reject"]
        await anna.press("Control+z")  # back to where it was done
        assert (await verdicts(anna))[:5] == ["pick", "", "", "", ""]
        await anna.press("Control+z", "Control+z", "Control+z")
        await anna.until_counts("4 open")
        await anna.press("2")  # one pick a row: a second one moves it
        await anna.press("ArrowUp", "3")
        assert (await verdicts(anna))[:4] == ["", "", "pick", ""]
        await anna.press("n", "Space")
        await anna.page.wait_for_selector("#viewer[open]")
        assert await anna.here() == season.keys[8][:8]
        await anna.press("ArrowRight", "z")
        await anna.page.wait_for_selector(".stage.zoomed")
        await anna.press("ArrowRight")  # the zoom stays
        assert await anna.page.is_visible(".stage.zoomed")
        await anna.press("z", "c")
        assert await anna.page.locator(".stage:not([hidden])").count() == 2
        await anna.press("Escape", "Space")  # and back to where one looked last
        assert await anna.here() == season.keys[10][:8]
        await anna.press("m")
        await anna.page.keyboard.type("too dark here")
        await anna.press("Enter", "x", "1", "Escape")
        await anna.page.wait_for_selector("#viewer:not([open])", state="attached")
        await anna.press("/")
        await anna.page.keyboard.type("soap detail")  # the row that one is in goes, the keyboard stays in the search
        assert await anna.page.input_value("#search") == "soap detail"
        assert await anna.page.locator(".row").count() == 1
        await anna.press("Escape", "p")
        await anna.until_counts("2 picked")
        if way == "from disk":
            await anna.save(season.decisions)
        else:
            await anna.until_kept()
        known = decided(season)
        assert [str(row.state) for row in known.rows] == ["picked", "open", "open", "picked"]
        said = [mark.value for mark in known.gathered.marks if isinstance(mark.value, Note)]
        assert said == [Note("too dark here", (0.5, 0.5))]
        assert {str(image.state) for row in known.rows for image in row.images} == {"picked", "rejected", "undecided"}


async def test_no_mark_is_lost_by_reloads_other_profiles_and_pages_written_again(season: Home, person: Person) -> None:
    page = season.write_page()
    anna, ben = await person(), await person()
    await anna.open(page)
    await anna.into_grid()
    await anna.press("p")
    await anna.say_name("Anna")
    await anna.until_counts("1 picked")
    await anna.page.reload()
    await anna.until_counts("1 picked")
    assert await anna.page.inner_text("#unsaved") == "1 mark is not in a file yet"
    await ben.open(page)
    await ben.until_counts("4 open")
    await ben.into_grid()
    await ben.press("ArrowDown", "p")
    await ben.say_name("Ben")
    await ben.until_counts("1 picked")
    await ben.save(season.decisions)
    season.write_page()
    await anna.open(page)  # a new page: Ben's mark is in it, Anna's is still in her browser
    await anna.until_counts("2 picked")
    await anna.press("Control+z")
    await anna.until_counts("1 picked, 3 open")
    await anna.press("p")
    await anna.save(season.decisions)
    season.write_page()
    await ben.open(page)
    await ben.until_counts("2 picked")
    assert await ben.page.is_hidden("#save")
    assert [str(row.state) for row in decided(season).rows] == ["picked", "picked", "open", "open"]


async def test_saved_twice_from_two_browsers_both_count(season: Home, person: Person) -> None:
    page = season.write_page(ANNA)
    for position in (0, 1):
        anna = await person()
        await anna.open(page)
        await anna.into_grid()
        await anna.press(*["ArrowDown"] * position, "p")
        path = await anna.save(season.decisions)
        path.rename(path.with_name(f"{position}.jsonl"))
    assert decided(season).counts() == {"picked": 2, "open": 2, "new": 0}


async def test_a_link_opens_its_image(season: Home, person: Person) -> None:
    anna = await person()
    await anna.open(season.write_page(ANNA), f"#{season.keys[9][:8]}")
    await anna.page.wait_for_selector("#viewer[open]")
    assert await anna.here() == season.keys[9][:8]


async def test_single_keys_can_be_turned_off(season: Home, person: Person) -> None:
    anna = await person()
    await anna.open(season.write_page(ANNA))
    await anna.into_grid()
    await anna.press("?")
    await anna.page.wait_for_selector("#keys-dialog[open]")
    await anna.page.focus("#single-keys")
    await anna.press("Space", "Escape")
    await anna.press("p", "x", "ArrowRight", "ArrowLeft")
    assert await anna.counts() == "4 rows: 4 open"
    await anna.press("Tab", "Enter")  # its own button picks all the same
    await anna.until_counts("1 picked")
    await anna.page.reload()
    await anna.into_grid()
    await anna.press("x")
    assert await anna.page.inner_text("#unsaved") == "1 mark is not in a file yet"


async def test_everybody_is_told_when_all_is_decided(season: Home, person: Person) -> None:
    anna = await person()
    await anna.open(season.write_page(ANNA))
    await anna.into_grid()
    await anna.press("p", "p", "p", "p")
    await anna.page.wait_for_selector("#done-dialog[open]")
    assert await anna.page.inner_text("#done-title") == "You are done"
    assert "campaign-runner status season" in await anna.page.inner_text("#done-commands")


async def test_filters_and_groups_show_what_is_asked_for(season: Home, person: Person) -> None:
    anna = await person()
    await anna.open(season.write_page(ANNA))
    await anna.into_grid()
    await anna.press("p")
    await anna.page.click("summary")
    await anna.page.select_option("select[name=show]", "row:open")
    assert await anna.page.locator(".row").count() == 3
    await anna.page.select_option("select[name=product]", "soap")
    assert await anna.page.locator(".row").count() == 2
    await anna.page.select_option("select[name=group]", "prompt")
    assert await anna.page.locator(".group").all_inner_texts() == ["hero\n1 row", "detail\n1 row"]
    await anna.page.click("#reset-filters")
    assert await anna.page.locator(".row").count() == 4
