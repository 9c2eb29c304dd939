"""One call of the program: the words that were typed, and what is to be done once its output is out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import click


@dataclass(slots=True)
class Invocation:
    """`afterwards` is done once everything is printed, whatever the exit status, which it does not change."""

    typed: tuple[str, ...]
    afterwards: list[Callable[[], None]] = field(default_factory=list)


def invocation() -> Invocation:
    """The one that is under way."""
    found = click.get_current_context().find_object(Invocation)
    return found if found is not None else Invocation(())
