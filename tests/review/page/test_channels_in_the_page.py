"""What channels show of a picture, over the large view: placed as `deliver` places it, by click, drag and keys."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from playwright.async_api import FloatRect

from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.channels import channels_of
from campaign_runner.channels.channel import Channel, SafeEdges
from campaign_runner.channels.crops import MIDDLE, crop_at
from campaign_runner.model import Size
from campaign_runner.plan.plan import Plan
from campaign_runner.review.decisions import ChosenFocus, decisions_of
from campaign_runner.review.marks import Reviewer
from campaign_runner.review.page.page_data import PageSources
from campaign_runner.review.page.page_file import write_single_file
from campaign_runner.review.page.scripts import joined_script
from campaign_runner.review.page.served_data import ServedReview
from campaign_runner.review.page.server import serving_review
from tests.channels.crop_cases import crop_cases
from tests.review.page.browser import Reader
from tests.review.page.conftest import Person
from tests.review.page.folders import SEASON, Home, make_home

pytestmark = pytest.mark.asyncio(loop_scope="session")
ANNA = Reviewer("anna", "Anna")
CHANNELS = """\
channels:
- {name: story, size: 540x960, safe: {top: 134, bottom: 192}}
- {name: square, size: 800x800}
- {name: banner, size: 970x250}
"""
CUTS = joined_script("cuts.js").replace("\n})();", "\nglobalThis.cuts = { cropAt, isEnlarged };\n})();")
CUT = """cases => cases.map(({ picture, channel, focus }) => {
  const part = cuts.cropAt(picture, channel, focus);
  return [part.left, part.top, part.width, part.height, cuts.isEnlarged(part, channel)];
})"""
Cuts = dict[str, list[float]]
Cut = tuple[Size, Channel, tuple[float, ...] | None]


@pytest.fixture
def season(tmp_path: Path) -> Home:
    return make_home(tmp_path, SEASON + CHANNELS)


@pytest.fixture
def shared(tmp_path: Path) -> Home:
    """Two markets that are asked for in the same words: each picture stands in two rows."""
    return make_home(tmp_path, f"{SEASON}markets: {{us: {{locale: en-US}}, ca: {{locale: en-US}}}}\n{CHANNELS}")


@pytest.fixture
def without_channels(tmp_path: Path) -> Home:
    return make_home(tmp_path)


def focus_of(home: Home, position: int = 0) -> ChosenFocus | None:
    """What `deliver` reads of an image."""
    with home.folder.ledger() as ledger:
        decisions = decisions_of(home.folder, Plan(load(home.file)), ledger)
    assert decisions.gathered.problems == () and decisions.gathered.remarks == ()
    return decisions.focus(decisions.rows[position // 4].images[position % 4])


async def look_closely(reader: Reader) -> None:
    """Open the first picture, with the frames of all channels."""
    await reader.into_grid()
    await reader.press("Space", "v")
    await reader.page.wait_for_selector("#channels:not([hidden])")


async def cuts_shown(reader: Reader) -> Cuts:
    """The frames that are drawn: left, top, width, height in fractions, by the names that are written on them."""
    found: Cuts = await reader.page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll(".frames:not([hidden]) .cut")].map((cut) =>
          [cut.querySelector(".cut-name").textContent,
            ["left", "top", "width", "height"].map((edge) => parseFloat(cut.style[edge]) / 100)]))"""
    )
    return found


def cuts_of(home: Home, focus: dict[str, tuple[float, ...]]) -> Cuts:
    """The same as `deliver` would cut."""
    campaign = load(home.file)
    size = campaign.sizes[0]
    found: Cuts = {}
    for channel in channels_of(campaign.channels):
        crop = crop_at(size, channel, focus.get(channel.id, focus.get("*", MIDDLE)))
        name = f"{channel.id} (too few pixels)" if crop.enlarges(channel) else channel.id
        parts = (crop.left / size.width, crop.top / size.height, crop.width / size.width, crop.height / size.height)
        found[name] = list(parts)
    return found


def are_near(shown: Cuts, expected: Cuts, most: float = 1e-4) -> bool:
    """Whether they are the same: styles are written with a few digits, and a mouse meets whole pixels."""
    return shown.keys() == expected.keys() and all(
        shown[name] == pytest.approx(expected[name], abs=most) for name in shown
    )


def drawn(number: int) -> Cut:
    """A picture, a channel and a focus by chance."""
    chance = Random(number)
    width, height = chance.randint(8, 4000), chance.randint(8, 4000)
    edges = [chance.choice([0, 0, chance.randint(0, side // 3)]) for side in (height, width, height, width)]
    channel = Channel("any", Size(width, height), safe=SafeEdges(*edges))
    picture = Size(chance.randint(8, 4000), chance.randint(8, 4000))
    focus = chance.choice([None, 2, 2, 4])
    return picture, channel, None if focus is None else tuple(round(chance.random(), 4) for _ in range(focus))


async def test_a_cut_in_the_page_is_that_of_deliver_to_the_last_digit(person: Person) -> None:
    cases: list[Cut] = [(case.picture, case.channel, case.focus) for case in crop_cases()]
    cases += [drawn(number) for number in range(3_000)]
    told = [
        {
            "picture": {"width": picture.width, "height": picture.height},
            "channel": {"width": channel.size.width, "height": channel.size.height, "safe": _edges(channel.safe)},
            "focus": focus,
        }
        for picture, channel, focus in cases
    ]
    anybody = await person()
    await anybody.page.evaluate(CUTS)
    found = await anybody.page.evaluate(CUT, told)
    for (picture, channel, focus), said in zip(cases, found, strict=True):
        crop = crop_at(picture, channel, focus or MIDDLE)
        expected = [crop.left, crop.top, crop.width, crop.height, crop.enlarges(channel)]
        assert said == expected, (picture, channel, focus)


def _edges(safe: SafeEdges) -> dict[str, Any]:
    return {"top": safe.top, "right": safe.right, "bottom": safe.bottom, "left": safe.left}


@pytest.mark.parametrize("way", ["from disk", "served"])
async def test_by_keyboard_the_cuts_are_placed_and_undone(season: Home, person: Person, way: str) -> None:
    anna = await person()
    if way == "from disk":
        await anna.open(season.write_page(ANNA))
        await place_by_keyboard(anna, season)
        await anna.save(season.decisions)
    else:
        async with serving_review(ServedReview(season.folder, Plan(load(season.file)), ANNA)) as served:
            await anna.open(served.address)
            await place_by_keyboard(anna, season)
            await anna.until_kept()
    focus = focus_of(season)
    assert focus is not None and focus.focus == {"*": (0.48, 0.5), "square": (0.05, 0.05, 0.9, 0.9)}
    assert focus.mark.reviewer.id == "anna" and focus.mark.cell is None and not focus.is_disputed


async def place_by_keyboard(anna: Reader, season: Home) -> None:
    await look_closely(anna)
    assert are_near(await cuts_shown(anna), cuts_of(season, {}))
    await anna.press("Alt+ArrowLeft", "Alt+ArrowUp")
    assert are_near(await cuts_shown(anna), cuts_of(season, {"*": (0.48, 0.48)}))
    await anna.press("Control+z")
    assert are_near(await cuts_shown(anna), cuts_of(season, {"*": (0.48, 0.5)}))
    await anna.press("Shift+V", "Shift+V")
    assert list(await cuts_shown(anna)) == ["square"]
    await anna.press("-", "-", "Delete", "-")
    assert are_near(await cuts_shown(anna), {"square": [0.05, 0.05, 0.9, 0.9]})
    await anna.press("ArrowRight")  # the next image has no focus yet, and is looked at in the same way
    assert list(await cuts_shown(anna)) == ["square"]
    await anna.press("ArrowLeft", "v")
    assert await cuts_shown(anna) == {}


async def test_one_file_to_mail_has_the_frames_too(season: Home, person: Person, tmp_path: Path) -> None:
    anna, mail = await person(offline=True), tmp_path / "mail.html"
    with season.folder.ledger() as ledger:
        plan = Plan(load(season.file), ledger.custom_model)
        await write_single_file(PageSources(season.folder, plan, ledger, reviewer=ANNA), mail, pytest.fail)
    await anna.open(mail)
    await place_by_keyboard(anna, season)
    await anna.save(season.decisions)
    focus = focus_of(season)
    assert focus is not None and set(focus.focus) == {"*", "square"}


async def test_a_click_sets_the_focus_and_a_drag_a_part(season: Home, person: Person) -> None:
    anna = await person()
    await anna.open(season.write_page(ANNA))
    await look_closely(anna)
    await click(anna, 0.25, 0.75)
    assert are_near(await cuts_shown(anna), cuts_of(season, {"*": (0.25, 0.75)}), 0.005)
    await anna.page.get_by_role("button", name="banner").click()
    await drag(anna, (0.9, 0.9), (0.1, 0.5))
    (name,) = await cuts_shown(anna)
    assert name == "banner (too few pixels)"
    assert "too few pixels: no file is made" in await anna.page.inner_text("#channel-list")
    await anna.save(season.decisions)
    focus = focus_of(season)
    assert focus is not None and focus.focus["*"] == pytest.approx((0.25, 0.75), abs=0.005)
    assert focus.focus["banner"] == pytest.approx((0.1, 0.5, 0.8, 0.4), abs=0.01)
    assert await anna.page.inner_text("#unsaved") == ""
    await anna.press("Control+z", "Control+z")
    assert are_near(await cuts_shown(anna), {"banner": cuts_of(season, {})["banner"]})


async def test_a_note_is_pinned_while_frames_are_shown_and_moves_no_focus(season: Home, person: Person) -> None:
    anna = await person()
    await anna.open(season.write_page(ANNA))
    await look_closely(anna)
    await anna.press("m")
    await click(anna, 0.25, 0.75)
    await anna.page.focus("#note-text")
    await anna.page.keyboard.type("a logo")
    await anna.press("Enter")
    await anna.page.wait_for_selector(".pin:not(.draft)")
    assert are_near(await cuts_shown(anna), cuts_of(season, {}))


async def test_a_picture_of_two_rows_has_one_focus_and_undoing_it_stays_in_the_row(
    shared: Home, person: Person
) -> None:
    anna = await person()
    await anna.open(shared.write_page(ANNA))
    await look_closely(anna)
    await anna.press("ArrowDown", "Alt+ArrowLeft")
    moved = cuts_of(shared, {"*": (0.48, 0.5)})
    assert "Row 2" in await anna.page.inner_text("#viewer-place") and are_near(await cuts_shown(anna), moved)
    await anna.press("ArrowUp")
    assert are_near(await cuts_shown(anna), moved)
    await anna.press("Control+z")
    assert "Row 2" in await anna.page.inner_text("#viewer-place")
    assert are_near(await cuts_shown(anna), cuts_of(shared, {}))
    await anna.save(shared.decisions)
    assert focus_of(shared) is None


async def test_one_focus_is_that_of_the_picture_for_everybody(season: Home, person: Person) -> None:
    for who, key in (("Anna", "Alt+ArrowLeft"), ("Ben", "Alt+ArrowUp")):
        reader = await person()
        await reader.open(season.write_page(Reviewer(who.lower(), who)))
        await look_closely(reader)
        await reader.press(key)
        await reader.save(season.decisions)
    focus = focus_of(season)
    assert focus is not None and focus.focus == {"*": (0.48, 0.48)} and not focus.is_disputed


SHOWN = """() => {
  const told = () => document.querySelector("#viewer[open] .toast:not([hidden])")?.textContent;
  window.shown = new Promise((tell) => new MutationObserver(() => told() && tell(told()))
    .observe(document.body, { subtree: true, attributes: true }));
}"""
"""From now on `shown` is what the large view shows for a moment, however late it is looked at."""


async def test_without_channels_the_page_says_what_they_would_be(without_channels: Home, person: Person) -> None:
    anna = await person()
    await anna.open(without_channels.write_page(ANNA))
    await anna.into_grid()
    await anna.page.evaluate(SHOWN)
    await anna.press("v")
    assert "This campaign has no channels" in await anna.page.evaluate("shown")
    assert await anna.page.is_hidden("#frames") and await cuts_shown(anna) == {}


async def box_of(reader: Reader) -> FloatRect:
    box = await reader.page.locator(".stage:not([hidden]) .frame").bounding_box()
    assert box is not None
    return box


async def click(reader: Reader, x: float, y: float) -> None:
    box = await box_of(reader)
    await reader.page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


async def drag(reader: Reader, begin: tuple[float, float], end: tuple[float, float]) -> None:
    box, mouse = await box_of(reader), reader.page.mouse
    for step, (x, y) in enumerate((begin, ((begin[0] + end[0]) / 2, (begin[1] + end[1]) / 2), end)):
        await mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        if step == 0:
            await mouse.down()
    await mouse.up()
