"""The output folder of a campaign: where it is, who holds it, whose it is."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, aclosing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.campaign_file.syntax.opening import LARGEST_BYTES
from campaign_runner.disk import files
from campaign_runner.disk.image_names import STAGING, as_recorded
from campaign_runner.disk.litter import is_litter
from campaign_runner.disk.locks import KernelLock, is_taken, refuse_links
from campaign_runner.disk.regular_files import real, text_of
from campaign_runner.errors import Busy, IntegrityError, StoreError, UsageError
from campaign_runner.journal import tables
from campaign_runner.journal.checked import CheckedJournals
from campaign_runner.journal.ledger import Ledger, NothingRecorded
from campaign_runner.model import IMAGES, REHEARSAL, State
from campaign_runner.output_folder.keeping import Holder, Keeping, OnDisk
from campaign_runner.ports import CampaignJournal, Store
from campaign_runner.store import FolderStore

SHEET = "contact-sheet.jpg"
SHEETS = re.compile(r"contact-sheet(-[0-9]+)?\.jpg")
"""The names of all contact sheets."""
REVIEW, REVIEW_PAGE = "review", "review.html"
"""The page for looking and choosing, and the folder of its small pictures."""
DECISIONS = "decisions"
"""The folder of what reviewers decided."""
DELIVERY = "deliver.json"
"""The record of what was delivered."""
DAMAGED = "damaged"
"""Where `rerun --restore` moves what was in the place of an image."""
REFERENCES = "references"
"""The folder, beside the images, of reference images that go along with a campaign: each called by its SHA-256."""
_LOOKED_AT_SECONDS = 0.3  # `status` shares the lock for a moment to see whether a run holds it: no run fails by that
MADE_AGAIN, MADE_FROM, MADE_WITH = "rerun_of", "rerun_from", "rerun_with"
"""What the journal of a rerun notes: whose images it makes again, the manifest that it last made them from, and the
options that said which of them (JSON)."""
SANDBOX = "sandbox"
"""What the journal records as the origin of a run in the sandbox of its own process, whatever its port."""


def home_of(campaign_file: Path) -> Path:
    """The folder `output` of a campaign file: beside the folder `campaigns` that holds it, otherwise beside the file.

    Never in the current folder by accident: the same file has the same output wherever the command is given.
    """
    place = campaign_file.resolve().parent
    for folder in (place, *place.parents):
        if folder.name == "campaigns":
            return folder.parent / "output"
    return place / "output"


def usual_files(name: str) -> tuple[Path, ...]:
    """Where the file of a campaign called `name` is looked for, from the current folder, in this order."""
    places = Path("campaigns"), Path()
    return tuple(place / f"{name}{suffix}" for suffix in (".yaml", ".yml") for place in places)


@dataclass(frozen=True, slots=True)
class Folder:
    """One campaign's output folder. `path` is absolute.

    `stores` says where the images of a folder are kept, `keeping` who may work on it and where its record is written.
    """

    path: Path
    stores: Callable[[Path], Store] = field(default=FolderStore, repr=False, compare=False)
    keeping: Keeping = field(default=OnDisk(), repr=False, compare=False)

    @property
    def store(self) -> Store:
        """Where its images are kept."""
        return self.stores(self.path)

    @property
    def has_images_here(self) -> bool:
        """Whether its images are on this machine's disks, where looking at a name costs nothing."""
        return self.stores is FolderStore

    def at(self, path: Path) -> Folder:
        """Another output folder, whose images are kept in the same way."""
        return replace(self, path=path)

    @property
    def images(self) -> Path:
        return self.path / IMAGES

    @property
    def staging(self) -> Path:
        return self.path / STAGING

    @property
    def manifest(self) -> Path:
        return self.path / "manifest.json"

    @property
    def sheet(self) -> Path:
        """The contact sheet: one picture of the first images."""
        return self.path / SHEET

    @property
    def review_page(self) -> Path:
        """The page to choose on."""
        return self.path / REVIEW_PAGE

    @property
    def is_sandbox(self) -> bool:
        """Whether it is one of `run --sandbox`."""
        return self.path.name.endswith(REHEARSAL)

    @property
    def has_journal(self) -> bool:
        """Whether anything may be recorded here. Raises IntegrityError, StoreError."""
        return tables.is_begun(self.path / tables.FILE)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one run; it is made if missing. Raises Busy, StoreError, IntegrityError.

        What is in staging was left by a process that died: no one will want it any more.

        The lock is the kernel's, so it ends with its process, however that dies; its file is never removed.
        """
        refuse_links(self.path, *self._ours())
        files.make_folder(self.path)
        lock = KernelLock(self.path / ".lock")
        if not lock.take(_LOOKED_AT_SECONDS):
            raise Busy(f"another run is already working on this campaign ({self.path}); nothing was sent")
        try:
            files.empty(self.staging)
            yield
        finally:
            lock.release()

    def held(self, holder: Holder = Holder()) -> AbstractAsyncContextManager[None]:  # noqa: B008 - it is frozen
        """Hold the campaign for one command; `holder` is told where it should end before that.

        Raises Busy while another command holds it, StoreError, IntegrityError.
        """
        return self.keeping.held(self, holder)

    def journal(
        self, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> AbstractAsyncContextManager[CampaignJournal]:
        """Its journal, to write to; the caller holds the campaign. Raises IntegrityError, StoreError."""
        return self.keeping.journal(self, now)

    def with_checks(self, checks: CheckedJournals | None) -> Folder:
        """The same, where `checks` remember what was checked of its journal; not of one that is kept elsewhere."""
        return replace(self, keeping=OnDisk(checks)) if isinstance(self.keeping, OnDisk) else self

    def is_held(self) -> bool:
        """Whether a run holds the campaign now."""
        return self.keeping.is_held(self)

    def is_locked(self) -> bool:
        """Whether a run of this machine holds this folder now."""
        path = self.path / ".lock"
        try:
            return path.is_file() and is_taken(path)
        except StoreError:
            return False  # gone meanwhile, or one that may not be read

    def ledger(self, *, is_running: bool | None = None) -> Ledger:
        """What the journal says now; `is_running` says whether a run goes on, if that is known.

        Raises UsageError where nothing was recorded.
        """
        is_running = self.is_held() if is_running is None else is_running
        try:
            return Ledger(self.path, is_running=is_running)
        except NothingRecorded:
            if not Folder(self.path.with_name(f"{self.path.name}{REHEARSAL}")).has_journal:
                raise
        raise UsageError(f"{self.path} has no journal: only the sandbox was run; see it with --sandbox")

    def ledger_if_begun(self) -> AbstractContextManager[Ledger | None]:
        """The same; None where nothing was recorded."""
        return Ledger.if_begun(self.path, is_running=self.is_held())

    def owner(self, campaign: Campaign) -> dict[str, str]:
        """What its journal notes of whose it is; where no folder belongs to a file, no file. Raises UsageError."""
        named = {"campaign": campaign.campaign}
        return named if self.keeping.options else named | {"file": self.relative(campaign.path)}

    def relative(self, file: Path) -> str:
        """A campaign file as the journal names it: by its path from this folder. Raises UsageError."""
        return Path(as_recorded(Path(os.path.relpath(file.resolve(), self.path)))).as_posix()

    def campaign_file(self, ledger: Ledger) -> Path | None:
        """The campaign file that was run into this folder last; None where it is gone, or was never known."""
        file = self.recorded_file(ledger)
        return file if file is not None and file.exists() else None

    def recorded_file(self, ledger: Ledger) -> Path | None:
        """Where that file was; None where it was never known."""
        known = ledger.meta("file")
        return real(self.path / known) if known else None

    def without_file(self, ledger: Ledger) -> UsageError:
        """Why nothing can be done that needs the campaign file: it is gone, and where it was."""
        was = self.recorded_file(ledger)
        return UsageError(
            f"the campaign file of {self.path} is gone{f': it was {was}' if was is not None else ''}. "
            "Put it back where it was; if it was renamed, run it once by its new name"
        )

    def can_lend_to(self, other: Folder) -> bool:
        """Whether `other` can reuse what is stored here: it is beside this folder, and nothing is left open here."""
        if self.path.parent != other.path.parent:
            return False
        with Ledger.if_begun(self.path) as ledger:
            counts = ledger.counts() if ledger is not None else None
        return counts is not None and not counts[State.ACCEPTED] and not counts[State.IN_DOUBT]

    async def refuse_orphans(self) -> None:
        """Images of a folder in which nothing is recorded were bought by a record that is gone: none is bought again.

        Raises IntegrityError, StoreError.
        """
        known = [str(self.manifest)] if self.manifest.exists() else []
        async with aclosing(self.store.names(f"{IMAGES}/")) as names:
            known += [self.store.where(name) async for name in names if not is_litter(name)][:1]
        if known:
            raise IntegrityError(
                f"{known[0]} exists, but {self.what_is_missing()}; nothing was sent. "
                f"Restore {tables.FILE} beside it, or move the folder {self.path.name} away to start again"
            )

    def holds_anything(self) -> bool:
        """Whether there is more in it than what every run makes before it looks, and leaves behind if it is refused."""
        if not self.path.is_dir():
            return False
        left = (".lock", self.staging.name)
        return any(each.name not in left and not is_litter(each.name) for each in self.path.iterdir())

    def what_is_missing(self) -> str:
        """How this folder lacks its record: one that was copied without its `-wal` file may hold nothing at all."""
        if (self.path / tables.FILE).exists():
            return f"its journal is empty (was {tables.FILE} copied without its -wal file?)"
        return "its journal is gone"

    def refuse_strangers(self, ledger: Ledger, *, origin: str, file: Path, campaign: str) -> None:
        """A folder belongs to one campaign file and, once a request was taken, to one service.

        Raises IntegrityError, UsageError.
        """
        recorded = ledger.origin
        if recorded is not None and recorded != origin and ledger.holds_anything():
            raise IntegrityError(
                f"{self.path} holds images of {recorded}, but this run would use {origin}; nothing was sent. "
                "Use another --output"
            )
        if ledger.meta(MADE_AGAIN) is not None:
            raise UsageError(f"{self.path} holds the images of a rerun; nothing was sent. Use another --output")
        known = ledger.meta("file")
        if known is None or known == self.relative(file):
            return
        other = real(self.path / known)
        if other.exists() and _names_itself(other, campaign):
            raise UsageError(
                f"{self.path} belongs to {other}, which also says 'campaign: {campaign}'; nothing was sent. "
                f"Give {file.name} another campaign name"
            )

    def _ours(self) -> list[Path]:
        """All that is written directly in this folder."""
        record = [self.path / f"{tables.FILE}{suffix}" for suffix in ("", "-wal", "-shm", "-journal")]
        return [self.path / ".lock", self.images, self.staging, self.manifest, self.sheet, *record]


def _names_itself(file: Path, campaign: str) -> bool:
    """Whether a campaign file still bears this campaign's name; one that cannot be read is given the benefit."""
    try:
        lines = text_of(file, LARGEST_BYTES).splitlines()
    except OSError:
        return False
    return any(
        line.partition("#")[0].replace('"', "").replace("'", "").split() == ["campaign:", campaign] for line in lines
    )
