"""What a typed command answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Said:
    """What a command answered: its exit status, its results, and what it said beside them."""

    status: int
    out: str
    err: str


Ask = Callable[..., Said]
