"""Much work in portions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """`items` in lists of `size`, the last one shorter; each is read only when it is asked for."""
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch
