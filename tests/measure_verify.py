"""How fast `verify` is beside `sha256sum` of the same files: `python -m tests.measure_verify [IMAGES] [MIB]`.

Makes an output folder of so many images of so many MiB (1,000 of 1), with a real journal and manifest, and times both
as processes, one after the other, a few times. The files are warm for both. Prints the ratio of the best of each;
`start` is what of `verify` is the interpreter and its imports.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from PIL import Image

from campaign_runner.campaign_file.loader import load
from campaign_runner.events import Accepted, Attempt, Stored
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.journal.ledger import Ledger
from campaign_runner.model import Ticket
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.manifest_writer import Sources, write_manifest
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan

ROUNDS = 5
CAMPAIGN = """\
campaign: measured
model: image3
products: [mug]
prompts: {{hero: "{{product.name}} on a table"}}
sizes: [1024x1024]
seeds: "1..{images}"
"""


def picture(size: int, seed: int) -> bytes:
    """A JPEG of `size` bytes, filled up with a seed's own noise behind its end."""
    buffer = io.BytesIO()
    Image.new("RGB", (1024, 1024), (seed % 256, 80, 120)).save(buffer, "JPEG")
    noise = hashlib.shake_128(b"%d" % seed).digest(size - buffer.tell())
    return buffer.getvalue() + noise


async def stored(home: Path, images: int, size: int) -> Folder:
    """An output folder as a run of so many images would leave it."""
    file = home / "measured.yaml"
    file.write_text(CAMPAIGN.format(images=images), encoding="utf-8")
    plan, folder = Plan(load(file)), Folder(home / "output" / "measured")
    (folder.images / "mug").mkdir(parents=True)
    async with SqliteJournal(folder.path) as journal:
        await journal.note({"campaign": "measured", "origin": "http://127.0.0.1:1", "file": "../../measured.yaml"})
        for number, job in enumerate(PlanStatus(plan).jobs()):
            attempt = Attempt(f"{number:032}", job)
            await journal.intend([attempt])
            facts: list[Accepted | Stored] = [Accepted(attempt, Ticket(f"job-{number}"))]
            for variation in job.variations:
                content, name = picture(size, variation.seed), f"{variation.stem}.jpg"
                (folder.path / name).write_bytes(content)
                digest = hashlib.sha256(content).hexdigest()
                facts.append(Stored(attempt, variation, name, digest, len(content), "image/jpeg"))
            await journal.record(facts)
    with Ledger(folder.path) as ledger:
        write_manifest(folder.manifest, Sources(plan, ledger, datetime.now(UTC)), staging=folder.staging)
    return folder


def seconds(command: list[str]) -> float:
    """How long a process takes from its start to its end; it must succeed."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main(images: int = 1000, mib: int = 1) -> None:
    with TemporaryDirectory(prefix="campaign_runner-measured-") as home:
        folder = asyncio.run(stored(Path(home), images, mib << 20))
        files = sorted(map(str, folder.images.rglob("*.jpg")))
        verify = [sys.executable, "-m", "campaign_runner", "verify", str(folder.path)]
        listed = Path(home) / "files"
        listed.write_text("\0".join(files), encoding="utf-8")
        sums = ["xargs", "-0", "-a", str(listed), "sha256sum"]
        idle = [sys.executable, "-m", "campaign_runner", "verify", "--help"]
        seconds(sums)
        pairs = [(seconds(verify), seconds(sums), seconds(idle)) for _ in range(ROUNDS)]
    for ours, theirs, nothing in pairs:
        click.echo(
            f"verify {ours:.2f} s   sha256sum {theirs:.2f} s   ratio {ours / theirs:.2f}   start {nothing:.2f} s"
        )
    best, plain, _ = (min(column) for column in zip(*pairs, strict=True))
    click.echo(f"best of {ROUNDS}, {images:,} images of {mib} MiB, {os.cpu_count()} processors: {best / plain:.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
