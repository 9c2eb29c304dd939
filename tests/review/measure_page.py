"""How fast the review page is with thousands of images: `python -m tests.review.measure_page [IMAGES]`, or 2,000.

Prints the time to the first paint from disk, the long tasks while scrolling through all rows, and how long the next
image of the large view takes when it was loaded ahead. Nothing is held against a clock: machines differ.
"""

from __future__ import annotations

import asyncio
import hashlib
import statistics
import sys
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from playwright.async_api import Page

from campaign_runner.campaign_file.loader import load
from campaign_runner.disk import files
from campaign_runner.events import Accepted, Attempt, Stored
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.model import Job, Ticket
from campaign_runner.output_folder.folder import REVIEW, Folder
from campaign_runner.plan.plan import Plan
from campaign_runner.review.thumbnails.thumbnail import EDGES, path_of
from tests.many_images import picture
from tests.review.page.browser import open_browser
from tests.review.page.folders import Home

CAMPAIGN = """\
campaign: season
model: image3
products: {{{products}}}
prompts: {{hero: "a {{product.name}}"}}
sizes: [2048x2048]
seeds: [11, 12, 13, 14]
"""
_DIFFERENT = 40  # pictures; each is used for many images, under a name of its own
_AT_ONCE = 500
_STEPS = 40
LONG_TASKS = """
  window.longTasks = [];
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => window.longTasks.push(entry.duration)))
    .observe({ type: "longtask", buffered: true });
"""
SCROLL = """async (steps) => {
  window.longTasks.length = 0;
  const whole = document.documentElement.scrollHeight;
  for (let step = 1; step <= steps; step += 1) {
    scrollTo(0, whole * step / steps);
    await new Promise((seen) => requestAnimationFrame(() => setTimeout(seen, 60)));
  }
  return window.longTasks;
}"""
NEXT = """async (steps) => {
  const taken = [];
  for (let step = 0; step < steps; step += 1) {
    await new Promise((rest) => setTimeout(rest, 700));
    const began = performance.now();
    document.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    await document.querySelector(".stage:not([hidden]) .frame img").decode();
    await new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)));
    taken.push(performance.now() - began);
  }
  return taken;
}"""


def make(place: Path, images: int) -> Home:
    """A campaign of so many images, four a row, with thumbnails, in `place`."""
    products = ", ".join(f"p{number}: product {number}" for number in range(images // 4))
    file = place / "campaigns" / "season.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(CAMPAIGN.format(products=products), encoding="utf-8")
    home = Home(file, Folder(place / "output" / "season"))
    asyncio.run(_store(home, Plan(load(file))))
    return home


async def _store(home: Home, plan: Plan) -> None:
    files.make_folder(home.folder.path / REVIEW)
    pictures = [_encoded(place, number) for number in range(_DIFFERENT) if (place := home.folder.path)]
    async with SqliteJournal(home.folder.path) as journal:
        await journal.note({"campaign": "season", "origin": "sandbox", "file": home.folder.relative(home.file)})
        planned = iter(plan)
        while batch := list(islice(planned, _AT_ONCE)):
            attempts = [Attempt(each.variation.key[:32], Job(each.recipe, (each.variation,))) for each in batch]
            await journal.intend(attempts)
            for attempt, each in zip(attempts, batch, strict=True):
                digest = hashlib.sha256(each.variation.key.encode()).hexdigest()
                name = f"images/{each.variation.stem}.jpg"
                _link(home.folder, name, digest, pictures[each.position % _DIFFERENT])
                stored = Stored(attempt, each.variation, name, digest, 1, "image/jpeg")
                await journal.record([Accepted(attempt, Ticket(f"job-{each.variation.key}")), stored])


def _encoded(folder: Path, number: int) -> dict[int, Path]:
    """One picture, whole and as thumbnails, by its longest side."""
    found = {}
    for edge in (2048, *EDGES):
        found[edge] = folder / f".picture-{number}-{edge}.jpg"
        picture(number).resize((edge, edge), Image.Resampling.BICUBIC).save(found[edge], quality=85)
    return found


def _link(folder: Folder, name: str, digest: str, of: dict[int, Path]) -> None:
    (folder.path / name).parent.mkdir(parents=True, exist_ok=True)
    (folder.path / name).hardlink_to(of[2048])
    for edge in EDGES:
        path_of(folder, digest, edge).hardlink_to(of[edge])


async def measure(page: Page, address: str) -> None:
    """Open the page and print what is measured."""
    await page.add_init_script(LONG_TASKS)
    await page.goto(address)
    await page.wait_for_selector(".tile img")
    await page.wait_for_load_state("load")
    paints: Any = await page.evaluate(
        "performance.getEntriesByType('paint').map((each) => [each.name, each.startTime])"
    )
    _say(f"first paint after {dict(paints)['first-contentful-paint']:,.0f} ms")
    began: list[float] = await page.evaluate("window.longTasks")
    _say(f"long tasks while it opens: {[round(each) for each in began]} ms")
    scrolled: list[float] = await page.evaluate(SCROLL, _STEPS)
    longest = max(scrolled, default=0)
    _say(f"scrolling through all rows: {len(scrolled)} long tasks, the longest {longest:,.0f} ms")
    await page.evaluate("scrollTo(0, 0)")
    await page.locator(".picture").first.focus()
    await page.keyboard.press("Space")
    await page.wait_for_selector("#viewer[open]")
    taken = sorted(await page.evaluate(NEXT, _STEPS))
    p95 = taken[int(len(taken) * 0.95)]
    _say(f"next image in the large view: median {statistics.median(taken):.0f} ms, p95 {p95:.0f} ms")


async def _measure_all(address: str) -> None:
    async with open_browser() as browser:
        await measure(await browser.new_page(viewport={"width": 1280, "height": 800}), address)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    with TemporaryDirectory(prefix="measure-page-") as place:
        home = make(Path(place), int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
        file = home.write_page()
        _say(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB")
        asyncio.run(_measure_all(file.as_uri()))
