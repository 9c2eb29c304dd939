"""What a command that was run as a process answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

SECRET = "canary-secret-51c7e2"


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    status: int
    out: str
    err: str


Command = Callable[..., Awaitable[Said]]
