"""Thousands of images as a campaign leaves them, without a run, and how long `find` takes among them.

`python -m tests.many_images 10000` makes them in a temporary folder and measures.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import resource
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from campaign_runner.campaign_file.loader import load
from campaign_runner.events import Accepted, Attempt, Fact, Stored
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.model import Job, Ticket
from campaign_runner.output_folder.folder import Folder
from campaign_runner.plan.plan import Plan, Planned

CAMPAIGN = """\
campaign: many
model: image3
products: {{candle: almond candle}}
prompts: {{hero: "{{product.name}} on an oak table"}}
sizes: [1024x1024]
seeds: {{base: 1, count: {images}}}
"""
_AT_ONCE = 500
_BLOBS, _PIXELS = 12, 512


def picture(number: int) -> Image.Image:
    """A picture unlike all others: soft blobs of grey, by chance."""
    greys = random.Random(number).randbytes(_BLOBS * _BLOBS)
    blobs = Image.frombytes("L", (_BLOBS, _BLOBS), greys)
    return blobs.resize((_PIXELS, _PIXELS), Image.Resampling.BICUBIC).convert("RGB")


def copy_of(file: Path, to: Path) -> Path:
    """The same at half the size, encoded again."""
    with Image.open(file) as image:
        image.resize((image.width // 2, image.height // 2)).save(to, quality=70)
    return to


def make(home: Path, images: int) -> Folder:
    """A campaign of so many images, all of them stored, in `home`."""
    file = home / "campaigns" / "many.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(CAMPAIGN.format(images=images), encoding="utf-8")
    folder = Folder(home / "output" / "many")
    asyncio.run(_store(folder, Plan(load(file))))
    return folder


async def _store(folder: Folder, plan: Plan) -> None:
    folder.images.mkdir(parents=True, exist_ok=True)
    async with SqliteJournal(folder.path) as journal:
        await journal.note({"campaign": "many", "origin": "sandbox", "file": folder.relative(plan.campaign.path)})
        planned = iter(plan)
        while batch := list(islice(planned, _AT_ONCE)):
            attempts = [Attempt(each.variation.key[:32], Job(each.recipe, (each.variation,))) for each in batch]
            granted = {attempt.id for attempt in await journal.intend(attempts)}
            pairs = [pair for pair in zip(attempts, batch, strict=True) if pair[0].id in granted]
            await journal.record([fact for attempt, each in pairs for fact in _facts(folder, attempt, each)])


def _facts(folder: Folder, attempt: Attempt, planned: Planned) -> list[Fact]:
    variation = planned.variation
    name = f"{variation.stem}.jpg"
    path = folder.path / name
    path.parent.mkdir(exist_ok=True)
    picture(variation.seed).save(path, quality=90)
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    stored = Stored(attempt, variation, name, digest, len(content), "image/jpeg")
    return [Accepted(attempt, Ticket(f"job-{variation.key}")), stored]


def measure(images: int) -> None:
    with TemporaryDirectory(prefix="many-images-") as place:
        home = Path(place)
        folder = make(home, images)
        copy = copy_of(sorted(folder.images.rglob("*.jpg"))[images // 2], home / "copy.jpg")
        env = os.environ | {"CAMPAIGN_RUNNER_STATE_DIR": str(home / "state")}
        for what in ("the first time, with an index to make", "again", "again"):
            began, cpu = time.monotonic(), _cpu_of_children()
            command = [sys.executable, "-m", "campaign_runner", "find", str(copy)]
            found = subprocess.run(command, cwd=home, env=env, capture_output=True, encoding="utf-8", check=True).stdout
            spent = f"{time.monotonic() - began:6.2f} s, {_cpu_of_children() - cpu:6.2f} s of a processor"
            print(f"{spent}  {what}: {found.splitlines()[0]}")  # noqa: T201


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    measure(int(sys.argv[1]))
