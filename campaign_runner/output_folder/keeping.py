"""How the campaigns of one place are kept: who may work on one, and where its record is written.

What everything else reads is a journal on this disk, wherever the record itself is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from campaign_runner.errors import CampaignError
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.ports import CampaignJournal

if TYPE_CHECKING:
    from campaign_runner.output_folder.folder import Folder


class Keeping(Protocol):
    """How campaigns are kept. Each method is given the output folder of the campaign that it is about."""

    def held(self, folder: Folder, lost: Callable[[CampaignError], None]) -> AbstractAsyncContextManager[None]:
        """See Folder.held. Within it, the journal in the folder says what the record does."""

    def journal(self, folder: Folder, now: Callable[[], datetime]) -> AbstractAsyncContextManager[CampaignJournal]:
        """See Folder.journal."""


@dataclass(frozen=True, slots=True)
class OnDisk:
    """On this machine's disk: the record is the journal in the folder, and who works on it locks a file there."""

    @asynccontextmanager
    async def held(self, folder: Folder, lost: Callable[[CampaignError], None]) -> AsyncIterator[None]:
        """Locked by the kernel, so it is never lost."""
        with folder.locked():
            yield

    def journal(self, folder: Folder, now: Callable[[], datetime]) -> AbstractAsyncContextManager[CampaignJournal]:
        """SQLite, written to by one command at a time."""
        return SqliteJournal(folder.path, now=now)
