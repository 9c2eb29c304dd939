"""A driver: prepares a run on this machine, hands it over to the workers, and follows it to its end."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from campaign_runner.errors import Busy
from campaign_runner.events import Warned
from campaign_runner.fleet.database import Database
from campaign_runner.fleet.place import FleetPlace, prefix_of
from campaign_runner.fleet.work.following import FollowedRun
from campaign_runner.fleet.work.runs import Terms, digest_of
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.report import next_commands
from campaign_runner.run.ending import LATER, OK
from campaign_runner.run.stop import Level
from campaign_runner.session.request import RunRequest, ServiceAccess, UserInterface
from campaign_runner.session.session import prepare_campaign
from campaign_runner.session.steps import Session
from campaign_runner.text import duration

GIVES_UP_AFTER = 600.0
"""Seconds without any machine that works on a run, after which its driver leaves."""
_PREPARES = 10.0
"""Seconds for which another driver may be preparing the same campaign."""
_LOOKS_EVERY = 1.0
TOLD_AFTER = 10.0
"""Seconds without a worker after which the person is told."""


@dataclass(frozen=True, slots=True)
class Driver:
    """Runs a campaign as `run_campaign` does, but the fleet's workers do the work. `is_detached`: it only submits.

    What it submits is one command, with limits that its campaigns keep to together.
    """

    place: FleetPlace
    is_detached: bool = False
    gives_up_after: float = GIVES_UP_AFTER
    command: str = field(default_factory=lambda: uuid.uuid4().hex)

    async def run(self, order: RunRequest, access: ServiceAccess, ui: UserInterface) -> int:
        """The exit status of the run, or 0 for one that was submitted. Raises as `run_campaign` does."""
        async with self.place.opened() as database:
            number = await self._submitted(database, order, access, ui)
            if isinstance(number, _AtOnce):
                return number.code
            if self.is_detached:
                ui.report(f"submitted to the fleet's workers; to follow it: {_again(order)}")
                ui.report(f"ok submitted={order.campaign.campaign} exit={OK}")
                await ui.told(OK)
                return OK
            ui.control.is_elsewhere = True
            async with self.place.following(order.folder) as copy:
                followed = FollowedRun(order, ui, copy)
                await copy.refresh(database)
                followed.begin()
                return await self._follow(database, number, followed)

    async def _follow(self, database: Database, number: int, followed: FollowedRun) -> int:
        """The exit status of the run; 8 where no one works on it for long, 128 and the signal where a person leaves."""
        time = asyncio.get_running_loop().time
        heard, order, ui = time(), followed.order, followed.ui
        is_told = False
        while True:
            seen = await database.call("look_at_run", number, self.place.lease)
            await followed.copy.refresh(database)
            if seen["exit"] is not None:
                return await followed.end(seen["exit"], seen["report"])
            heard = time() if seen["holder"] is not None else heard
            alone = time() - heard
            if alone > self.gives_up_after:
                why = f"no machine has worked on it for {duration(round(alone))}; the fleet goes on once one can"
                return await followed.end(LATER, [why, *(seen["report"] or [f"attention exit={LATER}"])])
            if alone > TOLD_AFTER and not is_told:
                is_told = True
                ui.control.observe(Warned("no worker has taken it yet"))
            if not await ui.control.stop.sleep(Level.INTERRUPTED, _LOOKS_EVERY):
                ui.report(f"the fleet goes on with {order.campaign.campaign}; to follow it again: {_again(order)}")
                return await followed.leave()

    async def _submitted(
        self, database: Database, order: RunRequest, access: ServiceAccess, ui: UserInterface
    ) -> int | _AtOnce:
        """The number of the run, which may be one of the same text that goes on already.

        Raises Busy where another text is being made, or by a run that no worker has.
        """
        clock, numbers = asyncio.get_running_loop().time, list[int]()
        until = clock() + _PREPARES
        while True:
            try:
                code = await prepare_campaign(order, access, ui, partial(self._hand_over, numbers))
                return numbers[0] if code is None else _AtOnce(code)
            except Busy:
                open_run = await self._open_run(database, order)
                if open_run is not None and open_run["digest"] == await self._digest(order):
                    await ui.wait_for_others()
                    return int(open_run["run"])
                if open_run is not None or clock() >= until:
                    raise
            await asyncio.sleep(_LOOKS_EVERY)

    async def _hand_over(self, numbers: list[int], run: Session) -> None:
        terms = Terms.of(run, self.command)
        numbers.append(await self.place.hand_over(run.folder, terms.digest, terms.told()))

    async def _open_run(self, database: Database, order: RunRequest) -> dict[str, Any] | None:
        found: dict[str, Any] | None = await database.call("open_run", prefix_of(order.folder.path), self.place.lease)
        return found

    async def _digest(self, order: RunRequest) -> str:
        """Of the campaign's text now. What its custom model is changes nothing of it."""
        folder = await self.place.read(prefix_of(order.folder.path))
        with folder.ledger(is_running=True) as ledger:
            plan = Plan(order.campaign, ledger.custom_model)
            PlanStatus(plan, ledger.states)  # the reference images are read on the way
        return digest_of(plan)


@dataclass(frozen=True, slots=True)
class _AtOnce:
    """The exit status of a run that left nothing to do."""

    code: int


def _again(order: RunRequest) -> str:
    return next_commands.run(order.campaign.path, order.folder)
