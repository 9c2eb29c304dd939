"""What a command that was run as a process answers."""

from __future__ import annotations

from typing import Protocol

from tests.cli.typed import Said

SECRET = "canary-secret-51c7e2"


class Command(Protocol):
    """`await command("run", file, origin=…, VARIABLE="…")`: a process of the program."""

    async def __call__(self, *arguments: object, origin: str, umask: int = 0o022, **variables: str | None) -> Said: ...
