"""What a command that was run as a process answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

SECRET = "canary-secret-51c7e2"


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    status: int
    out: str
    err: str


class Command(Protocol):
    """`await command("run", file, origin=…, VARIABLE="…")`: a process of the program."""

    async def __call__(self, *arguments: object, origin: str, umask: int = 0o022, **variables: str | None) -> Said: ...
