"""The journal of a fleet as the contract's suite uses it: opening it again takes it over."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from pathlib import Path

from campaign_runner.fleet.database import Database
from campaign_runner.fleet.lease import FleetCampaign, campaign_of, this_host, this_worker
from campaign_runner.fleet.record.journal import FleetJournal
from campaign_runner.journal.ledger import UNANSWERED
from tests.fleet import postgres


async def taken(database: Database, campaign: FleetCampaign) -> int:
    """The epoch of who takes a campaign over from its holder, heard of or not."""
    who = (uuid.uuid4(), this_host(), this_worker())
    told = await database.call("take", campaign.id, *who, 0.0, True, UNANSWERED.facts())
    return int(told["epoch"])


def opened_journal(folder: Path, at: datetime) -> Callable[[], AbstractAsyncContextManager[FleetJournal]]:
    """Opens journals of one new campaign, on a database whose clock shows `at`."""
    account, prefix = uuid.uuid4().hex, f"default/{uuid.uuid4().hex}"

    @asynccontextmanager
    async def opened() -> AsyncIterator[FleetJournal]:
        fleet = postgres.shared()
        async with Database(fleet.server.settings(fleet.with_turned_clock)) as database:
            await database.within(
                30.0, lambda connection: connection.execute("UPDATE campaign_runner.turned SET at = %s", (at,))
            )
            campaign = await campaign_of(database, account, prefix)
            epoch = await taken(database, campaign)
            async with FleetJournal(database, campaign, epoch=epoch, folder=folder, home=folder) as journal:
                yield journal

    return opened
