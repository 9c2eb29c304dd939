"""SHA-256 digests, each once, numbered in the order in which they were met; 40 to 48 bytes of memory each."""

from __future__ import annotations

from array import array

BYTES = 32
"""Of a digest."""
_FEWEST = 1 << 10
_FREE = -1


class Digests:
    """`number_of` gives a digest its number, `find` tells it; by that it can be read again."""

    def __init__(self) -> None:
        self._all = bytearray()
        self._places = array("i", [_FREE]) * _FEWEST  # numbers, found by the first bytes of their digest

    def __len__(self) -> int:
        return len(self._all) // BYTES

    def __getitem__(self, number: int) -> bytes:
        return bytes(self._all[number * BYTES : (number + 1) * BYTES])

    def number_of(self, digest: bytes) -> int:
        """The number of a digest: the next one, if it was not met before."""
        place = self._place(digest)
        known = self._places[place]
        if known != _FREE:
            return known
        number = len(self)
        self._places[place] = number
        self._all += digest
        if 2 * len(self) > len(self._places):
            self._grow()
        return number

    def find(self, digest: bytes) -> int | None:
        """The number of a digest; None if it was not met before."""
        known = self._places[self._place(digest)]
        return None if known == _FREE else known

    def _place(self, digest: bytes) -> int:
        """Where its number is, or belongs: of places that are taken, the next one."""
        places, known = self._places, self._all
        last = len(places) - 1
        place = int.from_bytes(digest[:8], "big") & last
        while (number := places[place]) != _FREE and not known.startswith(digest, number * BYTES):
            place = (place + 1) & last
        return place

    def _grow(self) -> None:
        self._places = array("i", [_FREE]) * (2 * len(self._places))
        for number in range(len(self)):
            self._places[self._place(self[number])] = number
