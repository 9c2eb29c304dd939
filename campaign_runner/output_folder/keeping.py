"""How the campaigns of one place are kept: who may work on one, and where its record is written.

What everything else reads is a journal on this disk, wherever the record itself is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from campaign_runner.errors import CampaignError
from campaign_runner.journal.checked import CheckedJournals

if TYPE_CHECKING:
    from campaign_runner.output_folder.folder import Folder
    from campaign_runner.ports import CampaignJournal, Journal
    from campaign_runner.run.limits import Ceiling


def _ignored(why: object) -> None:
    """Who holds a campaign for a moment only is told nothing."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a campaign. `lost` is told why, where another has it now; `asked` is told to buy nothing more.

    `buys`: it is a run, so an earlier order to buy nothing more is over.
    """

    lost: Callable[[CampaignError], None] = _ignored
    asked: Callable[[str], None] = _ignored
    buys: bool = False


class Keeping(Protocol):
    """How campaigns are kept. Each method is given the output folder of the campaign that it is about."""

    @property
    def options(self) -> Sequence[str]:
        """What a command has to be given besides the name of a campaign that is kept here; nothing on a disk."""

    @property
    def run_options(self) -> Sequence[str]:
        """What `run` has to be given to go on as before."""

    def called(self, folder: Folder) -> str:
        """What a command calls a campaign that is kept here."""

    def held(self, folder: Folder, holder: Holder) -> AbstractAsyncContextManager[None]:
        """See Folder.held. Within it, the journal in the folder says what the record does."""

    def is_held(self, folder: Folder) -> bool:
        """See Folder.is_held."""

    def journal(self, folder: Folder, now: Callable[[], datetime]) -> AbstractAsyncContextManager[CampaignJournal]:
        """See Folder.journal."""

    async def refresh(self, folder: Folder) -> None:
        """Let the journals beside `folder` say what their records do now. Raises StoreError, IntegrityError."""

    async def keep_references(self, folder: Folder, references: Mapping[str, Path]) -> None:
        """Let other machines have the reference images, by the SHA-256 of their content.

        Raises IntegrityError for one that is gone or has other content by now, StoreError.
        """

    async def publish(self, folder: Folder) -> None:
        """The manifest in `folder` was written: let those see it who look where the images are. Raises StoreError."""

    def buying(self, folder: Folder, journal: CampaignJournal, ceiling: Ceiling, left: set[str]) -> Journal | None:
        """`journal` as a run buys through it, where the record itself grants no two campaigns the same image.

        It puts the keys that others have or buy into `left`, and grants no more than `ceiling`. None where a run has to
        look at the others itself.
        """


@dataclass(frozen=True, slots=True)
class OnDisk:
    """On this machine's disk: the record is the journal in the folder, and who works on it locks a file there.

    `checks` remember what was checked of journals; without them, one that is opened to be written is checked whole.
    """

    checks: CheckedJournals | None = None

    options: Sequence[str] = ()
    run_options: Sequence[str] = ()

    def called(self, folder: Folder) -> str:
        """The name of its folder."""
        return folder.path.name

    @asynccontextmanager
    async def held(self, folder: Folder, holder: Holder) -> AsyncIterator[None]:
        """Locked by the kernel, so it is never lost."""
        with folder.locked():
            yield

    def is_held(self, folder: Folder) -> bool:
        """The file says so."""
        return folder.is_locked()

    def journal(self, folder: Folder, now: Callable[[], datetime]) -> AbstractAsyncContextManager[CampaignJournal]:
        """SQLite, written to by one command at a time."""
        from campaign_runner.journal.journal import SqliteJournal  # a command that only looks writes no facts

        return SqliteJournal(folder.path, now=now, checks=self.checks)

    async def refresh(self, folder: Folder) -> None:
        """They are the records."""

    async def keep_references(self, folder: Folder, references: Mapping[str, Path]) -> None:
        """They are beside the campaign file."""

    async def publish(self, folder: Folder) -> None:
        """It is where the images are."""

    def buying(self, folder: Folder, journal: CampaignJournal, ceiling: Ceiling, left: set[str]) -> Journal | None:
        """Each journal grants what is due in it: see `reuse.claims`."""
        return None
