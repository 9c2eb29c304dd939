"""The scheduler: due jobs go out under a semaphore, accepted ones are polled together, images are kept.

It knows its parts only as ports; clock, randomness and the stop flag are passed in, there are no
globals and no signal handlers. Tasks exist only for jobs in flight.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from functools import partial

from campaign_runner.disk.shared_calls import SharedCalls, in_loop
from campaign_runner.errors import GenerationFailed
from campaign_runner.events import (
    Attempt,
    Event,
    Fact,
    Failed,
    StillAccepted,
    Stored,
    Warned,
)
from campaign_runner.model import Cause, Finished, Job, Ticket
from campaign_runner.ports import Permit, Unfinished
from campaign_runner.run.control import Clock, Control
from campaign_runner.run.deliveries import Delivery, GivenUp
from campaign_runner.run.ending import Ending
from campaign_runner.run.fetcher import ImageFetcher
from campaign_runner.run.limits import Limits, Ports, SharedLimits
from campaign_runner.run.pace import Kind, Pace
from campaign_runner.run.polls import POLLERS, NoLongerFollowed, Polls, Silence
from campaign_runner.run.slots import Slots
from campaign_runner.run.stop import Level, Stop
from campaign_runner.run.submitter import Submitter
from campaign_runner.tasks import TaskSet, to_its_end

RECORDED_APART = 0.02
"""Seconds that a stored image may wait for others to share their commit, where a fact was just recorded."""
PATIENCE = 15 * 60.0
"""Seconds a job is polled after its acceptance before it is let go of, for a while or until the next run."""
LOST_AFTER = timedelta(hours=24)
"""How long after its acceptance a job is lost that the service says is gone: so long it keeps what it made."""
RETURN = 30 * 60.0
"""Seconds after which a run that goes on asks again for what it had let go of: a link lives an hour, a job a day."""
SILENT = "Adobe has not said for a minute how the jobs in progress are doing; no more requests are sent until it does"
GRACE = 90.0
"""Seconds a drain waits for answers under way: longer than a submit may take."""
GRACE_AFTER_SIGNAL = 10.0
"""The same once a signal came, seconds."""


class Runner:
    """One run over a plan's due jobs and over what earlier runs left accepted. Use once.

    `control` may be told to stop from outside at any time; its observer sees every event as it happens.
    `shared` is what it has in common with runs beside it, `known` how long jobs took in earlier runs, in seconds.
    """

    def __init__(
        self,
        ports: Ports,
        limits: Limits | None = None,
        *,
        control: Control | None = None,
        shared: SharedLimits | None = None,
        known: Mapping[Kind, Sequence[float]] | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._control = control or Control(Clock(), Stop(), _nobody)
        self._journal = ports.journal
        self._facts = SharedCalls(in_loop(self._recorded), apart=RECORDED_APART)
        self._slots = Slots(self._limits.concurrency, self._control.stop)
        self._paces = {kind: Pace(durations) for kind, durations in (known or {}).items()}
        self._left: set[str] = set()  # attempts that are accepted and that no one follows
        self._returning = asyncio.Lock()
        heard, random = self._control.note_answer, self._control.clock.random
        self._polls = Polls(ports.provider, heard=heard, random=random)
        shared = shared or SharedLimits()
        self._submitter = Submitter(
            ports,
            self._limits,
            self._control,
            shared=shared,
            slots=self._slots,
            record=self._record,
        )
        self._fetcher = ImageFetcher(ports, self._control, self._record, shared.downloads)

    @property
    def durations(self) -> dict[Kind, list[float]]:
        """How many seconds the last jobs of each kind took, those that were known before included."""
        return {kind: list(pace.durations) for kind, pace in self._paces.items() if pace.durations}

    async def run(self, jobs: Iterable[Job]) -> Ending:
        """Drive everything to its end, or until the run is stopped. What goes wrong is in the ending, never raised."""
        time = asyncio.get_running_loop().time
        began = time()
        async with TaskSet(partial(self._control.failed, level=Level.DRAINING)) as pollers:
            for _ in range(POLLERS):
                self._begin_poller(pollers)
            async with TaskSet(self._control.failed) as tasks:
                pollers.start(self._drain(tasks))
                pollers.start(self._keep_time())
                pollers.start(self._return_at_times(tasks))
                tasks.start(self._begin(tasks, jobs))
                await tasks.join()
                if time() - began >= RETURN:  # once more what was let go of meanwhile
                    tasks.start(self._return(tasks))
            pollers.cancel()
        return self._control.ending

    def _begin_poller(self, pollers: TaskSet) -> None:
        pollers.start(self._polls.serve(partial(self._begin_poller, pollers)))

    async def _begin(self, tasks: TaskSet, jobs: Iterable[Job]) -> None:
        """Begin everything that is to be done: what is paid for first."""
        await self._resume(tasks)
        for job in jobs:
            if self._control.stop.reached(Level.NO_SUBMITS) or not await self._slots.admitted(Level.NO_SUBMITS):
                return
            tasks.start(self._drive(job))

    async def _resume(self, tasks: TaskSet) -> None:
        """Follow again what earlier runs left accepted: it is paid for, so it comes first."""
        async for unfinished in self._journal.unfinished():
            if not await self._slots.admitted(Level.DRAINING):
                return
            tasks.start(self._follow_again(unfinished))

    async def _return_at_times(self, tasks: TaskSet) -> None:
        """Follow again, for as long as the run lasts, what it let go of: no other run can, and the service forgets."""
        while await self._control.stop.sleep(Level.DRAINING, RETURN):
            if not self._returning.locked():
                tasks.start(self._return(tasks))

    async def _return(self, tasks: TaskSet) -> None:
        """Follow again what was let go of; not where an error ends the run, which would only meet it again."""
        async with self._returning:
            left = frozenset(self._left)  # of what is let go of only now, the journal's page may be too old
            if not left:
                return
            async for unfinished in self._journal.unfinished():
                if unfinished.attempt.id not in left:
                    continue
                if self._control.ending.errors or not await self._slots.admitted(Level.DRAINING):
                    return
                self._left.remove(unfinished.attempt.id)
                tasks.start(self._follow_again(unfinished))

    async def _drive(self, job: Job) -> None:
        """The life of one job; a crash at any await is safe."""
        with self._slots.room_held(), self._slots.slot_held() as slot:
            accepted = await self._submitter.submit(job)
            if accepted is not None:
                attempt, ticket = accepted
                followed = Unfinished(attempt, attempt.job.seeds, ticket, self._control.clock.now())
                await self._follow(followed, age=0.0, slot=slot)

    async def _follow_again(self, unfinished: Unfinished) -> None:
        """The life of a job that an earlier run left accepted."""
        age = (self._control.clock.now() - unfinished.accepted_at).total_seconds()
        with self._slots.room_held(), self._slots.slot_held() as slot:
            await self._follow(unfinished, age=max(age, 0.0), slot=slot)

    async def _follow(self, unfinished: Unfinished, *, age: float, slot: ExitStack) -> None:
        """From accepted to stored. The slot is free as soon as the job is finished, before its images are fetched."""
        attempt, ticket, seeds = unfinished.attempt, unfinished.ticket, unfinished.seeds
        for warning in ticket.warnings:
            self._control.observe(Warned(warning))
        pace, patience = self._pace(attempt.job), max(PATIENCE - age, 0.0)
        try:
            finished = await self._polls.finished(
                ticket, pace, age=age, patience=patience, silence=self._silence(attempt, slot)
            )
            slot.close()
            aside = set(unfinished.aside)
            await self._fetcher.keep(Delivery(attempt, seeds, finished, lambda: self._fresh(ticket), aside))
        except GenerationFailed as failure:
            for variation in attempt.job.variations:
                await self._record(Failed(attempt, variation, Cause(failure.code or "failed", str(failure))))
        except NoLongerFollowed as reason:
            self._stop_where_silent(attempt, age)
            if reason.is_gone and not isinstance(reason, GivenUp) and len(attempt.job.variations) == len(seeds):
                self._control.useless(attempt.id, str(reason))
            await self._let_go(attempt, reason, age)
        finally:
            self._slots.answered(attempt.id)

    def _stop_where_silent(self, attempt: Attempt, age: float) -> None:
        """What was bought in this run and as much as may be under way is told of by no one: buy nothing more."""
        if age == 0.0 and self._slots.are_silent and self._slots.is_unanswered(attempt.id):
            self._control.stop_later(SILENT)

    def _silence(self, attempt: Attempt, slot: ExitStack) -> Silence:
        """What happens to a job's slot where no one says the status of the job."""

        def note(is_silent: bool) -> None:
            if is_silent:
                self._slots.give_up(attempt.id, slot)
                if self._slots.are_silent:
                    self._control.warn_once(SILENT)
            else:
                self._slots.answered(attempt.id)

        return note

    async def _fresh(self, ticket: Ticket) -> Finished:
        """The same job's outputs again, under new URLs."""
        return await self._polls.finished(ticket, Pace(), age=PATIENCE, patience=0.0)

    async def _let_go(self, attempt: Attempt, reason: NoLongerFollowed, age: float) -> None:
        if reason.is_gone and age > LOST_AFTER.total_seconds():
            lost = Cause("lost", f"paid for, but could not be downloaded for 24 hours: {reason}")
            for variation in await self._fetcher.recover(attempt):
                await self._record(Failed(attempt, variation, lost))
        else:
            self._left.add(attempt.id)
            self._control.observe(StillAccepted(attempt, Cause(reason.code, str(reason))))

    async def _record(self, fact: Fact, answers: Permit | None = None) -> Fact:
        # An image that is stored could be fetched again; a job id that is lost was paid for, and what does not go as it
        # should may concern all that is about to leave.
        waits = isinstance(fact, Stored)
        recorded: Fact = await to_its_end(self._facts.asked((fact, answers), at_once=not waits))
        self._control.observe(recorded)
        return recorded

    async def _recorded(self, told: list[tuple[Fact, Permit | None]]) -> Sequence[Fact]:
        answers = [permit for _, permit in told if permit is not None]
        return await self._journal.record([fact for fact, _ in told], answers=answers)

    def _pace(self, job: Job) -> Pace:
        kind = job.recipe.version, job.size.width * job.size.height >> 20
        if kind not in self._paces:
            self._paces[kind] = Pace()
        return self._paces[kind]

    async def _keep_time(self) -> None:
        limits = self._limits
        left = limits.seconds_left(self._control.clock.now())
        if left < math.inf:
            await asyncio.sleep(left)
            when = (
                f"at {limits.until:%H:%M}"
                if limits.until is not None and left != limits.max_seconds
                else "after --max-runtime"
            )
            self._control.stop_asked(f"stopped {when}, as requested")

    async def _drain(self, tasks: TaskSet) -> None:
        """Once the run is draining: let go of the polls at once, and of the rest after a grace."""
        stop = self._control.stop
        await stop.until(Level.DRAINING, asyncio.Event().wait())
        self._polls.let_go()
        if not await stop.sleep(Level.INTERRUPTED, GRACE):
            await asyncio.sleep(GRACE_AFTER_SIGNAL)
        tasks.cancel()


def _nobody(event: Event) -> None:
    """The observer of a run that no one watches."""
