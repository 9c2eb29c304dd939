"""WCAG 2.2 AA as far as axe can tell: no violation, dark and light, from 360 pixels to 4k, in every view."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe

from campaign_runner.review.marks import Reviewer
from tests.review.page.browser import Reader
from tests.review.page.conftest import Person
from tests.review.page.folders import SEASON, Home, make_home

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.proof]
ANNA = Reviewer("anna", "Anna")
STATES = ["stored"] * 9 + ["failed", "in_doubt", "accepted", "new"]
CHANNELS = "channels: [instagram-square, {name: web-billboard, size: 970x250, safe: {top: 20, left: 300}}]\n"
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}


async def violations(reader: Reader, view: str) -> list[tuple[str, str, Any]]:
    found = await Axe().run(reader.page, options=RULES)
    return [
        (view, each["id"], [node["html"][:160] for node in each["nodes"]][:3]) for each in found.response["violations"]
    ]


@pytest.fixture
def campaign(tmp_path: Path) -> Home:
    return make_home(tmp_path, SEASON + CHANNELS, states=STATES)


@pytest.mark.parametrize("width", [360, 1280, 3840])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(person: Person, campaign: Home, scheme: str, width: int) -> None:
    anna = await person(color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)
    await anna.open(campaign.write_page(ANNA))
    await anna.into_grid()
    await anna.press("p", "x", "1")
    found = await violations(anna, "grid")
    await anna.page.click("summary")
    found += await violations(anna, "filters")
    await anna.page.locator(".picture").nth(4).focus()
    await anna.press("Space")
    await anna.page.wait_for_selector("#viewer[open]")
    await anna.press("x", "ArrowLeft", "m")
    await anna.page.keyboard.type("too dark")
    found += await violations(anna, "note being written")
    await anna.press("Enter")
    found += await violations(anna, "large view")
    await anna.press("v", "Alt+ArrowLeft")
    found += await violations(anna, "channels")
    await anna.press("Shift+V", "Delete", "-")
    found += await violations(anna, "one channel")
    await anna.press("v", "c")
    found += await violations(anna, "compare")
    await anna.press("?")
    found += await violations(anna, "keys")
    await anna.press("Escape")
    await anna.page.wait_for_selector("#keys-dialog:not([open])", state="attached")
    await anna.press("p", "p", "p")  # the three rows that are still open
    await anna.page.wait_for_selector("#done-dialog[open]")
    found += await violations(anna, "done")
    assert found == []
