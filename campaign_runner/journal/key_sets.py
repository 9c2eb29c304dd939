"""Keys by the million, compared on a disk and not in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from campaign_runner.disk import sqlite
from campaign_runner.portions import batched

_AT_ONCE = 500


def without(keys: Iterable[str], taken: Iterable[str]) -> Iterator[list[str]]:
    """Those of `keys` that are not among `taken`, in their order, a few hundred at a time.

    `taken` are read once, before the first of `keys` is.
    """
    with sqlite.scratch("CREATE TABLE taken (key TEXT PRIMARY KEY) WITHOUT ROWID") as aside:
        for some in batched(taken, _AT_ONCE):
            aside.executemany("INSERT OR IGNORE INTO taken VALUES (?)", ((key,) for key in some))
        for some in batched(keys, _AT_ONCE):
            marks = ",".join("?" * len(some))
            found = {key for (key,) in aside.execute(f"SELECT key FROM taken WHERE key IN ({marks})", some)}
            if left := [key for key in some if key not in found]:
                yield left
