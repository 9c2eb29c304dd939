"""What was told of each campaign, in the state folder: a message is about what changed since the last one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from sqlite3 import Connection

from campaign_runner.disk import files, sqlite
from campaign_runner.disk.image_names import as_recorded
from campaign_runner.errors import IntegrityError
from campaign_runner.notify.judgement import Told

_TABLE = "CREATE TABLE IF NOT EXISTS told (file TEXT PRIMARY KEY, what TEXT NOT NULL)"


@dataclass(frozen=True, slots=True)
class Memory:
    """Lies in the state folder `folder`, which is made if missing. Raises StoreError, IntegrityError, UsageError."""

    folder: Path

    def of(self, file: Path) -> Told:
        """What was told of the campaign of `file`; nothing, where it never needed anyone."""
        if not self._path.exists():
            return Told()
        with self._open() as db:
            row = db.execute("SELECT what FROM told WHERE file = ?", (as_recorded(file),)).fetchone()
        try:
            return Told() if row is None else _read(row[0])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise IntegrityError(f"{self._path} is damaged; remove it: what was told is told once more") from None

    def keep(self, file: Path, told: Told) -> None:
        """Remember it, durably, in the place of what was remembered before."""
        with self._open() as db:
            text = json.dumps(asdict(told), default=str, ensure_ascii=False)
            db.execute("INSERT OR REPLACE INTO told VALUES (?, ?)", (as_recorded(file), text))

    @property
    def _path(self) -> Path:
        return self.folder / "told.sqlite"

    @contextmanager
    def _open(self) -> Iterator[Connection]:
        files.make_folder(self.folder, mode=0o700)
        with sqlite.small(self._path, _TABLE) as db:
            yield db


def _read(text: str) -> Told:
    what = json.loads(text)
    return Told(
        open={str(id): str(words) for id, words in what["open"].items()},
        at=None if what["at"] is None else date.fromisoformat(what["at"]),
        stored=int(what["stored"]),
        idle=tuple(map(date.fromisoformat, what["idle"])),
        starts=tuple(map(datetime.fromisoformat, what["starts"])),
    )
