"""What one run is asked to do, how it reaches the service, and whom it reports to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from campaign_runner.authoring.compare import Changes
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.errors import CampaignError
from campaign_runner.firefly.settings import Settings
from campaign_runner.journal.request_counts import RequestCounts
from campaign_runner.output_folder.folder import SANDBOX, Folder
from campaign_runner.output_folder.registry import RunRegistry
from campaign_runner.plan.cost import Estimate, RateLimit
from campaign_runner.plan.selection import EVERYTHING, Selection
from campaign_runner.ports import OpenableQuota
from campaign_runner.quota.shared_quota import account_of
from campaign_runner.report.standing import Standing
from campaign_runner.reuse.offers import ReuseOffers
from campaign_runner.run.control import Clock, Control
from campaign_runner.run.limits import Limits, SharedLimits


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What one run is asked to do."""

    campaign: Campaign
    folder: Folder
    rate: RateLimit
    limits: Limits
    only: Selection = EVERYTHING
    accept_drift: bool = False
    start_over: bool = False
    reuse: bool = True
    """Whether images of other campaigns may be used."""
    link: bool = False
    """Whether they may be the very files, under another name, and not copies."""
    review: bool = False
    """Whether the page to choose on is written once everything is stored."""
    sheets: bool = True
    """Whether a contact sheet is drawn at the end."""
    shared: SharedLimits = field(default_factory=SharedLimits)
    forbidden: CampaignError | None = None
    """Why nothing may be bought; what is paid for is fetched all the same."""
    since: RequestCounts | None = None
    """What the record knew when the run began, if that was in another process: its limits count from there."""
    references: Mapping[str, Path] = field(default_factory=dict)
    """Where reference images are, by the SHA-256 of their content, if not where the campaign file says."""


@dataclass(frozen=True, slots=True)
class ServiceAccess:
    """How the service is reached, and what this machine remembers of it.

    `settings` is called once something is to be asked, so that a finished campaign needs no credentials.
    `origin` is what the journal records; `memory` is None where nothing is to be remembered.
    """

    origin: str
    settings: Callable[[], Settings]
    state: Path
    memory: RunRegistry | None = None
    quota: Callable[[RateLimit, Clock], OpenableQuota] | None = None
    """The allowance, where it is not the one that the processes of this machine share."""
    claiming: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the run of this process that looks what others buy: other processes are kept away by a lock file."""

    @property
    def is_sandbox(self) -> bool:
        return self.origin == SANDBOX

    def account(self) -> str:
        """Whose allowance it is: the service and the client id."""
        settings = self.settings()
        return account_of(settings.firefly_url, settings.credentials.client_id)


async def at_once() -> None:
    """The start of a run that waits for no other."""


async def told_at_once(code: int) -> None:
    """The end of a run whose report waits for no other."""


@dataclass(frozen=True, slots=True)
class UserInterface:
    """The person or the cron job a run reports to.

    `confirm_purchase` is asked before the first purchase and may refuse. `report` takes the lines of the report.
    `confirm_reuse` may refuse images of other campaigns, `confirm_removal` an edit that drops stored images.
    `wait_for_others` is awaited before the first request: nothing was sent until then. `ended` is told the state of the
    campaign once all is counted. `told` is awaited with the exit status once the report is complete: what follows is
    only for looking at, and a signal ends it. `pictured` hears how many small pictures are done, and of how many.
    """

    control: Control
    confirm_purchase: Callable[[Estimate], bool]
    report: Callable[[str], None]
    confirm_reuse: Callable[[ReuseOffers], bool] = lambda found: True
    confirm_removal: Callable[[Changes], bool] = lambda changes: True
    wait_for_others: Callable[[], Awaitable[None]] = at_once
    ended: Callable[[Standing], None] = lambda standing: None
    told: Callable[[int], Awaitable[None]] = told_at_once
    pictured: Callable[[int, int], None] = lambda made, of: None
