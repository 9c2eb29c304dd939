"""Output folders to review: real pictures, small ones, and images that failed or are in doubt, without a run."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from campaign_runner.campaign_file.loader import load
from campaign_runner.events import Accepted, Attempt, Fact, Stored
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.model import Job, Ticket
from campaign_runner.output_folder.folder import Folder
from campaign_runner.plan.plan import Plan, Planned
from campaign_runner.review.marks import Reviewer
from campaign_runner.review.page.page_data import PageSources
from campaign_runner.review.page.page_file import write_page
from tests.many_images import picture
from tests.recorded import facts

SEASON = """\
campaign: season
model: image3
products: {mug: mug, soap: soap}
prompts: {hero: "a {product.name}", detail: "a {product.name} from near"}
sizes: [1024x1024]
seeds: [11, 12, 13, 14]
"""
"""Four rows of four images."""


@dataclass(frozen=True)
class Home:
    """A campaign and its output folder."""

    file: Path
    folder: Folder

    def write_page(self, reviewer: Reviewer | None = None) -> Path:
        """Write `review.html` from what is recorded and decided now."""
        with self.folder.ledger() as ledger:
            plan = Plan(load(self.file), ledger.custom_model)
            return write_page(PageSources(self.folder, plan, ledger, reviewer=reviewer))

    @property
    def keys(self) -> list[str]:
        """The keys of all images, in plan order."""
        return list(Plan(load(self.file)).keys())

    @property
    def decisions(self) -> Path:
        """The folder of decisions, which is made."""
        path = self.folder.path / "decisions"
        path.mkdir(exist_ok=True)
        return path


def make_home(place: Path, text: str = SEASON, states: Sequence[str] = ()) -> Home:
    """A campaign in `place`: its images are in `states`, one by one, and stored where that says nothing."""
    file = place / "campaigns" / "season.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    campaign = load(file)
    home = Home(file, Folder(place / "output" / campaign.campaign))
    record(home, states)
    return home


def record(home: Home, states: Sequence[str]) -> None:
    """Bring the images of a campaign that are not recorded yet into `states`; stored where that says nothing."""
    asyncio.run(_record(home, Plan(load(home.file)), states))


async def _record(home: Home, plan: Plan, states: Sequence[str]) -> None:
    home.folder.images.mkdir(parents=True, exist_ok=True)
    async with SqliteJournal(home.folder.path) as journal:
        named = {"campaign": plan.campaign.campaign, "origin": "sandbox", "file": home.folder.relative(home.file)}
        await journal.note(named)
        with home.folder.ledger() as ledger:
            known = set(ledger.keys())
        for planned in plan:
            if planned.variation.key in known:
                continue
            state = states[planned.position] if planned.position < len(states) else "stored"
            if state == "new":
                continue
            attempt = Attempt(planned.variation.key[:32], Job(planned.recipe, (planned.variation,)))
            await journal.intend([attempt])
            await journal.record(_facts(home.folder, attempt, planned, state))


def _facts(folder: Folder, attempt: Attempt, planned: Planned, state: str) -> list[Fact]:
    variation = planned.variation
    if state != "stored":
        return list(facts(attempt, variation, state))
    path = folder.path / f"{variation.stem}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(planned.position).resize((96, 96)).save(path, quality=80)
    content = path.read_bytes()
    name, digest = path.relative_to(folder.path).as_posix(), hashlib.sha256(content).hexdigest()
    stored = Stored(attempt, variation, name, digest, len(content), "image/jpeg")
    return [Accepted(attempt, Ticket(f"job-{variation.key}")), stored]
