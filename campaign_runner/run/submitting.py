"""The first half of a job's life: from due to accepted. The only place where money is spent.

The order is the promise: leave of the quota, then Submitting (committed), then the request, then what
the answer says (committed). Only what certainly cost nothing is sent again.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable

from campaign_runner import retry
from campaign_runner.errors import IntegrityError, ProviderError, Rejected, Throttled, Unavailable
from campaign_runner.events import Accepted, Attempt, Doubted, Fact, Reason, Refused, Submitting, Waiting
from campaign_runner.model import Job, Ticket
from campaign_runner.ports import Permit, Wait
from campaign_runner.run.control import Control
from campaign_runner.run.crew import Level
from campaign_runner.run.parts import Limits, Ports

LONGEST_WAIT = 600.0
"""Seconds a run waits for its next permit; beyond it, it ends and says when to come back."""
DOUBTS_IN_A_ROW = 3
"""Requests without a usable answer, none accepted between them, after which nothing more is sent."""


class Submitter:
    """Asks for jobs, one permit at a time, in the order they come."""

    def __init__(
        self, ports: Ports, limits: Limits, control: Control, record: Callable[[Fact], Awaitable[Fact]]
    ) -> None:
        self._ports = ports
        self._limits = limits
        self._control = control
        self._record = record
        self._turn = asyncio.Lock()
        self._images = self._requests = self._doubts = 0

    async def accepted(self, job: Job) -> tuple[Attempt, Ticket] | None:
        """The service's receipt for `job`, or None where there is none: the journal knows where it stands.

        Raises IntegrityError where the file of a due image is there already, StoreError.
        """
        await self._refuse_known_files(job)
        attempts = 0
        while (permit := await self._permit(job)) is not None:
            attempts += 1
            attempt = Attempt(uuid.uuid4().hex, job)
            if not await self._ports.journal.intend([attempt]):
                await self._ports.quota.give_back(permit)
                return None
            try:
                ticket = await self._send(attempt, permit)
            except (Throttled, Unavailable) as error:
                if not await self._may_go_on(error, attempts):
                    return None
            else:
                return None if ticket is None else (attempt, ticket)
        return None

    async def _send(self, attempt: Attempt, permit: Permit) -> Ticket | None:
        """One request. None where it was refused for good or nobody knows; raises what may be sent again."""
        self._control.observe(Submitting(attempt))
        try:
            ticket = await self._ports.provider.submit(attempt.job)
        except ProviderError as error:
            await self._not_accepted(attempt, error)
            await self._settle(permit, error)
            self._control.heard(error)
            if isinstance(error, Throttled | Unavailable):
                raise
            return None
        recorded = await self._record(Accepted(attempt, ticket))
        await self._ports.quota.settle(permit)
        self._control.heard(None)
        if isinstance(recorded, Doubted):
            self._count_doubt()
            return None
        self._doubts = 0
        return ticket

    async def _not_accepted(self, attempt: Attempt, error: ProviderError) -> None:
        reason = Reason(error.code or "no_answer", str(error))
        if error.charged is False:
            self._requests -= 1
            self._images -= len(attempt.job.seeds)
            await self._record(Refused(attempt, reason, for_good=isinstance(error, Rejected)))
        else:
            await self._record(Doubted(attempt, reason))
            self._count_doubt()

    async def _settle(self, permit: Permit, error: ProviderError) -> None:
        """Tell the quota what became of the permit; everyone waits where the service says so."""
        quota = self._ports.quota
        match error:
            case Throttled(retry_after=float(seconds)):
                await quota.give_back(permit)
                await quota.block(seconds)
            case Unavailable(reached=False):
                await quota.give_back(permit)
            case _:
                await quota.settle(permit)

    async def _may_go_on(self, error: Throttled | Unavailable, attempts: int) -> bool:
        """Wait as long as the money rule says; False where the job is left to a later run."""
        wait = retry.submit_again(error, attempts, self._control.clock.random())
        if wait is None:
            self._control.stop_later(str(error))
            return False
        return await self._control.stop.sleep(Level.NO_SUBMITS, wait)

    async def _permit(self, job: Job) -> Permit | None:
        """Leave to send `job`; None where the run stops first. Whoever came first is served first."""
        stop = self._control.stop
        async with self._turn:
            while not stop.reached(Level.NO_SUBMITS) and self._within_limits(job):
                match await self._ports.quota.acquire():
                    case Permit() as permit:
                        self._requests += 1
                        self._images += len(job.seeds)
                        return permit
                    case Wait(seconds, why):
                        await self._wait(seconds, why)
        return None

    async def _wait(self, seconds: float, why: str) -> None:
        if seconds > LONGEST_WAIT:
            minutes = -int(-seconds // 60)
            self._control.stop_later(f"the allowance is used up ({why}); the next request may go out in {minutes} min")
            return
        self._control.observe(Waiting(seconds, why))
        await self._control.stop.sleep(Level.NO_SUBMITS, seconds)

    def _within_limits(self, job: Job) -> bool:
        limits = self._limits
        if limits.max_requests is not None and self._requests >= limits.max_requests:
            self._control.stop_asked(f"--max-requests {limits.max_requests}")
        elif limits.max_images is not None and self._images + len(job.seeds) > limits.max_images:
            self._control.stop_asked(f"--max-images {limits.max_images}")
        return not self._control.stop.reached(Level.NO_SUBMITS)

    def _count_doubt(self) -> None:
        self._doubts += 1
        if self._doubts >= DOUBTS_IN_A_ROW:
            self._control.stop_later(f"{self._doubts} requests in a row got no usable answer")

    async def _refuse_known_files(self, job: Job) -> None:
        """A file under a due name was bought before, by a record that is gone: never buy it again unasked."""
        for variation in job.variations if self._limits.guards_files else ():
            if (name := await self._ports.store.holds(variation.stem)) is not None:
                raise IntegrityError(
                    f"images/{name} is on the disk, but the journal does not know it: it was not bought again. "
                    "Restore journal.sqlite, or move the file away and run again"
                )
