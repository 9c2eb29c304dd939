"""What the state folder remembers of each campaign file: where it ran, how many requests left from there, and images.

So that neither a moved or deleted output folder nor a journal that is older than the money silently buys again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Self

from campaign_runner.disk import files, sqlite
from campaign_runner.disk.image_names import as_recorded
from campaign_runner.disk.regular_files import is_there
from campaign_runner.disk.shared_file import SharedFile
from campaign_runner.errors import IntegrityError, UsageError
from campaign_runner.journal.checked import CheckedJournals
from campaign_runner.journal.tables import FILE
from campaign_runner.output_folder.folder import Folder
from campaign_runner.text import plural

_RAN = "CREATE TABLE IF NOT EXISTS ran (file TEXT PRIMARY KEY, folder TEXT NOT NULL, bought INTEGER NOT NULL)"
_ALL = "SELECT file, folder FROM ran ORDER BY folder, file"
# Where campaigns were rehearsed: nothing is bought there, so nothing is refused for it, and what is gone is forgotten.
_REHEARSED = """CREATE TABLE IF NOT EXISTS rehearsed (
    file TEXT NOT NULL, folder TEXT NOT NULL, PRIMARY KEY (file, folder))"""
# In a table of its own: a file may have run into several folders, and each has a journal.
_BEGUN = """CREATE TABLE IF NOT EXISTS begun (
    file TEXT NOT NULL, folder TEXT NOT NULL, requests INTEGER NOT NULL, PRIMARY KEY (file, folder))"""
# By the service, too: a practice server is quicker.
_TOOK = """CREATE TABLE IF NOT EXISTS took (
    origin TEXT NOT NULL, model TEXT NOT NULL, megapixels INTEGER NOT NULL, number INTEGER NOT NULL,
    seconds REAL NOT NULL, PRIMARY KEY (origin, model, megapixels, number))"""


@dataclass(frozen=True, slots=True)
class RunRegistry:
    """Lies in the state folder `folder`, which is made if missing. Methods raise StoreError, IntegrityError.

    Those that are given paths raise UsageError for one that is not UTF-8.
    """

    folder: Path

    @property
    def checks(self) -> CheckedJournals:
        """What was checked of journals."""
        return CheckedJournals(self.folder)

    def remember(self, file: Path, output: Path, bought: int, begun: int) -> None:
        """Note that `file` runs into `output`: how many images are bought there, or may be before this is said again.

        `begun` is how many requests its journal knows: it is this journal that later ones are compared with.
        """
        place = as_recorded(file.resolve()), as_recorded(output.resolve())
        with self._open() as db:
            known = "ON CONFLICT (file) DO UPDATE SET folder = ?2, bought = ?3"
            db.execute(f"INSERT INTO ran VALUES (?1, ?2, ?3) {known}", (*place, bought))
            db.execute("INSERT OR REPLACE INTO begun VALUES (?, ?, ?)", (*place, begun))

    def begun(self, file: Path, output: Path) -> BegunRequests:
        """Notes of the run of `file` into `output`: how many requests were ever about to be sent from there."""
        shared = SharedFile(self._path, self._make_folder, _prepare)
        return BegunRequests(shared, (as_recorded(file.resolve()), as_recorded(output.resolve())))

    def durations(self, origin: str) -> dict[tuple[str, int], list[float]]:
        """How many seconds the last jobs took there, by model and megapixels; nothing where nothing was remembered."""
        found: dict[tuple[str, int], list[float]] = {}
        if not self._path.exists():
            return found
        query = "SELECT model, megapixels, seconds FROM took WHERE origin = ? ORDER BY model, megapixels, number"
        with self._open() as db:
            for model, megapixels, seconds in db.execute(query, (origin,)):
                found.setdefault((model, megapixels), []).append(seconds)
        return found

    def note_durations(self, origin: str, took: Mapping[tuple[str, int], Sequence[float]]) -> None:
        """Remember how long jobs take, in the place of what was known of their kinds."""
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            for kind, durations in took.items():
                db.execute("DELETE FROM took WHERE (origin, model, megapixels) = (?, ?, ?)", (origin, *kind))
                rows = ((origin, *kind, number, seconds) for number, seconds in enumerate(durations))
                db.executemany("INSERT INTO took VALUES (?, ?, ?, ?, ?)", rows)
            db.execute("COMMIT")

    def refuse_older(self, file: Path, output: Path, requests: int) -> None:
        """The journal in `output` has so many requests: refuse to buy again what a newer one had.

        A folder of which nothing is known here is not refused. Raises IntegrityError.
        """
        place = as_recorded(file.resolve()), as_recorded(output.resolve())
        row = self._known("SELECT requests FROM begun WHERE file = ? AND folder = ?", *place)
        if row is not None and row[0] > requests:
            raise IntegrityError(
                f"the journal of {output} has {plural(requests, 'request')}, but {row[0]:,} were made from there: it "
                "is older than the last run, or was copied without its -wal file; nothing was sent. Put the newer one "
                "back, or continue from this one and buy the others again with --start-over"
            )

    def refuse_elsewhere(self, file: Path, output: Path, *, but: Callable[[Path], bool] = lambda folder: False) -> None:
        """`output` holds no journal: refuse to buy there what was bought elsewhere, `but` where that can be used.

        Raises UsageError, and IntegrityError where that was bought in `output` itself, whose journal is lost.
        """
        ours = as_recorded(file.resolve())
        row = self._known("SELECT folder, bought FROM ran WHERE file = ?", ours)
        if row is None or row[1] == 0:
            return
        known, bought = Path(row[0]), row[1]
        if but(known):
            return
        images = f"{plural(bought, 'image')} {'was' if bought == 1 else 'were'} bought there"
        has_images = Folder(known).holds_anything()
        if has_images and known == output.resolve():
            raise IntegrityError(
                f"{file.name} last ran into {known}: {images}, but {Folder(known).what_is_missing()}; "
                "nothing was sent. Restore it from a backup, or buy them again with --start-over"
            )
        gone = "" if has_images else ", which is gone"
        where = known.parent if has_images else f"DIR if they are in DIR/{known.name}"
        raise UsageError(
            f"{file.name} last ran into {known}{gone}: {images}; nothing was sent. "
            f"Say where they are with --output {where}, or buy them again with --start-over"
        )

    def last_folder(self, file: Path) -> Path | None:
        """Where a campaign file last ran, also if that is gone; None where it never ran."""
        row = self._known("SELECT folder FROM ran WHERE file = ?", as_recorded(file.resolve()))
        return None if row is None else Path(row[0])

    def ran(self) -> list[tuple[Path, Path]]:
        """Every campaign file that ever ran, and the output folder that it last ran into; some may be gone."""
        if not self._path.exists():
            return []
        with self._open() as db:
            return [(Path(file), Path(folder)) for file, folder in db.execute(_ALL)]

    def rehearse(self, file: Path, output: Path) -> None:
        """Note that `file` ran in the sandbox, into `output`; rehearsals whose folder is gone are forgotten."""
        place = as_recorded(file.resolve()), as_recorded(output.resolve())
        if tuple(map(Path, place)) in (known := self.rehearsed()):
            return
        with self._open() as db:
            gone = [(str(folder),) for _, folder in known if not is_there(folder / FILE)]
            db.executemany("DELETE FROM rehearsed WHERE folder = ?", gone)
            db.execute("INSERT OR IGNORE INTO rehearsed VALUES (?, ?)", place)

    def rehearsed(self) -> list[tuple[Path, Path]]:
        """The campaign files that ran in the sandbox, and the output folder of each; some may be gone."""
        if not self._path.exists():
            return []
        with self._open() as db:
            found = db.execute("SELECT file, folder FROM rehearsed ORDER BY folder, file")
            return [(Path(file), Path(folder)) for file, folder in found]

    def files(self) -> list[Path]:
        """Every campaign file that ever ran, in the sandbox, too; some may be gone."""
        return list(dict.fromkeys(file for file, _ in (*self.ran(), *self.rehearsed())))

    def folders(self) -> list[Path]:
        """Every output folder that a campaign last ran into, in the sandbox, too; some may be gone."""
        return list(dict.fromkeys(folder for _, folder in (*self.ran(), *self.rehearsed())))

    def named(self, name: str) -> list[Path]:
        """The output folders with a journal that `name` means on this machine: by their own name, or their file's.

        What lies beside a folder that is remembered is found, too: a rehearsal, a rerun.
        """
        by_name = [home / name for home in dict.fromkeys(folder.parent for folder in self.folders())]
        by_file = [folder for file, folder in self.ran() if file.stem == name]
        return [folder for folder in dict.fromkeys([*by_name, *by_file]) if is_there(folder / FILE)]

    def name_of(self, folder: Path) -> str | None:
        """The name by which `folder` is found from anywhere; None where another one has it, or nothing is known."""
        return folder.name if self.named(folder.name) == [folder] else None

    def _known(self, query: str, *values: str) -> tuple[Any, ...] | None:
        """The first row; None where there is none. Where nothing was ever remembered, nothing is made."""
        if not self._path.exists():
            return None
        with self._open() as db:
            row: tuple[Any, ...] | None = db.execute(query, values).fetchone()
            return row

    @property
    def _path(self) -> Path:
        return self.folder / "campaigns.sqlite"

    @contextmanager
    def _open(self) -> Iterator[Connection]:
        self._make_folder()
        with sqlite.small(self._path, _RAN) as db:
            _prepare(db)
            yield db

    def _make_folder(self) -> None:
        files.make_folder(self.folder, mode=0o700)


class BegunRequests:
    """How many requests were ever about to be sent from one folder. Within `async with` its file is kept open."""

    def __init__(self, file: SharedFile[Connection], place: tuple[str, str]) -> None:
        self._file = file
        self._place = place

    async def __aenter__(self) -> Self:
        await self._file.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._file.__aexit__(*error)

    async def note(self, requests: int) -> None:
        """So many; a smaller number changes nothing. Durable on return. Raises StoreError, IntegrityError."""
        await self._file.transact(partial(self._note, requests))

    def _note(self, requests: int, db: Connection) -> None:
        most = "ON CONFLICT DO UPDATE SET requests = max(requests, excluded.requests)"
        db.execute(f"INSERT INTO begun VALUES (?, ?, ?) {most}", (*self._place, requests))


def _prepare(db: Connection) -> Connection:
    for table in (_RAN, _BEGUN, _TOOK, _REHEARSED):
        db.execute(table)
    return db
