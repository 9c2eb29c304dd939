"""What the state folder remembers of each campaign file: where it last ran, and how many images were bought there.

So that neither a moved or deleted output folder nor a journal that is put back from a backup silently buys again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection

from campaign_runner import files, sqlite
from campaign_runner.errors import IntegrityError, UsageError
from campaign_runner.files import recordable
from campaign_runner.spec.problems import counted

# In a table of its own: earlier versions write three columns into `ran`.
_PROVED = "CREATE TABLE IF NOT EXISTS proved (file TEXT PRIMARY KEY, folder TEXT NOT NULL, bought INTEGER NOT NULL)"
_TABLE = "CREATE TABLE IF NOT EXISTS ran (file TEXT PRIMARY KEY, folder TEXT NOT NULL, bought INTEGER NOT NULL)"


@dataclass(frozen=True, slots=True)
class Memory:
    """Lies in the state folder `folder`, which is made if missing. Methods raise StoreError, IntegrityError.

    Those that are given paths raise UsageError for one that is not UTF-8.
    """

    folder: Path

    def remember(self, file: Path, output: Path, proved: int, coming: int = 0) -> None:
        """Note that `file` runs into `output`, whose journal has `proved` images bought; `coming` may follow now."""
        place = recordable(file.resolve()), recordable(output.resolve())
        with self._open() as db:
            for table, bought in (("proved", proved), ("ran", proved + coming)):
                known = "ON CONFLICT (file) DO UPDATE SET folder = ?2, bought = ?3"
                db.execute(f"INSERT INTO {table} VALUES (?1, ?2, ?3) {known}", (*place, bought))

    def refuse_older(self, file: Path, output: Path, bought: int) -> None:
        """The journal in `output` has `bought` images bought: refuse to buy again what a newer one had.

        What was only about to be bought when a run died is not counted. Raises IntegrityError.
        """
        place = recordable(file.resolve()), recordable(output.resolve())
        with self._open() as db:
            row = db.execute("SELECT bought FROM proved WHERE file = ? AND folder = ?", place).fetchone()
        if row is not None and row[0] > bought:
            known = counted(bought, "image")
            raise IntegrityError(
                f"the journal of {output} knows of {known} bought, but {row[0]:,} were bought there: "
                "it is older than the last run; nothing was sent. Put the newer one back, or go on from this one and "
                "buy the others again with --start-over"
            )

    def refuse_elsewhere(self, file: Path, output: Path, *, but: Callable[[Path], bool] = lambda folder: False) -> None:
        """`output` holds no journal: refuse to buy there what was bought elsewhere, `but` where that can be used.

        Raises UsageError.
        """
        ours = recordable(file.resolve())
        with self._open() as db:
            row = db.execute("SELECT folder, bought FROM ran WHERE file = ?", (ours,)).fetchone()
        if row is None or row[1] == 0:
            return
        known, bought = Path(row[0]), row[1]
        if but(known):
            return
        is_there = known.exists() and known != output.resolve()
        gone = "" if is_there else ", which is gone"
        where = known.parent if is_there else f"DIR if they are in DIR/{known.name}"
        images = f"{counted(bought, 'image')} {'was' if bought == 1 else 'were'} bought there"
        raise UsageError(
            f"{file.name} last ran into {known}{gone}: {images}; nothing was sent. "
            f"Say where they are with --output {where}, or buy them again with --start-over"
        )

    def folders(self) -> list[Path]:
        """Every output folder that a campaign last ran into; some may be gone."""
        with self._open() as db:
            return [Path(folder) for (folder,) in db.execute("SELECT DISTINCT folder FROM ran ORDER BY folder")]

    @contextmanager
    def _open(self) -> Iterator[Connection]:
        files.make_folder(self.folder, mode=0o700)
        path = self.folder / "campaigns.sqlite"
        with sqlite.small(path, _TABLE) as db:
            db.execute(_PROVED)
            yield db
