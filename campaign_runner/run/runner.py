"""The scheduler: due jobs go out under a semaphore, accepted ones are polled together, images are kept.

It knows its parts only as ports; clock, randomness and the stop flag are passed in, there are no
globals and no signal handlers. Tasks exist only for jobs that are being submitted or fetched: one that is accepted is
a small record until it is finished.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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
from campaign_runner.run.polls import POLLERS, Follower, NoLongerFollowed, Outcome, Polls
from campaign_runner.run.slots import JobPlace, Slots
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


SUBMITTED_AT_ONCE = 100
"""Jobs between due and accepted at the very most: as many as the client has connections for."""


@dataclass(slots=True)
class _UnderWay(Follower):
    """An accepted job, which takes its place until its end. `age` is seconds since its acceptance, when it came."""

    runner: Runner
    unfinished: Unfinished
    age: float
    place: JobPlace

    def silence(self, *, begins: bool) -> None:
        self.runner.note_silence(self, begins=begins)

    def ended(self, outcome: Outcome) -> None:
        self.runner.begin_end(self, outcome)


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
        self._submits = asyncio.Semaphore(SUBMITTED_AT_ONCE)
        self._tasks = TaskSet(self._control.failed)
        self._followed = 0  # jobs, without a task each
        self._none_followed = asyncio.Event()
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
        began = asyncio.get_running_loop().time()
        try:
            async with TaskSet(partial(self._control.failed, level=Level.DRAINING)) as pollers:
                for _ in range(POLLERS):
                    self._begin_poller(pollers)
                async with self._tasks as tasks:
                    pollers.start(self._drain())
                    pollers.start(self._keep_time())
                    pollers.start(self._return_at_times())
                    tasks.start(self._begin(jobs))
                    await tasks.join()
                    tasks.start(self._return_once_more(began))
                pollers.cancel()
        finally:
            self._polls.forget()
        return self._control.ending

    def _begin_poller(self, pollers: TaskSet) -> None:
        pollers.start(self._polls.serve(partial(self._begin_poller, pollers)))

    async def _begin(self, jobs: Iterable[Job]) -> None:
        """Begin everything that is to be done: what is paid for first."""
        await self._resume()
        stop = self._control.stop
        for job in jobs:
            if stop.reached(Level.NO_SUBMITS) or not await stop.acquired(Level.NO_SUBMITS, self._submits):
                return
            if (place := await self._slots.admitted(Level.NO_SUBMITS)) is None:
                return
            self._tasks.start(self._drive(job, place))

    async def _resume(self) -> None:
        """Follow again what earlier runs left accepted: it is paid for, so it comes first."""
        async for unfinished in self._journal.unfinished():
            if (place := await self._slots.admitted(Level.DRAINING)) is None:
                return
            self._follow_again(unfinished, place)

    async def _return_at_times(self) -> None:
        """Follow again, for as long as the run lasts, what it let go of: no other run can, and the service forgets."""
        while await self._control.stop.sleep(Level.DRAINING, RETURN):
            if not self._returning.locked():
                self._tasks.start(self._return())

    async def _return_once_more(self, began: float) -> None:
        """Follow again what a long run let go of towards its end."""
        if asyncio.get_running_loop().time() - began >= RETURN:
            await self._return()

    async def _return(self) -> None:
        """Follow again what was let go of; not where an error ends the run, which would only meet it again."""
        async with self._returning:
            left = frozenset(self._left)  # of what is let go of only now, the journal's page may be too old
            if not left:
                return
            async for unfinished in self._journal.unfinished():
                if unfinished.attempt.id not in left:
                    continue
                if self._control.ending.errors or (place := await self._slots.admitted(Level.DRAINING)) is None:
                    return
                self._left.remove(unfinished.attempt.id)
                self._follow_again(unfinished, place)

    async def _drive(self, job: Job, place: JobPlace) -> None:
        """The life of one job until it is followed; a crash at any await is safe."""
        accepted = None
        try:
            accepted = await self._submitter.submit(job)
        finally:
            self._submits.release()
            if accepted is None:
                place.leave()
        if accepted is not None:
            attempt, ticket = accepted
            unfinished = Unfinished(attempt, attempt.job.seeds, ticket, self._control.clock.now())
            self._follow(_UnderWay(self, unfinished, 0.0, place))

    def _follow_again(self, unfinished: Unfinished, place: JobPlace) -> None:
        """Follow a job that an earlier run, or this one, left accepted."""
        age = (self._control.clock.now() - unfinished.accepted_at).total_seconds()
        self._follow(_UnderWay(self, unfinished, max(age, 0.0), place))

    def _follow(self, job: _UnderWay) -> None:
        """Have an accepted job followed. One task waits for all that are, so that the run does not end before them."""
        ticket = job.unfinished.ticket
        for warning in ticket.warnings:
            self._control.observe(Warned(warning))
        pace = self._pace(job.unfinished.attempt.job)
        self._polls.follow(ticket, pace, job, age=job.age, patience=max(PATIENCE - job.age, 0.0))
        self._followed += 1
        if self._followed == 1:
            self._none_followed.clear()
            self._tasks.start(self._until_none_is_followed())

    async def _until_none_is_followed(self) -> None:
        await self._none_followed.wait()

    def begin_end(self, job: _UnderWay, outcome: Outcome) -> None:
        """The job is not followed any more: see it to its end."""
        self._tasks.start(self._end(job, outcome))
        self._followed -= 1
        if not self._followed:
            self._none_followed.set()

    async def _end(self, job: _UnderWay, outcome: Outcome) -> None:
        """From finished to stored. The slot is free as soon as the job is finished, before its images are fetched."""
        attempt, ticket, seeds, age = job.unfinished.attempt, job.unfinished.ticket, job.unfinished.seeds, job.age
        try:
            if not isinstance(outcome, Finished):
                raise outcome
            job.place.free_slot()
            aside = set(job.unfinished.aside)
            await self._fetcher.keep(Delivery(attempt, seeds, outcome, lambda: self._fresh(ticket), aside))
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
            job.place.leave()

    def _stop_where_silent(self, attempt: Attempt, age: float) -> None:
        """What was bought in this run and as much as may be under way is told of by no one: buy nothing more."""
        if age == 0.0 and self._slots.are_silent and self._slots.is_unanswered(attempt.id):
            self._control.stop_later(SILENT)

    def note_silence(self, job: _UnderWay, *, begins: bool) -> None:
        """No one says the status of the job: its slot is another's. Or someone does again."""
        if not begins:
            self._slots.answered(job.unfinished.attempt.id)
            return
        self._slots.give_up(job.unfinished.attempt.id, job.place)
        if self._slots.are_silent:
            self._control.warn_once(SILENT)

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

    async def _drain(self) -> None:
        """Once the run is draining: let go of the polls at once, and of the rest after a grace."""
        stop = self._control.stop
        await stop.until(Level.DRAINING, asyncio.Event().wait())
        await self._polls.let_go()
        if not await stop.sleep(Level.INTERRUPTED, GRACE):
            await asyncio.sleep(GRACE_AFTER_SIGNAL)
        self._tasks.cancel()


def _nobody(event: Event) -> None:
    """The observer of a run that no one watches."""
