"""How many keys 120 rows of four take, and how long at a second a row: `python -m tests.review.measure_keys`.

Somebody looks at each row for a second, then picks by number or by P, or rejects all four of it with a reason; now and
then they undo, compare or look closer. At the end the marks are saved and counted as `status` counts them.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from campaign_runner.campaign_file.loader import load
from campaign_runner.plan.plan import Plan
from campaign_runner.review.decisions import decisions_of
from campaign_runner.review.marks import Reviewer
from tests.review.measure_page import make
from tests.review.page.browser import Reader, open_browser
from tests.review.page.folders import Home

ROWS = 120
THINKS_SECONDS = 1.0


async def decide_all(home: Home, page: str, thinks: float) -> None:
    """Decide every row, and print what it took."""
    chance, keys = random.Random(11), 0
    async with open_browser() as browser:
        anna = await Reader.of(browser, viewport={"width": 1280, "height": 800})
        await anna.open(page)
        await anna.into_grid()
        began = time.monotonic()
        for row in range(ROWS):
            await asyncio.sleep(thinks)
            pressed = _hands(chance) if row < ROWS - 1 else ["1"]
            keys += len(pressed)
            await anna.press(*pressed)
        seconds = time.monotonic() - began
        await anna.page.wait_for_selector("#done-dialog[open]")
        await anna.press("Escape")
        await anna.save(home.decisions)
    with home.folder.ledger() as ledger:
        counts = decisions_of(home.folder, Plan(load(home.file)), ledger).counts()
    _say(f"{ROWS} rows with {keys} keys ({keys / ROWS:.2f} a row) in {seconds / 60:.1f} min: {dict(counts)}")


def _hands(chance: random.Random) -> list[str]:
    """What is pressed for one row, which ends on the next."""
    way = chance.random()
    if way < 0.10:
        return ["x", "2", "x", "x", "x", "n"]
    if way < 0.15:
        return ["p", "Control+z", "ArrowRight", "p"]
    if way < 0.20:
        return ["ArrowRight", "Space", "c", "z", "z", "c", "p", "Escape"]
    return [str(chance.randint(1, 4))]


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    with TemporaryDirectory(prefix="measure-keys-") as place:
        home = make(Path(place), ROWS * 4)
        address = home.write_page(Reviewer("anna", "Anna")).as_uri()
        thinks = float(sys.argv[1]) if len(sys.argv) > 1 else THINKS_SECONDS
        asyncio.run(decide_all(home, address, thinks))
