"""What a strict sandbox would have refused, reported once each to the person who runs a lenient one."""

from __future__ import annotations

from collections.abc import Callable

from campaign_runner.sandbox.refusals import Refusal

MOST = 1000
"""Lines that are remembered; what comes after them is not told."""


class Doubts:
    """`say` hears a line for each new doubt. A strict sandbox refuses instead."""

    def __init__(self, say: Callable[[str], None], *, is_strict: bool) -> None:
        self._say = say
        self._is_strict = is_strict
        self._told: set[str] = set()

    def raised(self, sentence: str, refusal: Refusal) -> None:
        """Raises `refusal` if the sandbox is strict, otherwise tells what it would have been for."""
        if self._is_strict:
            raise refusal
        self.say(sentence)

    def say(self, sentence: str) -> None:
        """Tell what a strict sandbox would refuse."""
        self.tell(f"--strict would refuse: {sentence}")

    def tell(self, line: str) -> None:
        """Tell a line, unless it was told before."""
        line = "".join(letter if letter.isprintable() else "�" for letter in line)[:500]
        if line not in self._told and len(self._told) < MOST:
            self._told.add(line)
            self._say(line)
