"""What the matrix is made of: kinds of failure, and how each is proved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

from campaign_runner.sandbox.faults import Fault

if TYPE_CHECKING:
    from tests.night import Night

SEEDS = 2
"""Images of every job."""

Which = Literal["first", "middle", "last"]
Start = Literal["cold", "resumed"]
Cell = tuple[Which, Start]
CELLS: tuple[Cell, ...] = tuple(product(("first", "middle", "last"), ("cold", "resumed")))
BEGINNING: tuple[Cell, ...] = (("first", "cold"), ("first", "resumed"))
"""Of what strikes a run as it begins, and not one of its jobs."""
LATER: tuple[Cell, ...] = tuple(cell for cell in CELLS if cell != ("first", "cold"))
"""Of what the very first job cannot meet."""

Act = Callable[["Night"], None]


@dataclass(frozen=True)
class Play:
    """What goes wrong with one job, and what must come of it.

    `faults` count from the struck job: `nth=1` is the next time its place is reached, without a number it is
    every time from then on; `act` is whatever else happens then. The night after nothing goes wrong any more, and
    what is pending or accepted is stored; only what `stays` wrong with its job loses it, after a day.
    """

    name: str
    faults: tuple[Fault, ...] = ()
    leaves: Mapping[str, int] = field(default_factory=lambda: {"stored": SEEDS})
    """States of the struck job's two images after the run."""
    exit: int = 0
    why: str = ""
    """The code that says why they are not stored."""
    charged: int = 1
    """How often the struck job is charged in that run."""
    stops: bool = False
    """Whether the jobs behind it stay pending."""
    stays: bool = False
    cells: tuple[Cell, ...] = CELLS
    switches: Mapping[str, Any] = field(default_factory=dict)
    act: Act | None = None
    secret: str | None = None
    """Another client secret than the right one."""


@dataclass(frozen=True)
class Kind:
    """One kind of failure: played, or proved by other tests, or not to be met; exactly one of these."""

    id: str
    name: str
    plays: tuple[Play, ...] = ()
    tests: tuple[str, ...] = ()
    """`path::name` of tests elsewhere, from the folder of the tests."""
    ends: str = ""
    """How those end."""
    exit: str = ""
    apart: str = ""
    """Why it does not apply."""
