"""How long thumbnails take: `python -m tests.review.thumbnails.measure_thumbnails 500` makes pictures and measures."""

from __future__ import annotations

import asyncio
import hashlib
import resource
import sys
import time
from io import BytesIO
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from PIL import Image

from campaign_runner.output_folder.folder import Folder
from campaign_runner.review.thumbnails.workers import WantedThumbnail, make_thumbnails

SIDE, BLOBS = 2048, 64


def put(folder: Path, number: int) -> WantedThumbnail:
    """A picture of 2048x2048 pixels unlike all others."""
    blobs = Image.frombytes("RGB", (BLOBS, BLOBS), Random(number).randbytes(BLOBS * BLOBS * 3))
    encoded = BytesIO()
    blobs.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(encoded, "JPEG", quality=92)
    (folder / f"images/{number}.jpg").write_bytes(encoded.getvalue())
    return WantedThumbnail(f"images/{number}.jpg", hashlib.sha256(encoded.getvalue()).hexdigest())


def main(images: int) -> None:
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


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime + own.ru_utime + own.ru_stime


if __name__ == "__main__":
    main(int(sys.argv[1]))
