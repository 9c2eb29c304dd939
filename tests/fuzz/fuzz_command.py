"""The command `python -m tests.fuzz`: so many inputs, spread over the targets by their shares, on all processors."""

from __future__ import annotations

import resource
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from tests.fuzz.targets import TARGETS

MOST_BYTES = 2 << 30
"""Of address space a process of the command may use, libraries included; what grows without bound fails."""
_CHUNK = 500
_MEMORY = Path("/dev/shm")


def share_of(name: str, inputs: int) -> range:
    """The numbers of a target's inputs where there are so many for all targets."""
    return range(max(1, inputs * TARGETS[name].share // 1000))


def fuzz(name: str, numbers: range) -> Counter[str]:
    """What became of these inputs of a target. Raises for the first that breaks a promise."""
    with TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None, prefix="fuzz-") as folder:
        return TARGETS[name].fuzz(numbers, Path(folder))


@click.command(help=__doc__)
@click.option("--inputs", default=50_000, show_default=True, help="How many, over all targets.")
@click.option("--only", type=click.Choice(sorted(TARGETS)), help="One target alone, with all of the inputs.")
@click.option("--input", "number", type=int, help="With --only: show the input of this number and hold it again.")
def main(inputs: int, only: str | None, number: int | None) -> None:
    """Fuzz, and print what became of the inputs; fails for the first that broke a promise."""
    if only is not None and number is not None:
        click.echo(repr(TARGETS[only].input(number)))
        click.echo(", ".join(fuzz(only, range(number, number + 1))))
        return
    total = 0
    with (
        TemporaryDirectory(prefix="fuzz-") as home,
        ProcessPoolExecutor(initializer=_begin, initargs=(home,)) as processes,
    ):
        for name in [only] if only else TARGETS:
            chunks = list(_chunks(range(inputs) if only else share_of(name, inputs)))
            said = sum(processes.map(fuzz, [name] * len(chunks), chunks), Counter[str]())
            total += said.total()
            words = ", ".join(f"{word} {count:,}" for word, count in said.most_common())
            click.echo(f"{name}: {said.total():,} inputs: {words}")
    click.echo(f"{total:,} inputs, no promise broken")


def _begin(home: str) -> None:
    """A process of the pool: what it grows to is bounded, what it leaves is removed with `home`."""
    tempfile.tempdir = home
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))


def _chunks(numbers: range) -> Iterator[range]:
    for start in range(0, len(numbers), _CHUNK):
        yield numbers[start : start + _CHUNK]
