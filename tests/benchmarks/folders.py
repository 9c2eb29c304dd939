"""Output folders of many images as runs leave them, made without a run: a journal by the package's own hand.

The images are small pictures, each with bytes of its own behind its end, so that no two have the same digest.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from campaign_runner.campaign_file.loader import load
from campaign_runner.events import Accepted, Attempt, Fact, Stored
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.model import Job, Ticket, Variation
from campaign_runner.output_folder.folder import Folder, home_of
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.portions import batched

PROMPTS, SEEDS, SIDE = 25, 4, 64
LEAST = PROMPTS * SEEDS
"""Images of one product."""
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Many:
    """A campaign of many images: its file, its output folder, and how many of its images are stored there."""

    file: Path
    folder: Folder
    stored: int


def make(home: Path, images: int, stored: int, *, origin: str, has_files: bool = True) -> Many:
    """A campaign of so many images, the first of them `stored`; without files the journal alone says so."""
    file = home / "campaigns" / "many.yaml"
    file.parent.mkdir(parents=True)
    products = "".join(f"  p{number:05}: almond candle {number}\n" for number in range(images // LEAST))
    prompts = "".join(f'  s{number:02}: "{{product.name}} in scene {number}"\n' for number in range(PROMPTS))
    file.write_text(
        f"campaign: many\nmodel: image3\nproducts:\n{products}prompts:\n{prompts}"
        f"sizes: [1024x1024]\nseeds: {[*range(1, SEEDS + 1)]}\n",
        encoding="utf-8",
    )
    folder = Folder(home_of(file) / "many")
    (folder.images).mkdir(parents=True)
    asyncio.run(_record(folder, Plan(load(file)), stored, origin, has_files=has_files))
    return Many(file, folder, stored)


async def _record(folder: Folder, plan: Plan, stored: int, origin: str, *, has_files: bool) -> None:
    ground = BytesIO()
    Image.new("RGB", (SIDE, SIDE), "#c9a66b").save(ground, "JPEG")
    picture = ground.getvalue()
    async with SqliteJournal(folder.path) as journal:
        await journal.note({"campaign": "many", "origin": origin, "file": folder.relative(plan.campaign.path)})
        for jobs in batched(_until(PlanStatus(plan).jobs(), stored), _AT_ONCE):
            attempts = [Attempt(job.keys[0][:32], job) for job in jobs]
            await journal.intend(attempts)
            facts: list[Fact] = []
            for attempt in attempts:
                facts.append(Accepted(attempt, Ticket(f"urn:job:{attempt.id}")))
                for variation in attempt.job.variations:
                    content = picture + bytes.fromhex(variation.key)
                    facts.append(_stored(attempt, variation, content))
                    if has_files:
                        _write(folder.path / f"{variation.stem}.jpg", content)
            await journal.record(facts)


def _until(jobs: Iterator[Job], images: int) -> Iterator[Job]:
    """The first jobs, until they have so many images together."""
    for job in jobs:
        if images <= 0:
            return
        images -= len(job.variations)
        yield job


def _stored(attempt: Attempt, variation: Variation, content: bytes) -> Stored:
    digest = hashlib.sha256(content).hexdigest()
    return Stored(attempt, variation, f"{variation.stem}.jpg", digest, len(content), "image/jpeg")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
