"""Inputs by the thousand, each made from its number alone, each held against what is promised of any input.

A target makes an input from a random generator that is seeded with the target's name and the
input's number, so that a number replays exactly, on any machine and in any order. Holding it raises
whatever breaks the promise; the answer is one word for what became of it, counted so that a target
which only ever sees one outcome fails. An input may take two seconds of processor time.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

MOST_SECONDS = 2.0
"""Of processor time an input may take, however busy the machine is."""


class TooSlow(AssertionError):
    """An input that keeps the program busy."""


@dataclass(frozen=True, slots=True)
class Target:
    """Something that takes foreign input. `make` draws one; `hold` says what became of it, in a folder of its own.

    `share` is how many of 1,000 inputs are its; `outcomes` are the words that must have been said at least once.
    """

    name: str
    share: int
    make: Callable[[Random], Any]
    hold: Callable[[Any, Path], str]
    outcomes: frozenset[str]

    def input(self, number: int) -> Any:
        return self.make(Random(f"{self.name} {number}"))

    def fuzz(self, numbers: Iterable[int], folder: Path) -> Counter[str]:
        """What became of the inputs of these numbers. Raises for the first that breaks a promise, and says how."""
        said: Counter[str] = Counter()
        for number in numbers:
            try:
                with at_most(MOST_SECONDS):
                    said[self.hold(self.input(number), folder)] += 1
            except BaseException as error:
                error.add_note(f"replay: python -m tests.fuzz --only {self.name} --input {number}")
                raise
        return said


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raises TooSlow once the block took so many seconds of processor time. For the main thread only."""

    def stop(*_: object) -> None:
        raise TooSlow(f"busy for {seconds:g} seconds")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def spoiled(chance: Random, whole: bytes, pieces: Sequence[bytes], *, most: int = 4) -> bytes:
    """`whole` with up to `most` spots changed: a bit, a byte, a part cut out, doubled, moved, put in, an end."""
    content = bytearray(whole)
    for _ in range(chance.randint(1, most)):
        at = chance.randrange(len(content) + 1)
        end = min(len(content), at + chance.choice((1, 2, 5, 30, 300)))
        match chance.randrange(8):
            case 0 if at < len(content):
                content[at] ^= 1 << chance.randrange(8)
            case 1 if at < len(content):
                content[at] = chance.randrange(256)
            case 2:
                del content[at:end]
            case 3:
                content[at:at] = content[at:end]
            case 4:
                part = content[at:end]
                del content[at:end]
                to = chance.randrange(len(content) + 1)
                content[to:to] = part
            case 5 if chance.random() < 0.2:
                del content[at:]
            case _:
                content[at:at] = chance.choice(pieces)
    return bytes(content)
