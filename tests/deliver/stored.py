"""Campaigns whose images are stored, without a run: pictures that are told apart, in the record as runs leave them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from campaign_runner.campaign_file.loader import load
from campaign_runner.events import Accepted, Attempt, Stored
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.model import Job, Size, Ticket
from campaign_runner.output_folder.folder import Folder
from campaign_runner.plan.plan import Plan, Planned

Draw = Callable[[Planned], bytes]


def jpeg(picture: Image.Image, **options: Any) -> bytes:
    """A picture as Adobe might send it."""
    file = BytesIO()
    picture.save(file, "JPEG", quality=95, **options)
    return file.getvalue()


def gradient(size: Size, number: int) -> Image.Image:
    """A picture unlike those of other numbers: bright from left to right, tinted by its number."""
    across = Image.linear_gradient("L").rotate(90).resize((size.width, size.height))
    down = Image.linear_gradient("L").resize((size.width, size.height))
    tint = Image.new("L", (size.width, size.height), number * 37 % 256)
    return Image.merge("RGB", (across, down, tint))


def drawn(planned: Planned) -> bytes:
    """The picture of a planned image."""
    return jpeg(gradient(planned.variation.cell.size, int(planned.variation.key[:4], 16)))


def store(home: Path, campaign: str, draw: Draw = drawn, *, name: str = "spring") -> Folder:
    """Write a campaign file and an output folder in which all its images are stored; answers the folder."""
    file = home / "campaigns" / f"{name}.yaml"
    file.parent.mkdir(exist_ok=True, parents=True)
    file.write_text(campaign, encoding="utf-8")
    folder = Folder((home / "output" / name).resolve())
    asyncio.run(_stored(folder, Plan(load(file)), name, draw))
    return folder


async def _stored(folder: Folder, plan: Plan, name: str, draw: Draw) -> None:
    folder.images.mkdir(parents=True, exist_ok=True)
    async with SqliteJournal(folder.path) as journal:
        await journal.note({"campaign": name, "origin": "sandbox", "file": folder.relative(plan.campaign.path)})
        for planned in plan:
            variation, content = planned.variation, draw(planned)
            file = folder.path / f"{variation.stem}.jpg"
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(content)
            attempt = Attempt(variation.key[:32], Job(planned.recipe, (variation,)))
            await journal.intend([attempt])
            digest = hashlib.sha256(content).hexdigest()
            name_ = file.relative_to(folder.path).as_posix()
            stored = Stored(attempt, variation, name_, digest, len(content), "image/jpeg")
            await journal.record([Accepted(attempt, Ticket(f"urn:{variation.key[:8]}")), stored])
