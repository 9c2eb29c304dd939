"""How time and memory grow with a campaign: the exponent of each thing that is done with it.

An exponent of 1 is ten times the time for ten times the images; 0 is the same time.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.fast_server import fast_server
from tests.benchmarks.folders import Many, make
from tests.benchmarks.jobs import SMALL
from tests.benchmarks.processes import spent
from tests.benchmarks.rows import Row

SIZES = (1_000, 10_000, 100_000)
LARGEST = 1_000_000
LEFT = 1_000
"""Images of the largest campaign that are not stored; of the others a tenth is not."""
EVERYTHING = ("plan", "first request", "idle run", "status", "verify", "manifest", "sheet", "review page")
FLAT = ("plan", "verify")
"""What must not take more memory for a campaign ten times as large."""
Figures = dict[str, float]


def growth(rounds: int) -> Iterator[Row]:
    """Processor time and memory of what is done with 1,000, 10,000 and 100,000 images."""
    taken: dict[str, dict[int, Figures]] = {}
    with TemporaryDirectory(prefix="benchmark-") as place, fast_server(SMALL) as address:
        for size in SIZES:
            home = Path(place) / str(size)
            many = make(home, size, size - size // 10, origin=address)
            for what in EVERYTHING:
                taken.setdefault(what, {})[size] = _least(rounds, many, home, what, address)
            shutil.rmtree(home)
    for what, of in taken.items():
        yield _row(what, of, "cpu", 1.1)
        yield _row(what, of, "memory", None)
    for what in FLAT:
        ratio = taken[what][SIZES[-1]]["memory"] / taken[what][SIZES[-2]]["memory"]
        yield Row("growth", f"{what}: memory of 100,000 ÷ 10,000 images", [ratio], 1.1)


def opening(rounds: int) -> Iterator[Row]:
    """A campaign of a million images, of which 999,000 are stored: until its first request leaves."""
    with TemporaryDirectory(prefix="benchmark-") as place, fast_server(SMALL) as address:
        home = Path(place) / "campaign"
        many = make(home, LARGEST, LARGEST - LEFT, origin=address, has_files=False)
        first = _stage(many, home, "first request", address)
        yield Row("opening", "a million images, first opening: s of processor", [first["cpu"]], note=_clock(first))
        again = [_stage(many, home, "first request", address) for _ in range(rounds)]
        seconds, memory = [each["clock"] for each in again], [each["memory"] / 1e6 for each in again]
        yield Row("opening", "the same, opened again: s on the clock until the first request", seconds, 10)
        yield Row("opening", "the same, opened again: s of processor", [each["cpu"] for each in again])
        yield Row("opening", "the same, opened again: MB of memory", memory, 150)
        plan = _stage(many, home, "plan", address)
        yield Row("opening", "plan of the same: s of processor", [plan["cpu"]], note=f"{plan['memory'] / 1e6:.0f} MB")


def _least(rounds: int, many: Many, home: Path, what: str, address: str) -> Figures:
    """The round that took least: what else the machine does only adds."""
    return min((_stage(many, home, what, address) for _ in range(rounds)), key=lambda each: each["cpu"])


def _stage(many: Many, home: Path, what: str, address: str) -> Figures:
    words = {
        "plan": ["plan", str(many.file)],
        "status": ["status", str(many.file)],
        "verify": ["verify", str(many.folder.path)],
        "review page": ["review", "--page", str(many.file)],
    }
    arguments = words.get(what, [what, str(home), address])
    variables = {"CAMPAIGN_RUNNER_STATE_DIR": str(home / "state")}
    run = spent(["-W", "ignore", "-m", "tests.benchmarks.stages", *arguments], variables=variables)
    told: Figures = json.loads(run.output.rpartition("\n")[2])
    return told | {"cpu": told["cpu"] if what == "first request" else run.cpu}


def _row(what: str, of: dict[int, Figures], kind: str, bar: float | None) -> Row:
    """The exponent between the two largest: the start of a process weighs least there."""
    few, many = (of[size][kind] for size in SIZES[-2:])
    shown = {"cpu": "{:.2f} s", "memory": "{:.0f} MB"}[kind]
    unit = {"cpu": 1.0, "memory": 1e6}[kind]
    name = {"cpu": "processor time", "memory": "memory"}[kind]
    note = ", ".join(shown.format(of[size][kind] / unit) for size in SIZES)
    return Row("growth", f"{what}: {name}, exponent", [math.log10(many / few)], bar, note=note)


def _clock(figures: Figures) -> str:
    return f"{figures['clock']:.1f} s on the clock, {figures['memory'] / 1e6:.0f} MB, load {os.getloadavg()[0]:.0f}"
