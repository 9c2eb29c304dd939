"""The quota of a fleet as the contract's suite uses it: opened anywhere, on a clock turned by hand."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

from campaign_runner.fleet.database import Connection, Database
from campaign_runner.fleet.quota import FleetQuota
from campaign_runner.ports import Allowance, Permit, Quota, Wait
from campaign_runner.quota.shared_quota import QuotaLimits
from tests.fleet import postgres

_databases: dict[asyncio.AbstractEventLoop, Database] = {}


class TurnedQuota:
    """A FleetQuota that opens its database when it is used; before each call the database's clock is set to ours."""

    def __init__(self, account: str, limits: QuotaLimits, clock: Callable[[], float]) -> None:
        self._account = account
        self._limits = limits
        self._clock = clock

    async def acquire(self) -> Permit | Wait:
        return await (await self._quota()).acquire()

    async def settle(self, permit: Permit) -> None:
        await (await self._quota()).settle(permit)

    async def give_back(self, permit: Permit) -> None:
        await (await self._quota()).give_back(permit)

    async def block(self, seconds: float, *, told: float | None = None) -> int | None:
        return await (await self._quota()).block(seconds, told=told)

    async def allowance(self) -> Allowance:
        return await (await self._quota()).allowance()

    async def _quota(self) -> FleetQuota:
        fleet, loop = postgres.shared(), asyncio.get_running_loop()
        if loop not in _databases:
            _databases[loop] = Database(fleet.server.settings(fleet.with_turned_clock))
        await _databases[loop].within(30.0, self._turn)
        return FleetQuota(_databases[loop], self._account, limits=self._limits)

    async def _turn(self, connection: Connection) -> None:
        await connection.execute("UPDATE campaign_runner.turned SET at = to_timestamp(%s)", (self._clock(),))


def opener(limits: QuotaLimits, clock: Callable[[], float]) -> Callable[[], Quota]:
    """Opens quotas of one new account."""
    account = uuid.uuid4().hex
    return lambda: TurnedQuota(account, limits, clock)


def close() -> None:
    """Close what was opened for a test, whose loop may be gone."""
    while _databases:
        _, database = _databases.popitem()
        for connection in database._idle:
            connection.pgconn.finish()
