"""One run that was submitted, carried out on the road that a run of this machine walks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from campaign_runner.errors import CampaignError
from campaign_runner.events import Event
from campaign_runner.fleet.database import Database
from campaign_runner.fleet.lease import FleetCampaign, this_host
from campaign_runner.fleet.place import FleetPlace
from campaign_runner.fleet.work.runs import Terms
from campaign_runner.plan.cost import RateLimit
from campaign_runner.run.control import Control
from campaign_runner.run.downloads import DownloadRoom
from campaign_runner.run.ending import BUG, BUSY, DOUBT, LATER, Ending
from campaign_runner.run.limits import SharedLimits
from campaign_runner.session.request import ServiceAccess, UserInterface
from campaign_runner.session.session import run_campaign

_WAITS = 2.0
"""Leases for which a run that cannot go on now waits."""
Told: TypeAlias = Callable[[str, Event | str], None]
"""Hears what happens to a campaign."""


@dataclass(frozen=True, slots=True)
class WorkerAccount:
    """An account that a worker works for, and how the service is reached."""

    digest: str
    access: ServiceAccess
    rate: RateLimit


@dataclass(frozen=True, slots=True)
class Carrier:
    """Carries runs out. `accounts` by the name with which prefixes begin; `bug` keeps a trace and says where.

    All runs that it carries at a time share the room of `downloads`.
    """

    database: Database
    place: FleetPlace
    accounts: Mapping[str, WorkerAccount]
    told: Told
    bug: Callable[[BaseException], str]
    downloads: DownloadRoom = field(default_factory=DownloadRoom)

    async def carry_out(self, number: int, control: Control) -> None:
        """Take a run, if it is open, and say in the record how it ended, or put it back. Raises what the database does.

        Where another machine works on it, or took it over meanwhile, it stays as it is.
        """
        work = await self.database.call("work_of", number)
        if work is None or control.was_signalled:
            return
        campaign = FleetCampaign(**work["campaign"])
        account_name, _, name = campaign.prefix.partition("/")
        account = self.accounts.get(account_name)
        if account is None or account.digest != campaign.account:
            return  # another worker has its credentials
        control.observe = lambda event: self.told(name, event)
        self.told(name, "taken")
        report: list[str] = []
        ui = UserInterface(control, lambda _: True, report.append)
        code = await self._code(self._make(account, campaign.prefix, work["terms"], ui), report)
        who = (number, work["times"], self.place.last_epoch(campaign.prefix), self.place.lease)
        if code == BUSY:
            is_ours = False
        elif _is_open(code, control.ending):
            seconds = 0.0 if control.was_signalled else _WAITS * self.place.lease
            is_ours = await self.database.call("put_back", *who, seconds, report)
        else:
            is_ours = await self.database.call("end_run", *who, code, report)
        self.told(name, f"ended with {code}" if is_ours else "another machine works on it")

    async def _make(self, account: WorkerAccount, prefix: str, told: Mapping[str, Any], ui: UserInterface) -> int:
        """The exit status of a run. Raises CampaignError where it is refused."""
        terms, folder = Terms.read(told), self.place.folder(prefix)
        references = await self.place.fetch_references(folder, terms.pictures)
        order = terms.order(folder, account.rate, references)
        return await run_campaign(replace(order, shared=SharedLimits(downloads=self.downloads)), account.access, ui)

    async def _code(self, run: Coroutine[Any, Any, int], report: list[str]) -> int:
        """The exit status of a run; what it was refused for, or a bug, is in its report."""
        making = asyncio.create_task(run)
        await asyncio.wait({making})
        match making.exception():
            case None:
                return making.result()
            case CampaignError() as refusal:
                report += [f"stopped: {refusal.sentence}", f"attention exit={refusal.exit_code}"]
                return refusal.exit_code
            case error:
                where = f"a redacted trace is in {self.bug(error)} on {this_host()}"
                report += [f"stopped: a bug ({type(error).__name__}); {where}", f"attention exit={BUG}"]
                return BUG


def _is_open(code: int, ending: Ending) -> bool:
    """Whether workers go on with a run that ended so: something is left of it, and no person is needed."""
    return code > 128 or (code in (DOUBT, LATER) and ending.goes_on)
