"""A campaign's folder in the hands of one command: locked, its journal open, its manifest rewritten at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.journal.ledger import Ledger
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.manifest_writer import Sources, keep_what_knows_more, write_manifest
from campaign_runner.output_folder.ownership import refuse_older
from campaign_runner.output_folder.registry import RunRegistry
from campaign_runner.plan.plan import Plan
from campaign_runner.ports import CampaignJournal


@dataclass(frozen=True, slots=True)
class OpenFolder:
    """A folder, its journal to write to, what that says, and the plan it is compared with."""

    folder: Folder
    journal: CampaignJournal
    ledger: Ledger
    plan: Plan


@asynccontextmanager
async def open_for_update(
    folder: Folder, campaign: Campaign, memory: RunRegistry | None = None
) -> AsyncIterator[OpenFolder]:
    """`folder`, held by one command. Once the block ends, also with an error, the manifest says what the journal does.

    Raises Busy while a run goes on, UsageError where nothing was ever run, IntegrityError for a record that is older
    than the last run, as far as `memory` knows, StoreError.
    """
    with folder.ledger() as ledger:  # refused before anything is made in it
        refuse_older(folder, ledger, campaign, memory)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(folder.held())
        checks = memory.checks if memory is not None else None
        journal = await stack.enter_async_context(folder.with_checks(checks).journal())
        ledger = stack.enter_context(Ledger(folder.path, is_checked=True))
        opened = OpenFolder(folder, journal, ledger, Plan(campaign, ledger.custom_model))
        stack.push_async_callback(rewrite_manifest, folder, ledger, opened.plan)
        yield opened


async def rewrite_manifest(folder: Folder, ledger: Ledger, plan: Plan) -> None:
    """Let the manifest say what the journal does; it stays where a custom model was never looked up: no key is known.

    Raises StoreError, IntegrityError.
    """
    if plan.knows_keys:
        keep_what_knows_more(folder.manifest, ledger)
        write_manifest(folder.manifest, Sources(plan, ledger, datetime.now(UTC)), staging=folder.staging)
        await folder.keeping.publish(folder)
