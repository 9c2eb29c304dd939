"""The part of a rerun that may speak to the service: through the same scheduler, allowance and journal as a run.

Before the bulk goes a canary: one request. Where its images, or a custom model's version, are not the recorded ones,
nothing more is bought unless a person accepted that. What was made is in a journal of its own, so that asking again
goes on where it stopped.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from campaign_runner.disk.files import make_folder
from campaign_runner.disk.name_lengths import try_longest
from campaign_runner.errors import AccountRefused, CampaignError, IntegrityError, ProviderError, StoreError
from campaign_runner.events import ModelResolved, Started
from campaign_runner.firefly.client import FireflyClient
from campaign_runner.firefly.references import ReferenceFiles, WithReferences
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.journal.ledger import STATES, Ledger
from campaign_runner.model import Job
from campaign_runner.plan.cost import Estimate, minutes
from campaign_runner.ports import Allowance, Quota
from campaign_runner.rerun.comparison import Pair, compare
from campaign_runner.rerun.drift import canary_drift, model_drift, model_ids, still_there
from campaign_runner.rerun.references import find_references
from campaign_runner.rerun.request import RerunRequest
from campaign_runner.run.limits import Limits, Ports, SharedLimits
from campaign_runner.run.runner import Runner
from campaign_runner.run.stop import Level
from campaign_runner.session.preflight import patiently
from campaign_runner.session.request import ServiceAccess, UserInterface
from campaign_runner.session.wiring import Workshop
from campaign_runner.tasks import in_thread

MOST_CANARIES = 3
"""Requests sent one by one until one of them brings an image to compare."""


class Maker:
    """Makes what is due of a manifest. The caller holds the lock of the folder it goes to. Use once."""

    def __init__(
        self, order: RerunRequest, access: ServiceAccess, ui: UserInterface, *, journal: SqliteJournal, ledger: Ledger
    ) -> None:
        self._order = order
        self._access = access
        self._ui = ui
        self._control = ui.control
        self._journal = journal
        self.ledger = ledger
        self._workshop = Workshop(order.into, access, order.rate, order.limits)
        self._shared = SharedLimits()  # what the canary spent counts for the bulk
        self._began = 0.0

    def counts(self) -> dict[str, int]:
        """How many of the chosen images are in each state, in the folder they are made into."""
        keys = [image.key for image in self._order.chosen.images]
        states = self.ledger.states(keys)
        found = Counter(states.get(key, "pending") for key in keys)
        return {state: found[state] for state in STATES}

    async def work(self) -> Allowance | None:
        """Nobody is asked where nothing is due and nothing waits. The answer is what is left of the allowance.

        A signal before the scheduler begins ends it at once: what was under way costs nothing.

        Raises UsageError where a reference image is missing, StoreError, IntegrityError; what the service refuses is
        part of how it ended.
        """
        if found := await self._known_drift():
            self._refuse_drift(found)
        due = [] if found else list(self._due(self._order.chosen.jobs))
        if not due and not self._waiting:
            return None
        references = await in_thread(find_references, due, self._order.references)
        try:
            settings = self._access.settings()
        except AccountRefused as error:
            self._control.failed(error)
            return None
        clock, steady = self._control.clock.now, asyncio.get_running_loop().time
        async with FireflyClient(settings, clock=clock, steady=steady, jobs=self._journal) as firefly:
            drift = await self._control.stop.until(Level.INTERRUPTED, self._agree(firefly)) if due else ()
            if self._control.stop.reached(Level.INTERRUPTED):
                return None
            return await self._schedule(firefly, drift or (), references)

    async def _agree(self, firefly: FireflyClient) -> Sequence[str]:
        """Before money: who we are, what the custom models are now, and whether it may be spent.

        The answer says how the models differ from those that made the recorded images.
        """
        drift: Sequence[str] = ()
        try:
            await self._workshop.check_room()
            await patiently(firefly.sign_in, random=self._control.clock.random, tell=self._control.tell)
            drift = await self._look_up(firefly)
            await in_thread(self._refuse_long_names)
        except (ProviderError, StoreError) as error:
            self._control.failed(error)
        else:
            self._ask(drift)
        return drift

    def _ask(self, drift: Sequence[str]) -> None:
        """Ask whether it may be spent; not where it is known that nothing will be: the canary has been sent."""
        is_canary_due = any(self._due(self._order.chosen.jobs[:1]))
        if drift and not self._order.accept_drift and not is_canary_due:
            self._refuse_drift(drift)
        elif not self._ui.confirm_purchase(self._figures()):
            self._control.stop_asked("you said no; nothing was bought")

    def _refuse_long_names(self) -> None:
        """What is made again has the names of its manifest, in another folder and perhaps on another disk."""
        folder, due = self._order.into, self._due(self._order.chosen.jobs)
        names = (each.name(job.recipe.accept) for job in due for each in job.variations)
        make_folder(folder.staging)
        try_longest(names, folder.images, folder.staging)

    async def _look_up(self, firefly: FireflyClient) -> Sequence[str]:
        ids = model_ids(self._order.chosen.images)
        if not ids:
            return ()
        listed = await patiently(firefly.list_models, random=self._control.clock.random, tell=self._control.tell)
        models = still_there(ids, listed)
        await self._journal.record([ModelResolved(model) for model in models])
        return tuple(model_drift(self._order.chosen.images, models))

    async def _schedule(
        self, firefly: FireflyClient, drift: Sequence[str], references: Mapping[str, Path]
    ) -> Allowance | None:
        control = self._control
        provider = WithReferences(firefly, self._journal, ReferenceFiles(references))
        ports = await self._workshop.ports(provider, self._journal, control.clock)
        figures = self._figures()
        self._began = asyncio.get_running_loop().time()
        control.observe(Started(figures.campaign, figures.due, figures.requests, self._waiting))
        await self._go(ports, await self._after_canary(ports, drift))
        return await self._left(ports.quota)

    async def _after_canary(self, ports: Ports, drift: Sequence[str]) -> Sequence[Job]:
        """Send one request and look at what came; the answer are the requests that may follow."""
        jobs = self._order.chosen.jobs
        if self._order.accept_drift:
            return jobs
        for number, job in enumerate(jobs[:MOST_CANARIES], start=1):
            await self._go(ports, [job])
            if self._control.stop.reached(Level.NO_SUBMITS):
                return ()
            pairs = await self._compared(job)
            if found := [*drift, *canary_drift(pairs)]:
                self._refuse_drift(found)
                return ()
            if any(pair.verdict != "not_made" for pair in pairs):
                return jobs[number:]
        self._control.stop_later(f"none of the first {MOST_CANARIES} requests brought an image to compare")
        return ()

    async def _known_drift(self) -> Sequence[str]:
        """What an earlier rerun's canary told already: then nobody is asked for more."""
        if self._order.accept_drift:
            return ()
        return tuple(canary_drift(await self._compared(self._order.chosen.jobs[0])))

    async def _compared(self, job: Job) -> Sequence[Pair]:
        images = [image for image in self._order.chosen.images if image.key in job.keys]
        return await compare(images, self.ledger, self._order.sides)

    def _refuse_drift(self, found: Sequence[str]) -> None:
        self._control.failed(
            IntegrityError(
                f"{'; '.join(found)}. Nothing more was sent. Look at the comparison, and go on with --accept-drift "
                "where other pictures will do"
            )
        )

    async def _go(self, ports: Ports, jobs: Sequence[Job]) -> None:
        """Let the scheduler work on what is due of `jobs`, and on what waits at the service."""
        await Runner(ports, self._limits_left(), control=self._control, shared=self._shared).run(self._due(jobs))

    def _limits_left(self) -> Limits:
        limits = self._order.limits
        if limits.max_seconds is None:
            return limits
        passed = asyncio.get_running_loop().time() - self._began
        return replace(limits, max_seconds=max(limits.max_seconds - passed, 0.0))

    def _due(self, jobs: Sequence[Job]) -> Iterator[Job]:
        for job in jobs:
            states = self.ledger.states(job.keys)
            left = tuple(each for each in job.variations if states.get(each.key, "pending") == "pending")
            if left:
                yield Job(job.recipe, left)

    async def _left(self, quota: Quota) -> Allowance | None:
        try:
            return await quota.allowance()
        except CampaignError as error:  # what was made is recorded and told all the same
            self._control.failed(error)
            return None

    @property
    def _waiting(self) -> int:
        return self.ledger.counts()["accepted"]

    def _figures(self) -> Estimate:
        """What a person is asked about, as for a run."""
        order, due = self._order, list(self._due(self._order.chosen.jobs))
        images, seconds = sum(len(job.variations) for job in due), order.rate.seconds(len(due))
        now = self._control.clock.now().astimezone()
        return Estimate(
            campaign=order.read.head.campaign,
            variations=len(order.chosen.images),
            due=images,
            requests=len(due),
            requests_unpacked=images,
            images_to_buy=images,
            seconds_at_quota=seconds,
            done_at=(now + timedelta(minutes=minutes(len(due), seconds))).isoformat(timespec="seconds"),
            budget_left=None,
            **{state: number for state, number in self.counts().items() if state != "pending"},
        )
