"""How time and memory grow with a campaign: the exponent of each thing that is done with it.

An exponent of 1 is ten times the time for ten times the images; 0 is the same time.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from campaign_runner.journal.tables import FILE
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
BEYOND = ("plan", "first request")
"""What is measured with the largest, too."""
FLAT = ("plan", "status", "verify")
"""What must not take more memory for a campaign ten times as large."""
_FIRST = "first request"
Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Opened:
    """Until the first request left: of a campaign that this machine opens for the first time, and of one it knows."""

    first: Figures
    again: list[Figures]


@dataclass(frozen=True, slots=True)
class Largest:
    """A campaign of a million images, of which 999,000 are stored."""

    opened: Opened
    plan: Figures

    def of(self, what: str) -> Figures:
        return self.plan if what == "plan" else _least(self.opened.again)


def growth(rounds: int) -> Iterator[Row]:
    """Processor time and memory of what is done with 1,000, 10,000, 100,000 and, of some of it, a million images."""
    taken: dict[str, dict[int, Figures]] = {}
    with TemporaryDirectory(prefix="benchmark-") as place, fast_server(SMALL) as address:
        for size in SIZES:
            home = Path(place) / str(size)
            many = make(home, size, size - size // 10, origin=address)
            for what in EVERYTHING:
                taken.setdefault(what, {})[size] = _least(_figures(rounds, many, home, what, address))
            shutil.rmtree(home)
    for what, of in taken.items():
        yield _row(what, of, "cpu", SIZES, 1.1)
        yield _row(what, of, "memory", SIZES, None)
    for what in FLAT:
        ratio = taken[what][SIZES[-1]]["memory"] / taken[what][SIZES[-2]]["memory"]
        yield Row("growth", f"{what}: memory of 100,000 ÷ 10,000 images", [ratio], 1.1)
    largest = _largest(rounds)
    for what in BEYOND:
        of = {SIZES[-1]: taken[what][SIZES[-1]], LARGEST: largest.of(what)}
        yield _row(f"{what}, to a million", of, "cpu", (SIZES[-1], LARGEST), 1.1)
        yield _row(f"{what}, to a million", of, "memory", (SIZES[-1], LARGEST), None)


def opening(rounds: int) -> Iterator[Row]:
    """A campaign of a million images, of which 999,000 are stored: until its first request leaves."""
    largest = _largest(rounds)
    first, again, plan = largest.opened.first, largest.opened.again, largest.plan
    yield Row("opening", "a million images, first opening: s of processor", [first["cpu"]], note=_clock(first))
    seconds, memory = [each["clock"] for each in again], [each["memory"] / 1e6 for each in again]
    yield Row("opening", "the same, opened again: s on the clock until the first request", seconds, 10)
    yield Row("opening", "the same, opened again: s of processor", [each["cpu"] for each in again])
    yield Row("opening", "the same, opened again: MB of memory", memory, 150)
    yield Row("opening", "plan of the same: s of processor", [plan["cpu"]], note=f"{plan['memory'] / 1e6:.0f} MB")


@cache
def _largest(rounds: int) -> Largest:
    """Measured once, whoever asks."""
    with TemporaryDirectory(prefix="benchmark-") as place, fast_server(SMALL) as address:
        home = Path(place) / "campaign"
        many = make(home, LARGEST, LARGEST - LEFT, origin=address, has_files=False)
        opened = _opened(rounds, many, home, address)
        return Largest(opened, _stage(many, home, "plan", address))


def _opened(rounds: int, many: Many, home: Path, address: str) -> Opened:
    """The first run goes to its end; those after it are killed as their first request leaves, and never happened."""
    first = _stage(many, home, _FIRST, address)
    again = []
    with _kept(many, home) as back:
        for _ in range(rounds):
            again.append(_stage(many, home, f"{_FIRST} alone", address))
            back()
    return Opened(first, again)


@contextmanager
def _kept(many: Many, home: Path) -> Iterator[Callable[[], None]]:
    """What is yielded puts the record and this machine's memory of it back."""
    journal, state, kept = many.folder.path / FILE, home / "state", home / "kept"
    shutil.copytree(state, kept)
    shutil.copyfile(journal, kept / FILE)

    def back() -> None:
        for file in journal.parent.glob(f"{FILE}*"):
            file.unlink()
        shutil.copyfile(kept / FILE, journal)
        shutil.rmtree(state)
        shutil.copytree(kept, state, ignore=shutil.ignore_patterns(FILE))

    yield back
    shutil.rmtree(kept)


def _figures(rounds: int, many: Many, home: Path, what: str, address: str) -> list[Figures]:
    if what == _FIRST:
        return _opened(rounds, many, home, address).again
    return [_stage(many, home, what, address) for _ in range(rounds)]


def _least(figures: Sequence[Figures]) -> Figures:
    """The round that took least: what else the machine does only adds."""
    return min(figures, key=lambda each: each["cpu"])


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
    return told | {"cpu": told["cpu"] if what.startswith(_FIRST) else run.cpu}


def _row(what: str, of: dict[int, Figures], kind: str, sizes: Sequence[int], bar: float | None) -> Row:
    """The exponent between the two largest: the start of a process weighs least there."""
    few, many = (of[size][kind] for size in sizes[-2:])
    shown = {"cpu": "{:.2f} s", "memory": "{:.0f} MB"}[kind]
    unit = {"cpu": 1.0, "memory": 1e6}[kind]
    name = {"cpu": "processor time", "memory": "memory"}[kind]
    note = ", ".join(shown.format(of[size][kind] / unit) for size in sizes)
    return Row("growth", f"{what}: {name}, exponent", [math.log10(many / few)], bar, note=note)


def _clock(figures: Figures) -> str:
    return f"{figures['clock']:.1f} s on the clock, {figures['memory'] / 1e6:.0f} MB, load {os.getloadavg()[0]:.0f}"
