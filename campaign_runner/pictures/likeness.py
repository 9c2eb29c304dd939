"""Which images look alike: a difference hash of 64 bits each, which a smaller or re-encoded copy nearly shares.

The hashes are kept in the state folder by the digest of the image's bytes. Those never
change, so the index is only ever added to, and nothing in it is ever wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection

from PIL import Image

from campaign_runner.disk import files, sqlite
from campaign_runner.pictures.inspection import BROKEN, opened
from campaign_runner.ports import Content
from campaign_runner.tasks import in_thread

NEAR = 10
"""Of 64 bits: what differs in more is another picture."""
_COLUMNS, _ROWS = 9, 8
_DECODED = 8 * _COLUMNS, 8 * _ROWS
_TABLE = "CREATE TABLE IF NOT EXISTS likeness (sha256 TEXT PRIMARY KEY, bits INTEGER NOT NULL) WITHOUT ROWID"
_SIGN = 1 << 63


def difference_hash(file: Content) -> int | None:
    """64 bits, one for each pair of neighbours in a picture of 9x8 greys: is the left one lighter? None if unreadable.

    (The idea is Neal Krawetz's.) A JPEG is decoded at an eighth of its size, which is all that is needed.
    """
    try:
        with opened(file) as picture:
            picture.draft("L", _DECODED)
            small = picture.convert("L").resize((_COLUMNS, _ROWS), Image.Resampling.BOX)
    except BROKEN:
        return None
    greys = small.tobytes()
    bits = 0
    for at in range(_COLUMNS * _ROWS):
        if at % _COLUMNS:
            bits = bits << 1 | (greys[at - 1] > greys[at])
    return bits


def as_signed(bits: int) -> int:
    """A difference hash as databases keep it, whose whole numbers have a sign. Two of them differ in the same bits."""
    return bits - _SIGN


@dataclass(frozen=True, slots=True)
class Likeness:
    """The index in the state folder `folder`, which is made if missing. Methods raise StoreError, IntegrityError."""

    folder: Path

    async def unknown(self, digests: Collection[str]) -> list[str]:
        """Those of `digests` that are not in it."""
        return await in_thread(self._unknown, digests)

    async def add(self, hashes: Mapping[str, int]) -> None:
        """Take in difference hashes, by the digest of the image's bytes."""
        await in_thread(self._add, hashes)

    async def nearest(self, bits: int, among: Collection[str]) -> list[tuple[int, str]]:
        """Those images `among` digests that look like `bits`: how many bits differ, and the digest; nearest first."""
        return await in_thread(self._nearest, bits, among)

    def _unknown(self, digests: Iterable[str]) -> list[str]:
        with self._open() as db:
            known = {sha256 for (sha256,) in db.execute("SELECT sha256 FROM likeness")}
        return [sha256 for sha256 in digests if sha256 not in known]

    def _add(self, hashes: Mapping[str, int]) -> None:
        with self._open() as db:
            db.execute("BEGIN")
            rows = [(sha256, as_signed(bits)) for sha256, bits in hashes.items()]
            db.executemany("INSERT OR IGNORE INTO likeness VALUES (?, ?)", rows)
            db.execute("COMMIT")

    def _nearest(self, bits: int, among: Iterable[str]) -> list[tuple[int, str]]:
        wanted = set(among)
        with self._open() as db:
            rows = db.execute("SELECT sha256, bits FROM likeness").fetchall()
        found = [((bits ^ (known + _SIGN)).bit_count(), sha256) for sha256, known in rows if sha256 in wanted]
        return sorted(each for each in found if each[0] <= NEAR)

    @contextmanager
    def _open(self) -> Iterator[Connection]:
        files.make_folder(self.folder, mode=0o700)
        path = self.folder / "likeness.sqlite"
        with sqlite.small(path, _TABLE) as db:
            yield db
