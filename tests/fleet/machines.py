"""Two machines on one database, as the checks of the fleet's rules use them."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from campaign_runner.events import Attempt, Doubted, Refused
from campaign_runner.fleet.database import Database, DatabaseSettings
from campaign_runner.fleet.lease import FleetCampaign, campaign_of
from campaign_runner.fleet.record.journal import FleetJournal
from campaign_runner.journal.ledger import Ledger
from campaign_runner.model import Cause, State
from campaign_runner.run.limits import Ceiling
from tests.fleet.opened_journal import taken
from tests.fleet.postgres import PostgresServer
from tests.ports import test_journal as contract

PERSON = Cause("resubmit", "a person said so")


@dataclass
class Machines:
    """Everything is of one new account. Each opened journal has a folder of its own: it is another machine's."""

    server: PostgresServer
    database_name: str
    home: Path
    account: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def settings(self) -> DatabaseSettings:
        return self.server.settings(self.database_name)

    @asynccontextmanager
    async def database(self, patience: float = 60.0) -> AsyncIterator[Database]:
        async with Database(self.settings, patience=patience) as opened:
            yield opened

    async def campaign(self, database: Database, name: str = "spring") -> FleetCampaign:
        return await campaign_of(database, self.account, f"{self.account}/{name}")

    @asynccontextmanager
    async def journal(
        self, database: Database, name: str = "spring", *, epoch: int | None = None, ceiling: Ceiling | None = None
    ) -> AsyncIterator[FleetJournal]:
        """A journal of the campaign, which is taken over for it, unless its epoch is told."""
        campaign = await self.campaign(database, name)
        own = self.home / uuid.uuid4().hex
        epoch = await taken(database, campaign) if epoch is None else epoch
        async with FleetJournal(database, campaign, epoch=epoch, folder=own, home=own / "home") as journal:
            yield journal if ceiling is None else journal.sharing(set(), ceiling=ceiling)


def states(journal: FleetJournal) -> dict[str, State]:
    """What the machine's copy says of its images, by key."""
    with Ledger(journal._path.parent, is_running=True) as ledger:
        return {entry.variation.key: entry.state for entry in ledger.in_states(*State)}


def one(id: str, *seeds: int) -> Attempt:
    return contract.attempt(id, *seeds or (1,))


def doubt(attempt: Attempt) -> Doubted:
    return Doubted(attempt, contract.SILENCE)


def refusal(attempt: Attempt) -> Refused:
    return Refused(attempt, contract.REFUSED)
