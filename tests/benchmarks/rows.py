"""What a benchmark says: a ratio a round, and the bar it is held against."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

_MEETS: dict[str, Callable[[float, float], bool]] = {"≤": operator.le, "≥": operator.ge}


@dataclass(frozen=True)
class Row:
    """A ratio measured round by round. `bar` is what its median is held against, `sign` how; None where nothing is.

    `note` says what was measured beside it, in absolute figures of this machine.
    """

    benchmark: str
    what: str
    ratios: Sequence[float]
    bar: float | None = None
    sign: str = "≤"
    note: str = ""

    @property
    def middle(self) -> float:
        return median(self.ratios)

    @property
    def is_reached(self) -> bool | None:
        return None if self.bar is None else _MEETS[self.sign](self.middle, self.bar)

    def __str__(self) -> str:
        held = (
            ""
            if self.bar is None
            else f"bar {self.sign} {self.bar:g}  {'reached' if self.is_reached else 'NOT REACHED'}"
        )
        spread = f"({min(self.ratios):.3g} to {max(self.ratios):.3g})"
        return f"{self.what:<64} {self.middle:8.3f} {spread:<18} {held:<26} {self.note}".rstrip()

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"median": self.middle, "is_reached": self.is_reached}


@dataclass
class Rounds:
    """Ratios gathered over interleaved rounds: A B A B, never all of one and then all of the other."""

    number: int
    taken: dict[str, list[float]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.number))

    def note(self, what: str, ratio: float) -> None:
        self.taken.setdefault(what, []).append(ratio)
