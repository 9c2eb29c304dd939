"""How the help of a command ends: one example, and the exit statuses that the command can have."""

from __future__ import annotations

from collections.abc import Iterable

STATUSES = {
    0: "done",
    1: "a bug",
    2: "wrong arguments or file",
    3: "some failed",
    4: "some in doubt",
    5: "differs from the record",
    6: "this machine",
    7: "credentials",
    8: "run again later",
    9: "stopped where you asked",
    11: "already running",
    129: "hung up",
    130: "Ctrl-C",
    143: "terminated",
}
"""The table of the README in a few words each."""
_ANY_COMMAND = (0, 1, 2, 6, 130)


def statuses(codes: Iterable[int] = tuple(STATUSES)) -> str:
    """`Exit status: 0 done, 1 a bug, …` for these codes; all of them by default."""
    return f"Exit status: {', '.join(f'{code} {STATUSES[code]}' for code in codes)}."


def ending(example: str, *further: int) -> str:
    """The last lines of a command's help; `further` are its exit statuses besides those that any command can have."""
    return f"\b\nExample: campaign-runner {example}\n\n{statuses(sorted({*_ANY_COMMAND, *further}))}"
