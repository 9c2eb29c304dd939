"""What a test of the run is made of: a campaign on the disk, a sandbox, and a run from its lock to its report."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.errors import CampaignError
from campaign_runner.events import Event, Stopping
from campaign_runner.firefly.credentials import Credentials, Secret
from campaign_runner.firefly.settings import Settings
from campaign_runner.maintenance.resolve import Decision, apply
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.opened import open_for_update
from campaign_runner.output_folder.registry import RunRegistry
from campaign_runner.plan.cost import RateLimit
from campaign_runner.plan.selection import EVERYTHING, Selection
from campaign_runner.ports import Store
from campaign_runner.run.control import Clock, Control
from campaign_runner.run.limits import Limits, SharedLimits, of_one_command
from campaign_runner.run.stop import Stop
from campaign_runner.sandbox.downloads import picture_of
from campaign_runner.sandbox.faults import Fault
from campaign_runner.sandbox.images import render
from campaign_runner.sandbox.ledger import Ledger
from campaign_runner.sandbox.metadata import with_metadata
from campaign_runner.sandbox.server import Sandbox
from campaign_runner.session.request import RunRequest, ServiceAccess, UserInterface
from campaign_runner.session.session import run_campaign
from campaign_runner.session.several import CampaignRun, run_campaigns
from campaign_runner.store import FolderStore
from campaign_runner.uptime import Uptime
from tests.checker import Seen, check
from tests.virtual import VirtualLoop

BEGAN = datetime(2026, 9, 1, 22, 0, tzinfo=UTC)
SECRET = "canary-secret-51c7e2"
CANARIES = (SECRET.encode(), b"Bearer ", b"canary-client")
FAST = RateLimit(per_minute=600, per_day=1_000_000)
Watch = Callable[[Event, Control], None]


@dataclass
class Ended:
    """What a run left: its exit status, its report, what was observed, and how many virtual seconds it took.

    `after_stop` is how many of them passed after it began to stop.
    """

    code: int
    lines: list[str]
    events: list[Event]
    seconds: float
    manifest: dict[str, Any]
    after_stop: float | None

    @property
    def images(self) -> list[dict[str, Any]]:
        images: list[dict[str, Any]] = self.manifest["images"]
        return images

    @property
    def states(self) -> Counter[str]:
        return Counter(image["state"] for image in self.images)

    @property
    def reasons(self) -> Counter[str]:
        """The codes of why images are not stored."""
        return Counter(image["reason"]["code"] for image in self.images if image["reason"])

    def seen(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@dataclass
class Several:
    """What a run of several campaigns left; events come with the name of their campaign."""

    parts: list[CampaignRun] = field(default_factory=list)
    events: list[tuple[str, Event]] = field(default_factory=list)
    code: int = 0
    controls: list[Control] = field(default_factory=list)
    refused: list[CampaignError] = field(default_factory=list)

    @property
    def codes(self) -> dict[str, int]:
        return {part.order.campaign.campaign: part.code for part in self.parts}

    def of(self, kind: type) -> list[str]:
        """The campaigns of every event of a kind, as they came."""
        return [name for name, event in self.events if isinstance(event, kind)]


@dataclass
class Night:
    """A sandbox and the folders of one machine. `resolved` are keys that a person ordered again.

    `name` is what the journal calls the service, if not by its origin. `exits`, `lines` and `per_minute` are what
    the checker is told of the runs.
    """

    home: Path
    sandbox: Sandbox
    seconds: Callable[[], float]
    origin: str = ""
    name: str = ""
    clock_error: float = 0.0
    """Seconds by which the wall clock of the client's machine is ahead."""
    slept: float = 0.0
    """Seconds that the client's machine was asleep: its steady clock did not count them."""
    resolved: set[str] = field(default_factory=set)
    exits: dict[str, int] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    per_minute: int = 0
    stores: Callable[[Path], Store] = FolderStore
    """Where the images of an output folder are kept."""
    serving: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def output(self) -> Path:
        return self.home / "output" / "night"

    @property
    def folder(self) -> Folder:
        return Folder(self.output, self.stores)

    @property
    def ledger(self) -> Ledger:
        return self.sandbox.ledger

    def now(self) -> datetime:
        """The wall clock: virtual, as everything."""
        return BEGAN + timedelta(seconds=self.seconds() + self.slept + self.clock_error)

    def settings(self, secret: str = SECRET) -> Settings:
        return Settings(self.origin, self.origin, Credentials("canary-client", Secret(secret)))

    def clock(self) -> Clock:
        return Clock(self.now, random=lambda: 0.5, uptime=self.uptime)

    def uptime(self) -> Uptime:
        """The clock that nobody sets."""
        return Uptime("this start", self.seconds())

    def campaign(
        self,
        requests: int = 2,
        seeds: int = 4,
        *,
        name: str = "night",
        model: str = "image3",
        of: str = "mug",
        more: str = "",
    ) -> Campaign:
        """A campaign of so many requests with so many seeds each (4 at most)."""
        file = self.home / "campaigns" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        products = "".join(f"  p{number:02}: {name} {of} {number}\n" for number in range(requests))
        file.write_text(
            f"campaign: {name}\nmodel: {model}\nproducts:\n{products}prompts:\n"
            f'  hero: "{{product.name}} on a table"\nsizes: [1024x1024]\nseeds: {list(range(1, seeds + 1))}\n{more}',
            encoding="utf-8",
        )
        return load(file)

    def custom(self, model: str) -> Campaign:
        """A campaign of one request for a custom model."""
        return self.campaign(requests=1, model=f"image3_custom\ncustom_model: {model}")

    async def close(self) -> None:
        """Nobody answers any more."""
        await self.serving.aclose()

    def add_fault(self, fault: Fault) -> None:
        """From now on this goes wrong, too."""
        script = self.sandbox._script
        script._faults = (*script._faults, fault)

    def strike(self, fault: Fault) -> None:
        """The same, its times counted from now on: `nth=1` is the next time its place is reached."""
        reached = self.sandbox._script._reached[fault.place]
        times = [fault.nth] if fault.nth else range(1, fault.first + 1) if fault.first else [None]
        for time in times:
            self.add_fault(replace(fault, nth=None if time is None else reached + time, first=None))

    def cut_off(self, error: int) -> None:
        """From now on no new connection can be had, for the reason of this error number."""
        self._loop.refusal = error

    def set_clock(self, seconds: float) -> None:
        """Somebody sets the clock of the client's machine, so far ahead, or back."""
        self.clock_error += seconds

    def sleep_through(self, seconds: float) -> None:
        """The client's machine sleeps, and the world goes on."""
        self.slept += seconds

    def forgive(self) -> None:
        """From now on nothing goes wrong."""
        self.sandbox._script._faults = ()
        self._loop.refusal = None

    @property
    def _loop(self) -> VirtualLoop:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        return loop

    def rendered(self, job: Any, output: Any) -> bytes:
        """The bytes that the service made."""
        body = render(replace(picture_of(job, output), is_plain=self.sandbox.settings.plain_pictures), "image/jpeg")
        return with_metadata(body, "image/jpeg") if output.has("metadata") else body

    def check(self) -> None:
        """Everything that must hold of what the runs left; raises AssertionError."""
        seen = Seen(self.exits, ["\n".join(self.lines)], self.home / "state", self.per_minute or None)
        ledger = self.sandbox.ledger.as_json()
        check(self.home / "output", ledger, resolved=self.resolved, canaries=CANARIES, seen=seen)

    async def run(self, campaign: Campaign | None = None, *, watch: Watch | None = None, **choices: Any) -> Ended:
        """One run, as the command makes it. `choices`: limits, rate, secret, only, origin of another machine's name.

        `hear` is called with each line of the report when it is said.
        """
        campaign = campaign or load(self.home / "campaigns" / "night.yaml")
        events: list[Event] = []
        lines: list[str] = []
        stopped: list[float] = []

        def observe(event: Event) -> None:
            events.append(event)
            if isinstance(event, Stopping):
                stopped.append(self.seconds())
            if watch is not None:
                watch(event, control)

        def say(line: str) -> None:
            lines.append(line)
            choices.get("hear", str)(line)

        control = Control(self.clock(), Stop(), observe)
        answers = {name: choices[name] for name in ("confirm_reuse", "confirm_removal", "told") if name in choices}
        ui = UserInterface(control, confirm_purchase=choices.get("agree", lambda figures: True), report=say, **answers)
        began = self.seconds()
        order = self._order(campaign, choices)
        self.per_minute = max(self.per_minute, order.rate.per_minute)
        self.exits.pop(campaign.campaign, None)  # one that is raised is not told by `make`
        code = await run_campaign(order, self.access(choices.get("secret", SECRET)), ui)
        seconds = self.seconds() - began
        self._told(order, code, lines)
        written = order.folder.manifest  # none before a custom model is known
        manifest = json.loads(written.read_bytes()) if written.exists() else {}
        return Ended(code, lines, events, seconds, manifest, self.seconds() - stopped[0] if stopped else None)

    async def run_together(self, *campaigns: Campaign, watch: Watch | None = None, **choices: Any) -> Several:
        """Several campaigns in one run. `choices`: limits, rate (`rates` by campaign), agree, several, secret."""
        several: Several = choices.get("several") or Several()
        rates = {campaign.campaign: choices.get("rate", FAST) for campaign in campaigns} | choices.get("rates", {})
        shared = of_one_command(rates.values())

        def campaign_run(campaign: Campaign) -> CampaignRun:
            def observe(event: Event) -> None:
                several.events.append((campaign.campaign, event))
                if watch is not None:
                    watch(event, control)

            control = Control(self.clock(), Stop(), observe)
            report: list[str] = []
            ui = UserInterface(
                control, confirm_purchase=choices.get("agree", lambda figures: True), report=report.append
            )
            rate = rates[campaign.campaign]
            order = self._order(campaign, {**choices, "rate": rate, "shared": shared[rate]})
            return CampaignRun(order, ui, report)

        @contextmanager
        def heed(*controls: Control) -> Iterator[None]:
            several.controls.extend(controls)
            yield

        several.parts.extend(map(campaign_run, campaigns))
        access = self.access(choices.get("secret", SECRET))
        several.code = await run_campaigns(several.parts, access, heed=heed, refused=several.refused.append)
        for part in several.parts:
            if part.refusal is None:
                self._told(part.order, part.code, part.report)
        return several

    def _told(self, order: RunRequest, code: int, lines: list[str]) -> None:
        self.lines += lines
        if order.only == EVERYTHING:
            self.exits[order.campaign.campaign] = code

    async def resolve(self, decision: Decision) -> int:
        """What `campaign-runner resolve` does; every key may be bought once more."""
        self.resolved |= set(self.ledger.charged)
        self.exits.clear()
        campaign = load(self.home / "campaigns" / "night.yaml")
        return await apply(decision, open_for_update(self.folder, campaign, self.access().memory), EVERYTHING)

    def access(self, secret: str = SECRET) -> ServiceAccess:
        state = self.home / "state"
        return ServiceAccess(self.name or self.origin, lambda: self.settings(secret), state, RunRegistry(state))

    def _order(self, campaign: Campaign, choices: dict[str, Any]) -> RunRequest:
        only: Selection = choices.get("only", EVERYTHING)
        limits = choices.get("limits", Limits(concurrency=8))
        folder = self.folder.at(self.home / "output" / campaign.campaign)
        shared = choices.get("shared") or SharedLimits()
        reuse = choices.get("reuse", True)
        drift, over = choices.get("accept_drift", False), choices.get("start_over", False)
        rate = choices.get("rate", FAST)
        choice = {"accept_drift": drift, "start_over": over, "reuse": reuse, "forbidden": choices.get("forbidden")}
        choice |= {"review": choices.get("review", False)}
        return RunRequest(campaign, folder, rate, limits, only, shared=shared, **choice)
