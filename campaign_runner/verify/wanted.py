"""The files that a record knows: any number of them, on the disk and not in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from threading import Lock
from typing import Any

from campaign_runner.disk import sqlite
from campaign_runner.model import Size
from campaign_runner.portions import batched
from campaign_runner.verify.damage import Expected

_AT_ONCE = 500
_TABLE = """CREATE TABLE wanted (file TEXT PRIMARY KEY, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, key TEXT,
    width INTEGER, height INTEGER) WITHOUT ROWID"""


class WantedFiles(Collection[str]):
    """A collection of names; what is expected of them comes in their order. `close` lets go of it."""

    def __init__(self) -> None:
        self._scratch: AbstractContextManager[sqlite3.Connection] = sqlite.scratch(_TABLE)
        self._aside = self._scratch.__enter__()
        self._turn = Lock()
        self._is_sorted = False

    def close(self) -> None:
        """Nothing is left of it."""
        self._scratch.__exit__(None, None, None)

    def add(self, files: Iterable[Expected], *, is_further: bool = False) -> None:
        """Expect these; of a name that is known already this counts, unless it `is_further`."""
        word = "IGNORE" if is_further else "REPLACE"
        for some in batched(files, _AT_ONCE):
            self._aside.executemany(f"INSERT OR {word} INTO wanted VALUES (?, ?, ?, ?, ?, ?)", map(_row, some))

    def clear(self) -> None:
        """Expect nothing."""
        self._aside.execute("DELETE FROM wanted")

    def __contains__(self, name: object) -> bool:
        return self._one("SELECT 1 FROM wanted WHERE file = ?", name) is not None

    def __len__(self) -> int:
        return int(self._one("SELECT count(*) FROM wanted")[0])

    def __iter__(self) -> Iterator[str]:
        return (each.file for each in self.expected())

    @property
    def bytes(self) -> int:
        """All of them together."""
        return int(self._one("SELECT coalesce(sum(bytes), 0) FROM wanted")[0])

    def expected(self) -> Iterator[Expected]:
        """What is expected, by the order of the names."""
        last = ""
        while rows := self._all("SELECT * FROM wanted WHERE file > ? ORDER BY file LIMIT ?", last, _AT_ONCE):
            for last, sha256, length, key, width, height in rows:
                yield Expected(last, sha256, length, key, None if width is None else Size(width, height))

    def with_digest(self, sha256: str) -> str | None:
        """A file that should have these bytes."""
        if not self._is_sorted:
            self._is_sorted = True
            self._one("CREATE INDEX wanted_by_digest ON wanted (sha256)")
        found = self._one("SELECT max(file) FROM wanted WHERE sha256 = ?", sha256)[0]
        return None if found is None else str(found)

    def _one(self, query: str, *values: object) -> Any:
        return next(iter(self._all(query, *values)), None)

    def _all(self, query: str, *values: object) -> list[Any]:
        with self._turn:
            return self._aside.execute(query, values).fetchall()


class ByDigest(Mapping[str, str]):
    """The names of files by the SHA-256 of what they should hold."""

    def __init__(self, wanted: WantedFiles) -> None:
        self._wanted = wanted

    def __getitem__(self, sha256: str) -> str:
        found = self._wanted.with_digest(sha256)
        if found is None:
            raise KeyError(sha256)
        return found

    def __iter__(self) -> Iterator[str]:
        return (each.sha256 for each in self._wanted.expected())

    def __len__(self) -> int:
        return len(self._wanted)


def _row(each: Expected) -> tuple[object, ...]:
    size = (None, None) if each.size is None else (each.size.width, each.size.height)
    return each.file, each.sha256, each.bytes, each.key, *size
