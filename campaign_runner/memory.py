"""What the state folder remembers of each campaign file: where it last ran, and how many images were bought there.

So that a moved or deleted output folder does not silently buy everything again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection

from campaign_runner import files, sqlite
from campaign_runner.errors import UsageError
from campaign_runner.files import recordable
from campaign_runner.spec.problems import counted

_TABLE = "CREATE TABLE IF NOT EXISTS ran (file TEXT PRIMARY KEY, folder TEXT NOT NULL, bought INTEGER NOT NULL)"


@dataclass(frozen=True, slots=True)
class Memory:
    """Lies in the state folder `folder`, which is made if missing. Methods raise StoreError, IntegrityError.

    Those that are given paths raise UsageError for one that is not UTF-8.
    """

    folder: Path

    def remember(self, file: Path, output: Path, bought: int) -> None:
        """Note that `file` ran into `output`, where `bought` images were bought so far."""
        with self._open() as db:
            db.execute(
                "INSERT INTO ran VALUES (?1, ?2, ?3) ON CONFLICT (file) DO UPDATE SET folder = ?2, bought = ?3",
                (recordable(file.resolve()), recordable(output.resolve()), bought),
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
        gone = "" if known.exists() and known != output.resolve() else ", which is gone"
        images = f"{counted(bought, 'image')} {'was' if bought == 1 else 'were'} bought there"
        raise UsageError(
            f"{file.name} last ran into {known}{gone}: {images}; nothing was sent. "
            f"Say where they are with --output {known.parent}, or buy them again with --start-over"
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
            yield db
