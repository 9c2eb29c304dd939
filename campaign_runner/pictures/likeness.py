"""Which images look alike: a difference hash of 64 bits each, which a smaller or re-encoded copy nearly shares.

The hashes are kept in the state folder by the digest of the image's bytes. Those never
change, so the index is only ever added to, and nothing in it is ever wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection

from PIL import Image

from campaign_runner.disk import files, sqlite
from campaign_runner.pictures.inspection import BROKEN, opened

NEAR = 10
"""Of 64 bits: what differs in more is another picture."""
_COLUMNS, _ROWS = 9, 8
_DECODED = 8 * _COLUMNS, 8 * _ROWS
_TABLE = "CREATE TABLE IF NOT EXISTS likeness (sha256 TEXT PRIMARY KEY, bits INTEGER NOT NULL) WITHOUT ROWID"
_COMMIT_EVERY = 500
_SIGN = 1 << 63  # SQLite's whole numbers have a sign, ours have none


def difference_hash(path: Path) -> int | None:
    """64 bits, one for each pair of neighbours in a picture of 9x8 greys: is the left one lighter? None if unreadable.

    (The idea is Neal Krawetz's.) A JPEG is decoded at an eighth of its size, which is all that is needed.
    """
    try:
        with path.open("rb") as file, opened(file) as picture:
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


@dataclass(frozen=True, slots=True)
class Likeness:
    """The index in the state folder `folder`, which is made if missing. Methods raise StoreError, IntegrityError."""

    folder: Path

    def learn(self, images: Mapping[str, Path]) -> Iterator[Path]:
        """Hash those of `images` (files by digest) that are not known yet; yields each file that was looked at."""
        with self._open() as db:
            known = {sha256 for (sha256,) in db.execute("SELECT sha256 FROM likeness")}
            learnt: list[tuple[str, int]] = []
            for sha256, path in images.items():
                if sha256 in known:
                    continue
                if (bits := difference_hash(path)) is not None:
                    learnt.append((sha256, bits - _SIGN))
                yield path
                if len(learnt) == _COMMIT_EVERY:
                    _add(db, learnt)
                    learnt.clear()
            _add(db, learnt)

    def nearest(self, bits: int, among: Iterable[str]) -> list[tuple[int, str]]:
        """Those images `among` digests that look like `bits`: how many bits differ, and the digest; nearest first."""
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


def _add(db: Connection, rows: list[tuple[str, int]]) -> None:
    db.execute("BEGIN")
    db.executemany("INSERT OR IGNORE INTO likeness VALUES (?, ?)", rows)
    db.execute("COMMIT")
