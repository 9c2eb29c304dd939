"""Many nights, also in several processes: counted together, and what is broken told by its seed."""

from __future__ import annotations

import logging
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from traceback import format_exception

import click

from tests.simulation.scripts import PLACES
from tests.simulation.simulation import simulate

STRETCH = 50
FACTS = ("accepted", "refused", "in_doubt")
NEVER_MISSING = {
    *(f"{kind} at {place}" for kind, place in PLACES),
    *(f"exit {code}" for code in (0, 3, 4, 6, 7, 8, 9, 11, 130)),
    *("killed at a step", "killed at the disk", "disk full", "database full", "name held"),
    *("neighbours at the same moment", "dates skewed", "file unreadable"),
    *("clock set forward", "clock set back", "ordered again", "asked again"),
    *("finally stored", "finally failed", "finally in_doubt"),
    *(f"submitting > {fact}" for fact in FACTS),
    *("accepted > stored", "accepted > failed", "accepted > set_aside", "in_doubt > resubmit"),
}
"""What a thousand nights must have seen, or they prove less than they say: every kind of fault at every place
where it can strike, every exit status of a run, every way of dying, every edge between two states."""


@dataclass
class Nights:
    """What was seen in some nights, and the seeds of those that broke a promise, each with how."""

    count: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    broken: dict[int, str] = field(default_factory=dict)

    def add(self, other: Nights) -> None:
        self.count += other.count
        self.seen += other.seen
        self.broken |= other.broken

    @property
    def missing(self) -> list[str]:
        """What should have happened and did not."""
        return sorted(NEVER_MISSING - set(self.seen))


def spend(seeds: Sequence[int]) -> Nights:
    """The nights of `seeds`, one after the other; one that fails does not keep the others from passing."""
    nights = Nights(len(seeds))
    for seed in seeds:
        try:
            nights.seen += simulate(seed).seen
        except Exception as error:  # noqa: BLE001  whatever it is, this seed shows it again
            nights.broken[seed] = "".join(format_exception(error)[-2:])
    return nights


def main() -> int:
    """The command; the answer is its exit status."""
    arguments = ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    arguments.add_argument("--seeds", type=int, default=1000, help="how many nights (1000)")
    arguments.add_argument("--from", type=int, default=0, dest="first", help="the first seed (0)")
    arguments.add_argument("--workers", type=int, default=2, help="processes (2)")
    given = arguments.parse_args()
    began, total = time.perf_counter(), Nights()
    for nights in _spent(range(given.first, given.first + given.seeds), given.workers):
        total.add(nights)
        for seed, how in nights.broken.items():
            click.echo(f"seed {seed} breaks a promise:\n{how}")
        rate = total.count / (time.perf_counter() - began)
        click.echo(f"{total.count:,} of {given.seeds:,} nights, {rate:.1f} a second, {len(total.broken)} broken")
    for what, times in sorted(total.seen.items()):
        click.echo(f"{times:10,}  {what}")
    if given.seeds >= 1000 and total.missing:
        click.echo(f"never seen: {', '.join(total.missing)}")
    return 1 if total.broken or (given.seeds >= 1000 and total.missing) else 0


def _spent(seeds: range, workers: int) -> Iterator[Nights]:
    stretches = [seeds[start : start + STRETCH] for start in range(0, len(seeds), STRETCH)]
    with ProcessPoolExecutor(workers, initializer=_be_quiet, max_tasks_per_child=40) as pool:
        yield from pool.map(spend, stretches)


def _be_quiet() -> None:
    logging.disable()
