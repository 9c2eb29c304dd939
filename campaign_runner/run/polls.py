"""All accepted jobs, polled concurrently: one heap of due times, served by a few pollers.

A poll is free and may be repeated, so whatever goes wrong is tried again until the job's time is
over; a job that is let go of stays accepted, and is asked for again later or by the next run.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from campaign_runner import retry
from campaign_runner.errors import GenerationFailed, ProviderError
from campaign_runner.model import Finished, Ticket
from campaign_runner.ports import Provider
from campaign_runner.run.pace import Pace

POLLERS = 4
"""Who look at what is due, at least; far from the service more are needed, and begun."""
MOST_POLLERS = 64
"""At once at the very most: what they ask costs the service, too."""
FAILING = 60.0
"""Seconds for which failing polls are repeated at least, however old the job is: one of them proves nothing."""
LEAST_LOOKS = 6
"""How often failing polls are repeated at least, at waits of their own: a host that hangs takes half a minute for one,
and the fourth is the first that asks another place."""
UNANSWERED = 60.0
"""Seconds for which no one says the status of a job, after which it is told of."""
LET_GO_AT_ONCE = 100
"""Jobs, before others have their turn: thousands may be under way."""
DENIALS = 3
"""Answers in a row that the job's images are gone, after which that is believed."""


class NoLongerFollowed(Exception):
    """The job is not followed any further for now; it stays accepted.

    `code` says why; `is_gone` whether the service itself said, more than once, that its images are not to be had.
    """

    def __init__(self, code: str, message: str, *, is_gone: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.is_gone = is_gone


Outcome: TypeAlias = Finished | GenerationFailed | NoLongerFollowed
"""How the following of a job ends: with its images, without any (final), or for now."""


class Follower(Protocol):
    """Who has a job followed. No task waits meanwhile: thousands may be under way."""

    __slots__ = ()

    def silence(self, *, begins: bool) -> None:
        """No one has said the status of the job for `UNANSWERED` seconds; or, where it does not begin, someone does."""

    def ended(self, outcome: Outcome) -> None:
        """The job is not followed any more. Told once."""


class _InTask(Follower):
    """One who waits in a task."""

    def __init__(self) -> None:
        self.outcome: asyncio.Future[Finished] = asyncio.get_running_loop().create_future()

    def silence(self, *, begins: bool) -> None:
        """No one is told."""

    def ended(self, outcome: Outcome) -> None:
        if self.outcome.cancelled():
            return
        if isinstance(outcome, Finished):
            self.outcome.set_result(outcome)
        else:
            self.outcome.set_exception(outcome)


def _stopped() -> NoLongerFollowed:
    return NoLongerFollowed("stopped", "the run was stopped")


@dataclass(order=True, slots=True)
class _Followed:
    """A job on the heap. Times are of the loop's clock, in seconds; `ran_until` is the age when it last still ran."""

    due: float
    order: int
    ticket: Ticket = field(compare=False)
    pace: Pace = field(compare=False)
    since: float = field(compare=False)
    began: float = field(compare=False)
    patient_until: float = field(compare=False)
    follower: Follower = field(compare=False)
    waiting: asyncio.TimerHandle | None = field(default=None, compare=False)
    failures: int = field(default=0, compare=False)
    denials: int = field(default=0, compare=False)
    ran_until: float = field(default=0.0, compare=False)
    is_over: bool = field(default=False, compare=False)

    def teaches(self) -> bool:
        """Whether its end was seen, so that its age tells how long it took: an old job may have ended long ago."""
        return self.ran_until > 0 or self.began == self.since

    def unanswered(self, since: float) -> None:
        """A look that began at `since` did not tell the status of the job."""
        if self.waiting is None:
            self.waiting = asyncio.get_running_loop().call_at(since + UNANSWERED, self._told_of)

    def answered(self) -> None:
        """Someone said the status of the job."""
        if self.waiting is not None:
            self.waiting.cancel()
            self.waiting = None
            self.follower.silence(begins=False)

    def end(self, outcome: Outcome) -> None:
        """It is not followed any more, which is told once."""
        if not self.is_over:
            self.forget()
            self.follower.ended(outcome)

    def forget(self) -> None:
        """It is not followed any more, and no one is told."""
        self.is_over = True
        if self.waiting is not None:
            self.waiting.cancel()

    def _told_of(self) -> None:
        self.follower.silence(begins=True)


class Polls:
    """Follows accepted jobs until they are finished.

    `heard` is told after every poll how it went: None where the service answered, otherwise its error.
    `random` gives the jitter, in 0…1.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        heard: Callable[[ProviderError | None], None],
        random: Callable[[], float],
    ) -> None:
        self._provider = provider
        self._heard = heard
        self._random = random
        self._heap: list[_Followed] = []
        self._looked_at: list[_Followed] = []
        self._changed: asyncio.Future[None] | None = None  # what the poller that has the turn waits for
        self._turn = asyncio.Lock()
        self._count = 0
        self._free = 0  # pollers that wait for something to be due
        self._is_closed = False

    def follow(self, ticket: Ticket, pace: Pace, follower: Follower, *, age: float, patience: float) -> None:
        """Look at a job again and again, and tell `follower` how that ends.

        `age` is seconds since its acceptance; it is polled at least once, and let go of after `patience` seconds.
        """
        loop = asyncio.get_running_loop()
        if self._is_closed:
            loop.call_soon(follower.ended, _stopped())
            return
        now = loop.time()
        first = 0.0 if age > 1 else pace.next_look(0.0, self._random())
        self._count += 1
        self._push(_Followed(now + first, self._count, ticket, pace, now - age, now, now + patience, follower))

    async def finished(self, ticket: Ticket, pace: Pace, *, age: float, patience: float) -> Finished:
        """What the job has to offer, once it is finished; see `follow`.

        Raises GenerationFailed (final) or NoLongerFollowed.
        """
        waiting = _InTask()
        self.follow(ticket, pace, waiting, age=age, patience=patience)
        return await waiting.outcome

    async def let_go(self) -> None:
        """Stop following: every job is let go of, also one that is just being looked at, and every later one."""
        self._is_closed = True
        jobs = (*self._looked_at, *self._heap)
        self._heap.clear()
        for number, job in enumerate(jobs, 1):
            job.end(_stopped())
            if not number % LET_GO_AT_ONCE:
                await asyncio.sleep(0)

    def forget(self) -> None:
        """Stop following, and tell no one."""
        self._is_closed = True
        for job in (*self._heap, *self._looked_at):
            job.forget()

    async def serve(self, another: Callable[[], None] = lambda: None) -> None:
        """One poller: look at whatever is due, for ever. `another` begins one more, where no one else is free."""
        while True:
            self._free += 1
            try:
                job = await self._next_due()
            finally:
                self._free -= 1
            self._looked_at.append(job)
            if not self._free and len(self._looked_at) < MOST_POLLERS:
                another()
            await self._poll_once(job)
            self._looked_at.remove(job)

    async def _next_due(self) -> _Followed:
        async with self._turn:
            while True:
                wait = self._heap[0].due - asyncio.get_running_loop().time() if self._heap else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._heap)
                await self._change(wait)

    async def _change(self, within: float | None) -> None:
        """Wait until another job may be due first, `within` so many seconds where that is known."""
        loop = asyncio.get_running_loop()
        self._changed = loop.create_future()
        timer = None if within is None else loop.call_later(within, self._wake)
        try:
            await self._changed
        finally:
            self._changed = None
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    async def _poll_once(self, job: _Followed) -> None:
        began = asyncio.get_running_loop().time()
        try:
            finished = await self._provider.poll(job.ticket)
        except GenerationFailed as failure:
            self._heard(None)
            job.end(failure)
        except ProviderError as error:
            self._heard(error)
            if not job.is_over:
                self._on_error(job, error, began)
        else:
            self._heard(None)
            if not job.is_over:
                self._on_answer(job, finished)

    def _on_answer(self, job: _Followed, finished: Finished | None) -> None:
        job.answered()
        job.failures = job.denials = 0
        age = asyncio.get_running_loop().time() - job.since
        if finished is not None:
            if job.teaches():
                job.pace.learn(age, after=job.ran_until)
            job.end(finished)
        else:
            job.ran_until = age
            reason = NoLongerFollowed("still_running", "it is still being generated")
            self._reschedule(job, job.pace.next_look(age, self._random()), reason, until=job.patient_until)

    def _on_error(self, job: _Followed, error: ProviderError, began: float) -> None:
        """Nothing is lost by a failed poll: look again, more slowly."""
        if retry.is_gone(error):
            job.answered()
        else:
            job.unanswered(began)
        job.failures += 1
        job.denials = retry.denials(error, job.denials)
        reason = NoLongerFollowed(error.code or "not_answered", str(error), is_gone=job.denials >= DENIALS)
        is_unknown = error.code == "unknown_job_id"
        wait = retry.poll_again(error, job.denials if is_unknown else job.failures, self._random())
        if wait is None:
            job.end(reason)
            return
        until = max(job.patient_until, job.began + FAILING)
        if job.failures < LEAST_LOOKS and wait < FAILING:
            until = max(until, asyncio.get_running_loop().time() + wait)
        self._reschedule(job, wait, reason, until=until)

    def _reschedule(self, job: _Followed, seconds: float, reason: NoLongerFollowed, *, until: float) -> None:
        """Look at the job again after `seconds`, or let go of it at `until`."""
        now = asyncio.get_running_loop().time()
        if self._is_closed or now >= until:
            job.end(reason)
        else:
            job.due = min(now + seconds, until)
            self._push(job)

    def _push(self, job: _Followed) -> None:
        heapq.heappush(self._heap, job)
        if self._heap[0] is job:  # otherwise the poller waits for one that is due before it
            self._wake()
