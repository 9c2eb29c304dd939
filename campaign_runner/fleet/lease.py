"""Who works on a campaign of the fleet: one run at a time, which says every few seconds that it lives.

Taking a campaign raises its epoch. Who was not heard of for `LEASE` seconds is taken over: it may send nothing more,
and what it still tells is believed.
"""

from __future__ import annotations

import asyncio
import os
import platform
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from campaign_runner.errors import Busy, CampaignError, IntegrityError
from campaign_runner.fleet.database import Database, DatabaseGone
from campaign_runner.journal.ledger import UNANSWERED
from campaign_runner.text import clock

LEASE = 30.0
"""Seconds for which a holder that is not heard of keeps its campaign."""
_BEATS = 3
"""How often within them it says that it lives."""
_LEAVE_WITHIN = 2.0
NOT_OPEN = {
    "held": "the database was restored: check this campaign, then run `campaign-runner resolve NAME --release`; "
    "nothing was sent",
    "moved": "the campaign was moved out of the fleet; nothing was sent",
}
"""Why nothing is sent of a campaign, by its state."""
REPLACED = "another run of this campaign, with another text, took its place; this one bought nothing more"


@dataclass(frozen=True, slots=True)
class FleetCampaign:
    """A campaign of the record. `prefix` is that of its files in the store: the account's name and its own.

    `state` is `open`, `held` (after a restore) or `moved` (out of the fleet); `why` a sentence where it is not open.
    """

    id: int
    account: str
    prefix: str
    state: str
    why: str


def this_host() -> str:
    """The name of this machine."""
    return platform.node() or "a machine without a name"


def this_worker() -> str:
    """The name of this process in stamps."""
    return f"{this_host()}:{os.getpid()}"


async def campaign_of(database: Database, account: str, prefix: str) -> FleetCampaign:
    """The campaign with this prefix, made if there is none. Raises IntegrityError where it is another account's."""
    found = FleetCampaign(**await database.call("campaign", account, prefix))
    if found.account != account:
        raise IntegrityError(
            f"the campaign {prefix} was begun with the credentials of another account; nothing was sent. "
            "Use those, or another name"
        )
    return found


async def campaigns_of(database: Database, account: str) -> list[FleetCampaign]:
    """Every campaign of an account that has a record, by prefix."""
    return [FleetCampaign(**each) for each in await database.call("campaigns_of", account)]


async def holder_of(database: Database, campaign: FleetCampaign, *, lease: float = LEASE) -> str | None:
    """The host that works on a campaign now; None where none does."""
    told = await database.call("holder_of", campaign.id, lease)
    return None if told is None else str(told["host"])


class Lease:
    """Holds a campaign while its block runs. Use as `async with Lease(database, campaign, lost=…) as lease:`.

    `lost` is told a Busy once, where another run took the campaign over; `stop` where `fleet stop` was asked for.
    `is_run`: a stop that was asked for before is over. Raises Busy while another one holds it, IntegrityError for a
    campaign that was moved.
    """

    def __init__(
        self,
        database: Database,
        campaign: FleetCampaign,
        *,
        lost: Callable[[Busy], None],
        stop: Callable[[], None] = lambda: None,
        is_run: bool = True,
        seconds: float = LEASE,
    ) -> None:
        self._database = database
        self._campaign = campaign
        self._lost, self._stop = lost, stop
        self._is_run = is_run
        self._seconds = seconds
        self._holder = uuid.uuid4()
        self.epoch = 0

    async def __aenter__(self) -> Self:
        if self._campaign.state == "moved":
            raise IntegrityError(f"the campaign is elsewhere now: {self._campaign.why}; nothing was sent")
        who = (this_host(), this_worker())
        values = (self._campaign.id, self._holder, *who, self._seconds, self._is_run, UNANSWERED.facts())
        told = await self._database.call("take", *values)
        if "busy" in told:
            raise Busy(f"another run is already working on this campaign ({_who(told['busy'])}); nothing was sent")
        self.epoch = told["epoch"]
        self._beating = asyncio.create_task(self._beat())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.rest()
        with suppress(DatabaseGone):  # then it is let go once it was not heard of
            await self._database.call("leave", self._campaign.id, self._holder, patience=_LEAVE_WITHIN)

    async def rest(self) -> None:
        """Say no more that the holder lives: it is about to hand the campaign over."""
        self._beating.cancel()
        await asyncio.wait({self._beating})

    async def hand_over(self, digest: str, terms: Mapping[str, Any]) -> int:
        """Leave the campaign to the workers, to be made by `terms`; the number of its run.

        Raises Busy where another run took it over, IntegrityError where it is not open.
        """
        await self.rest()
        told = await self._database.call("submit", self._campaign.id, self.epoch, digest, dict(terms), REPLACED)
        match told.get("refused"):
            case None:
                return int(told["run"])
            case "epoch":
                raise Busy("another run took this campaign over; nothing was sent")
            case state:
                raise IntegrityError(NOT_OPEN[state])

    async def refuse_others(self) -> None:
        """Raises Busy where another run took the campaign over."""
        told = await self._database.call("beat", self._campaign.id, self._holder, self.epoch)
        if not told["is_ours"]:
            raise _taken_over(told)

    async def _beat(self) -> None:
        pause = self._seconds / _BEATS
        while True:
            await asyncio.sleep(pause)
            with suppress(CampaignError):  # what is refused for good is told by the next call of the run itself
                values = (self._campaign.id, self._holder, self.epoch)
                told = await self._database.call("beat", *values, patience=pause)
                if not told["is_ours"]:
                    self._lost(_taken_over(told))
                    return
                if told["is_stopped"]:
                    self._stop()


def _taken_over(told: dict[str, Any]) -> Busy:
    return Busy(f"another run took this campaign over ({_who(told)}); nothing more was sent")


def _who(told: dict[str, Any]) -> str:
    since = datetime.fromtimestamp(told["since"] or 0, UTC)
    return f"on {told['host']}, since {clock(since, datetime.now(UTC))}"
