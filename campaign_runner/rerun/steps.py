"""The steps of a rerun that are its own, in the order in which they are taken; the others it has in common with a run.

Before the bulk goes a canary: one request. Where its images, or a custom model's version, are not the recorded ones,
nothing more is bought unless a person accepted that. What was made is in a journal of its own, so that asking again
goes on where it stopped.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from heapq import nlargest
from pathlib import Path
from typing import Self

from campaign_runner.errors import CampaignError, IntegrityError, ProviderError, StoreError
from campaign_runner.events import ModelResolved, Started
from campaign_runner.model import Job, State
from campaign_runner.plan.cost import Estimate, minutes
from campaign_runner.rerun.comparison import Pair, compare
from campaign_runner.rerun.drift import canary_drift, model_drift, model_ids, still_there
from campaign_runner.rerun.references import find_references
from campaign_runner.rerun.request import RerunRequest
from campaign_runner.run.limits import SharedLimits
from campaign_runner.run.runner import Runner
from campaign_runner.run.stop import Level
from campaign_runner.session.preflight import patiently
from campaign_runner.session.road import Road, Step
from campaign_runner.tasks import in_thread

MOST_CANARIES = 3
"""Requests sent one by one until one of them brings an image to compare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun(Road):
    """How far a rerun has come; `drift` says how the custom models differ from those that made the recorded images."""

    order: RerunRequest
    drift: Sequence[str] = ()
    references: Mapping[str, Path] = field(default_factory=dict)

    def goes_on_after(self, refusal: CampaignError) -> bool:
        """What the service refuses, or the disk, is part of how a rerun ended."""
        return isinstance(refusal, ProviderError | StoreError)

    def at_once(self) -> int:
        """Those of the largest requests that are due, as many as may be in progress."""
        return sum(nlargest(self.limits.concurrency, (len(job.variations) for job in self.due())))

    def counts(self) -> dict[State, int]:
        """How many of the chosen images are in each state, in the folder they are made into."""
        keys = [image.key for image in self.order.chosen.images]
        states = self.ledger.states(keys)
        found = Counter(states.get(key, State.PENDING) for key in keys)
        return {state: found[state] for state in State}

    def due(self, jobs: Sequence[Job] | None = None) -> Iterator[Job]:
        """What is due of `jobs`, by default of all."""
        for job in self.order.chosen.jobs if jobs is None else jobs:
            states = self.ledger.states(job.keys)
            left = tuple(each for each in job.variations if states.get(each.key, State.PENDING) == State.PENDING)
            if left:
                yield Job(job.recipe, left)

    async def compared(self, job: Job) -> Sequence[Pair]:
        images = [image for image in self.order.chosen.images if image.key in job.keys]
        return await compare(images, self.ledger, self.order.sides)

    async def heed_known_drift(self) -> Self | None:
        """The drift that an earlier rerun's canary has shown already: then no more is sent."""
        if self.order.accept_drift:
            return None
        found = tuple(canary_drift(await self.compared(self.order.chosen.jobs[0])))
        return replace(self, refusal=self._refuse_drift(found)) if found else None

    async def look_for_references(self) -> Self:
        """Over if nothing is due and nothing waits. Raises UsageError if a reference image is missing."""
        due = list(self.due()) if self.refusal is None else []
        if not due and not self.waiting:
            return replace(self, is_over=True)
        return replace(self, references=await in_thread(find_references, due, self.order.references))

    async def settle(self: Rerun) -> Rerun:
        """Whether anything may be bought; asks nothing if nothing is due."""
        return await self.agree(AGREEING if any(self.due()) else ())

    async def find_models(self) -> Self | None:
        """What the custom models are now; a model that is gone is an error of the account."""
        images = self.order.chosen.images
        if not (ids := model_ids(images)):
            return None
        models = still_there(ids, await patiently(self.service.list_models, self.control))
        await self.journal.record([ModelResolved(model) for model in models])
        return replace(self, drift=tuple(model_drift(images, models)))

    async def check_names(self) -> None:
        """What is made again has the names of its manifest, in another folder and perhaps on another disk."""
        names = (each.name(job.recipe.accept) for job in self.due() for each in job.variations)
        await self.folder.store.check_names(names)

    async def confirm(self) -> None:
        """Ask whether it may be spent; not where it is known that nothing will be: the canary has been sent."""
        is_canary_due = any(self.due(self.order.chosen.jobs[:1]))
        if self.drift and not self.order.accept_drift and not is_canary_due:
            self._refuse_drift(self.drift)
        elif not self.ui.confirm_purchase(self._figures()):
            self.control.stop_asked("cancelled; nothing was bought")

    async def schedule(self) -> Self:
        """Run the scheduler: on a canary first, then on the rest."""
        ports = await self.ports(self.journal, self.references)
        figures, began = self._figures(), asyncio.get_running_loop().time()
        may_buy, requests = figures.images_to_buy, figures.requests
        self.control.observe(Started(figures.campaign, figures.due, requests, self.waiting, may_buy))
        shared = SharedLimits()  # what the canary spent counts for the bulk

        async def go(jobs: Sequence[Job]) -> None:
            """What is due of `jobs`, and what waits at Adobe."""
            limits = self.limits
            if limits.max_seconds is not None:
                passed = asyncio.get_running_loop().time() - began
                limits = replace(limits, max_seconds=max(limits.max_seconds - passed, 0.0))
            await Runner(ports, limits, control=self.control, shared=shared).run(self.due(jobs))

        await go(await self._after_canary(go))
        return await self.end(ports.quota)

    async def _after_canary(self, go: Callable[[Sequence[Job]], Awaitable[None]]) -> Sequence[Job]:
        """Send one request and look at what came; the answer are the requests that may follow."""
        jobs = self.order.chosen.jobs
        if self.order.accept_drift:
            return jobs
        for number, job in enumerate(jobs[:MOST_CANARIES], start=1):
            await go([job])
            if self.control.stop.reached(Level.NO_SUBMITS):
                return ()
            pairs = await self.compared(job)
            if found := [*self.drift, *canary_drift(pairs)]:
                self._refuse_drift(found)
                return ()
            if any(pair.verdict != "not_made" for pair in pairs):
                return jobs[number:]
        self.control.stop_later(f"none of the first {MOST_CANARIES} requests brought an image to compare")
        return ()

    def _refuse_drift(self, found: Sequence[str]) -> IntegrityError:
        """What differs is part of how the rerun ended, and told at once."""
        refusal = IntegrityError(
            f"{'; '.join(found)}. Nothing more was sent. Look at the comparison; to accept the new look, add "
            "--accept drift"
        )
        self.control.failed(refusal)
        return refusal

    def _figures(self) -> Estimate:
        """What a person is asked about, as for a run."""
        order, due = self.order, list(self.due())
        images, seconds = sum(len(job.variations) for job in due), order.rate.seconds(len(due))
        now = self.control.clock.now().astimezone()
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
            **{state: number for state, number in self.counts().items() if state != State.PENDING},
        )


AGREEING: Sequence[Step[Rerun]] = (Rerun.check_room, Rerun.sign_in, Rerun.find_models, Rerun.check_names, Rerun.confirm)
"""What `settle` takes where something is due: each may refuse that money is spent."""
ROAD: Sequence[Step[Rerun]] = (
    Rerun.heed_known_drift,
    Rerun.look_for_references,
    Rerun.reach_service,
    Rerun.settle,
    Rerun.schedule,
)
"""A rerun, between its open record and the comparison."""
