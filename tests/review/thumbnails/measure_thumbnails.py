"""How long thumbnails take, and whether a run waits for them: `python -m tests.review.thumbnails.measure_thumbnails`.

Prints the time for 500 images (or as many as are given), then, side by side, how long runs in the sandbox take to their
last `Stored` with and without the page. Nothing is held against a clock: machines differ.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import resource
import statistics
import subprocess
import sys
import time
from datetime import datetime
from io import BytesIO
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from PIL import Image

from campaign_runner.output_folder.folder import Folder
from campaign_runner.review.thumbnails.workers import WantedThumbnail, make_thumbnails

SIDE, BLOBS = 2048, 64
ROUNDS = 3
CAMPAIGN = """\
campaign: spring
model: image3
products: {mug: mug, soap: soap, tray: tray}
prompts: {hero: "a {product.name}", detail: "a {product.name} from near", table: "a {product.name} on a table"}
sizes: [1024x1024]
seeds: [11, 12, 13, 14]
"""
"""36 images in nine requests."""


def put(folder: Path, number: int) -> WantedThumbnail:
    """A picture of 2048x2048 pixels unlike all others."""
    blobs = Image.frombytes("RGB", (BLOBS, BLOBS), Random(number).randbytes(BLOBS * BLOBS * 3))
    encoded = BytesIO()
    blobs.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(encoded, "JPEG", quality=92)
    (folder / f"images/{number}.jpg").write_bytes(encoded.getvalue())
    return WantedThumbnail(f"images/{number}.jpg", hashlib.sha256(encoded.getvalue()).hexdigest())


def measure_thumbnails(images: int) -> None:
    """Print seconds by the clock and of the processors, and of the second time, when all is there."""
    with TemporaryDirectory() as name:
        folder = Folder(Path(name))
        (folder.path / "images").mkdir()
        wanted = [put(folder.path, number) for number in range(images)]
        for which in ("first", "again"):
            began, spent = time.monotonic(), _processor_seconds()
            flaws = asyncio.run(make_thumbnails(folder, wanted))
            seconds, processor = time.monotonic() - began, _processor_seconds() - spent
            sys.stdout.write(
                f"{which}: {images} images, {seconds:.1f} s, {processor:.1f} s of processors, {len(flaws)} flaws\n"
            )


def measure_runs() -> None:
    """Print how long the runs of a campaign take from their start to their last image, with the page and without."""
    taken: dict[str, list[float]] = {"with the page": [], "without": []}
    for _ in range(ROUNDS):
        for which, flags in (("with the page", []), ("without", ["--no-review"])):
            taken[which].append(_seconds_to_the_last_image(flags))
    for which, seconds in taken.items():
        sys.stdout.write(f"last Stored, {which}: {', '.join(f'{each:.2f}' for each in seconds)} s\n")
    ratio = statistics.median(taken["with the page"]) / statistics.median(taken["without"])
    sys.stdout.write(f"ratio of the medians: {ratio:.3f}\n")


def _seconds_to_the_last_image(flags: list[str]) -> float:
    with TemporaryDirectory() as name:
        file = Path(name) / "spring.yaml"
        file.write_text(CAMPAIGN, encoding="utf-8")
        command = [sys.executable, "-m", "campaign_runner", "run", "--sandbox", str(file), "--log-format", "json"]
        ran = subprocess.run([*command, *flags], cwd=name, capture_output=True, text=True, check=True)
    events = [json.loads(line) for line in ran.stderr.splitlines() if line.startswith("{")]
    times = {each["event"]: datetime.fromisoformat(each["at"]) for each in events}  # the last of each
    return (times["stored"] - times["started"]).total_seconds()


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime + own.ru_utime + own.ru_stime


if __name__ == "__main__":
    measure_thumbnails(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
    measure_runs()
