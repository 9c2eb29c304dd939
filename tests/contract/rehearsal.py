"""A campaign run as the command runs it, against a recorded sandbox in the same loop, in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.errors import CampaignError
from campaign_runner.firefly.credentials import Credentials, Secret
from campaign_runner.firefly.settings import Settings as ClientSettings
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.registry import RunRegistry
from campaign_runner.plan.cost import RateLimit
from campaign_runner.run.control import Clock, Control
from campaign_runner.run.limits import Limits
from campaign_runner.run.stop import Stop
from campaign_runner.sandbox.faults import Fault
from campaign_runner.sandbox.serve import serving
from campaign_runner.sandbox.settings import Settings
from campaign_runner.session.request import RunRequest, ServiceAccess, UserInterface
from campaign_runner.session.session import run_campaign
from tests.checker import Seen, check
from tests.contract.recording import RecordedSandbox

BEGAN = datetime(2026, 9, 1, 22, 0, tzinfo=UTC)
SECRET = "canary-secret-51c7e2"
FAST = RateLimit(per_minute=600, per_day=1_000_000)
ROOT = Path(__file__).parents[2]


@dataclass
class Rehearsal:
    """A sandbox being served, and a folder for what is made. `exits` and `per_minute` are for the checker."""

    home: Path
    sandbox: RecordedSandbox
    origin: str
    exits: dict[str, int] = field(default_factory=dict)
    per_minute: int = 0

    @property
    def ledger(self) -> dict[str, Any]:
        return self.sandbox.ledger.as_json()

    def write(self, model: str = "image3", requests: int = 4, seeds: int = 4, *, more: str = "") -> Path:
        """A campaign of so many requests with so many seeds each, in the smallest size of the family."""
        size = "896x1152" if model.startswith("image3") else "1440x2560"
        products = "".join(f"  p{number}: almond mug {number}\n" for number in range(requests))
        text = (
            f"campaign: small\nmodel: {model}\nproducts:\n{products}prompts:\n  hero: '{{product.name}} on a table'\n"
        )
        text += f"sizes: [{size}]\nseeds: {list(range(1, seeds + 1))}\n{more}"
        file = self.home / "campaigns" / "small.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    async def run(self, file: Path, *, rate: RateLimit = FAST, concurrency: int = 8) -> int:
        """The exit status of one run, as the command says it."""
        campaign = load(file)
        code = await self._make(campaign, rate=rate, concurrency=concurrency)
        self.exits[campaign.campaign] = code
        self.per_minute = max(self.per_minute, rate.per_minute)
        return code

    async def _make(self, campaign: Campaign, *, rate: RateLimit, concurrency: int) -> int:
        folder = Folder(self.home / "output" / campaign.campaign)
        seconds = asyncio.get_running_loop().time
        clock = Clock(lambda: BEGAN + timedelta(seconds=seconds()), random=lambda: 0.5)
        settings = ClientSettings(self.origin, self.origin, Credentials("canary-client", Secret(SECRET)))
        state = self.home / "state"
        access = ServiceAccess(self.origin, lambda: settings, state, RunRegistry(state))
        ui = UserInterface(
            Control(clock, Stop(), lambda event: None), confirm_purchase=lambda figures: True, report=lambda line: None
        )
        try:
            return await run_campaign(RunRequest(campaign, folder, rate, Limits(concurrency=concurrency)), access, ui)
        except CampaignError as error:
            return error.exit_code

    def check(self) -> None:
        """Everything that must hold of what the runs left; raises AssertionError."""
        seen = Seen(self.exits, state=self.home / "state", per_minute=self.per_minute or None)
        check(self.home / "output", self.ledger, canaries=(SECRET.encode(), b"Bearer "), seen=seen)

    def manifest(self, name: str = "small") -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads((self.home / "output" / name / "manifest.json").read_bytes())
        return manifest


@asynccontextmanager
async def rehearsed(home: Path, *faults: Fault, **switches: Any) -> AsyncIterator[Rehearsal]:
    """A sandbox with these faults and switches: generous and plain unless they say otherwise.

    In the end the checker looks at what the runs left.
    """
    settings = Settings(**{"per_minute": 600, "strict": True, "plain_pictures": True, **switches})
    sandbox = recorded(settings, faults)
    async with serving(sandbox) as origin:
        rehearsal = Rehearsal(home, sandbox, origin)
        yield rehearsal
        if rehearsal.exits:
            rehearsal.check()


def recorded(settings: Settings, faults: Iterable[Fault]) -> RecordedSandbox:
    clock = asyncio.get_running_loop().time
    return RecordedSandbox(settings, faults=faults, clock=clock, began=BEGAN + timedelta(seconds=clock()))
