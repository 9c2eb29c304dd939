"""Who decodes pictures now: as many threads as there are, but never more pixels at once than one picture may have.

So all cores decode, and no number of pictures needs more memory than the largest one alone.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

MOST_PIXELS = 64_000_000
"""Of a picture, and of all that are decoded at once."""


class PixelRoom:
    """Room for so many pixels. First come, first served, so that a large picture is not passed over for ever."""

    def __init__(self, most: int = MOST_PIXELS) -> None:
        self._most = most
        self._turn = threading.Lock()
        self._left = threading.Condition()
        self._held: dict[int, list[int]] = {}  # by thread, of each picture it has open

    @contextmanager
    def taken(self, pixels: int) -> Iterator[None]:
        """Wait for room. A thread that has a picture open is let in at once: who waits for itself waits for ever."""
        thread = threading.get_ident()
        if thread in self._held:
            self._enter(thread, pixels)
        else:
            with self._turn, self._left:
                self._left.wait_for(lambda: not self._held or self._sum() + pixels <= self._most)
                self._enter(thread, pixels)
        try:
            yield
        finally:
            self._leave(thread, pixels)

    def _sum(self) -> int:
        return sum(map(sum, self._held.values()))

    def _enter(self, thread: int, pixels: int) -> None:
        with self._left:
            self._held.setdefault(thread, []).append(pixels)

    def _leave(self, thread: int, pixels: int) -> None:
        with self._left:
            self._held[thread].remove(pixels)
            if not self._held[thread]:
                del self._held[thread]
            self._left.notify_all()


class SharedQuiet:
    """While anyone is inside, no warning is told.

    Python's filters belong to the whole process: the first changes them, the last puts them back.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._inside = 0
        self._filters = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._turn:
            if not self._inside:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.simplefilter("ignore")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._turn:
            self._inside -= 1
            if not self._inside:
                self._filters.__exit__(None, None, None)


ROOM, QUIET = PixelRoom(), SharedQuiet()
