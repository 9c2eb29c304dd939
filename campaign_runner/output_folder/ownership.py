"""Whose an output folder is, and whether its record is whole: what keeps a run from buying there.

The same for every command that says what a run would do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.journal.ledger import Ledger
from campaign_runner.journal.tables import FILE, refuse_torn
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.registry import RunRegistry
from campaign_runner.tasks import in_thread


async def refuse_wrong_folder(
    folder: Folder, campaign: Campaign, *, origin: str, memory: RunRegistry | None, reuse: bool = True
) -> None:
    """A folder is its campaign's and its service's, and has its record: see `refuse_lost_record`.

    Raises UsageError, IntegrityError, StoreError.
    """
    await in_thread(refuse_torn, folder.path / FILE)  # of a large one that takes seconds
    async with _record(folder, campaign, memory, reuse=reuse, is_checked=True) as ledger:
        if ledger is not None:
            folder.refuse_strangers(ledger, origin=origin, file=campaign.path, campaign=campaign.campaign)


async def refuse_lost_record(
    folder: Folder, campaign: Campaign, memory: RunRegistry | None, *, reuse: bool = True
) -> None:
    """A folder has the record of what was bought: it is not gone, not elsewhere and not older than the money.

    Without `memory` nothing outside the folder counts; `reuse` says whether images of other campaigns may be used.
    Raises UsageError, IntegrityError, StoreError.
    """
    async with _record(folder, campaign, memory, reuse=reuse):
        pass


@asynccontextmanager
async def _record(
    folder: Folder, campaign: Campaign, memory: RunRegistry | None, *, reuse: bool, is_checked: bool = False
) -> AsyncIterator[Ledger | None]:
    """The record of a folder, which is not lost; None where there is none yet, nor was."""
    with Ledger.if_begun(folder.path, is_checked=is_checked) as ledger:
        if ledger is not None:
            refuse_older(folder, ledger, campaign, memory)
        else:
            await folder.refuse_orphans()
            if memory is not None:
                memory.refuse_elsewhere(
                    campaign.path, folder.path, but=lambda known: reuse and Folder(known).can_lend_to(folder)
                )
        yield ledger


def refuse_older(folder: Folder, ledger: Ledger, campaign: Campaign, memory: RunRegistry | None) -> None:
    """A journal that has fewer requests than were made is not the record. Raises IntegrityError, StoreError."""
    if memory is not None:
        memory.refuse_older(campaign.path, folder.path, ledger.submitted())
