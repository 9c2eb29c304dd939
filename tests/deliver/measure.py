"""How long a delivery takes, beside the same Pillow operations in two bare processes.

`python -m tests.deliver.measure 300` stores 300 rows of two images, picks one of each, cuts them to nine channels
without the program (two processes, half of the originals each, nothing but Pillow and a file), then delivers them with
it; then delivers again, and once more after one pick was changed.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from campaign_runner.campaign_file.loader import load
from campaign_runner.channels.channel import Channel
from campaign_runner.channels.crops import crop_at
from campaign_runner.channels.table import known_channels
from campaign_runner.deliver.cuts.xmp import Description, packet
from campaign_runner.model import Size
from campaign_runner.pictures.colours import srgb
from campaign_runner.plan.plan import Plan, Planned
from tests.deliver.stored import jpeg, store

CHANNELS = (
    *("instagram-feed", "instagram-square", "facebook-link", "linkedin-ad", "x-ad", "youtube-thumbnail"),
    *("google-landscape", "display-billboard", "display-rectangle"),
)
CAMPAIGN = """\
campaign: season
model: image4_standard
products: {{{products}}}
prompts: {{hero: "{{product.name}} on an oak table"}}
sizes: [wide]
seeds: [1, 2]
channels: [{channels}]
deliver: {{folders: [channel], alt: "{{product.name}} on an oak table"}}
"""
CHANGED = "product-0"
"""The product whose other image is picked later."""
PROCESSES = 2


@dataclass(frozen=True)
class Spent:
    """Seconds on the clock, and of all processors together."""

    clock: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.clock:7.1f} s, {self.cpu:7.1f} s of processors"


def base() -> Image.Image:
    """A picture with detail everywhere, as a photo has."""
    soft = Image.effect_noise((84, 48), 70).resize((2688, 1536), Image.Resampling.BICUBIC)
    grain = Image.effect_noise((2688, 1536), 12)
    return Image.merge("RGB", (soft, Image.blend(soft, grain, 0.3), soft.rotate(180)))


def draw(picture: Image.Image, planned: Planned) -> bytes:
    """The picture with a corner of its own; one that is never picked is as large, and plain."""
    colour = tuple(bytes.fromhex(planned.variation.key[:6]))
    if planned.variation.seed != 1 and planned.variation.cell.product != CHANGED:
        return jpeg(Image.new("RGB", picture.size, colour))
    own = picture.copy()
    own.paste(colour, (0, 0, 64, 64))
    return jpeg(own)


def bare(originals: Sequence[Path], place: Path) -> None:
    """Nothing but Pillow: open, cut, save as light as the channel wants, write."""
    xmp = packet(Description("almond candle on an oak table"))
    for original in originals:
        with Image.open(original) as source:
            picture = source.convert("RGB")
        for id in CHANNELS:
            channel = known_channels()[id]
            small = picture.resize(
                (channel.size.width, channel.size.height),
                Image.Resampling.LANCZOS,
                box=crop_at(Size(*picture.size), channel).box(Size(*picture.size)),
                reducing_gap=3.0,
            )
            (place / f"{original.stem}-{id}.jpg").write_bytes(saved(small, channel, xmp))


def saved(picture: Image.Image, channel: Channel, xmp: bytes) -> bytes:
    """A JPEG that is not too heavy: by halves between the best and the lowest quality."""
    steps = [60, *range(64, 93, 4)]
    content = encoded(picture, steps.pop(), xmp)
    found = content
    while steps and len(content) > (channel.max_bytes or 0):
        middle = len(steps) // 2
        content = encoded(picture, steps[middle], xmp)
        steps = steps[:middle] if len(content) > (channel.max_bytes or 0) else steps[middle + 1 :]
        found = content
    return found


def encoded(picture: Image.Image, quality: int, xmp: bytes) -> bytes:
    file = BytesIO()
    sampling = "4:4:4" if quality >= 80 else "4:2:0"
    picture.save(file, "JPEG", quality=quality, subsampling=sampling, optimize=True, icc_profile=srgb(), xmp=xmp)
    return file.getvalue()


def in_bare_processes(originals: Sequence[Path], place: Path) -> None:
    place.mkdir()
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        halves = [originals[number::PROCESSES] for number in range(PROCESSES)]
        for done in [pool.submit(bare, half, place) for half in halves]:
            done.result()


def command(home: Path, *arguments: str) -> str:
    """What the program says."""
    env = os.environ | {"CAMPAIGN_RUNNER_STATE_DIR": str(home / "state"), "PYTHONPATH": str(Path(__file__).parents[2])}
    typed = [sys.executable, "-m", "campaign_runner", *arguments]
    done = subprocess.run(typed, cwd=home, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._clock, self._cpu = time.monotonic(), self._used()

    def spent(self) -> Spent:
        return Spent(time.monotonic() - self._clock, self._used() - self._cpu)

    def _used(self) -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime


def say(what: str, spent: Spent, more: str = "") -> None:
    tell(f"{what:44} {spent}  {more}")


def tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def measure(rows: int) -> None:
    with TemporaryDirectory(prefix="deliveries-") as place:
        home = Path(place)
        products = ", ".join(f"product-{number}: almond candle {number}" for number in range(rows))
        picture = base()
        campaign = CAMPAIGN.format(products=products, channels=", ".join(CHANNELS))
        folder = store(home, campaign, lambda planned: draw(picture, planned), name="season")
        planned = list(Plan(load(home / "campaigns" / "season.yaml")))
        picked = [each.variation for each in planned if each.variation.seed == 1]
        originals = [folder.path / f"{each.stem}.jpg" for each in picked]
        keys = [each.key for each in picked]
        command(home, "review", "season", "--pick", *keys, "--as", "anna", "--yes")
        watch = Stopwatch()
        in_bare_processes(originals, home / "bare")
        alone = watch.spent()
        files = rows * len(CHANNELS)
        say(
            f"{files:,} files by Pillow in {PROCESSES} bare processes",
            alone,
            f"{files / alone.clock:.1f} files a second",
        )
        watch = Stopwatch()
        told = command(home, "deliver", "season")
        ours = watch.spent()
        say("the same by deliver", ours, f"{files / ours.clock:.1f} files a second; {told}")
        ratio, by_cpu = alone.clock / ours.clock, alone.cpu / ours.cpu
        tell(f"throughput: {ratio:.2f} of the bare one by the clock, {by_cpu:.2f} by processors")
        watch = Stopwatch()
        told = command(home, "deliver", "season")
        say("again", watch.spent(), told)
        other = next(
            each.variation.key for each in planned if (each.variation.cell.product, each.variation.seed) == (CHANGED, 2)
        )
        command(home, "review", "season", "--pick", other, "--as", "anna", "--yes")
        watch = Stopwatch()
        told = command(home, "deliver", "season")
        say("after one changed pick", watch.spent(), told)


if __name__ == "__main__":
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
