"""The first half of a job's life: from due to accepted. The only place where money is spent.

The order is the promise: leave of the quota, then Submitting (committed), then the request, then what
the answer says (committed). Only what certainly cost nothing is sent again.
"""

from __future__ import annotations

import asyncio
import math
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from campaign_runner import retry
from campaign_runner.disk import image_names
from campaign_runner.errors import InDoubt, ProviderError, Rejected, Throttled, Unavailable
from campaign_runner.events import (
    Accepted,
    Attempt,
    Doubted,
    Fact,
    Refused,
    Submitting,
    Waiting,
)
from campaign_runner.model import Cause, Job, Ticket
from campaign_runner.ports import Permit, Wait
from campaign_runner.run.control import Control
from campaign_runner.run.limits import Limits, Ports, SharedLimits
from campaign_runner.run.slots import ASK_LATER, Slots
from campaign_runner.run.stop import Level
from campaign_runner.text import clock, plural

LONGEST_WAIT = 600.0
"""Seconds a run waits for its next permit; beyond it, it ends and says when to come back."""
TOGETHER = 0.05
"""Seconds: jobs that come within so many of each other are submitted at one moment, so that they share transactions."""
DOUBTS_IN_A_ROW = 3
"""Requests without a usable answer, none accepted between them, after which nothing more is sent."""


NOT_SENT = Cause("not_sent", "the run ended before the request was sent")
CUT_OFF = Cause("no_answer", "the run ended before Adobe answered")


class Submitter:
    """Asks for jobs, one permit at a time, in the order they come."""

    def __init__(
        self,
        ports: Ports,
        limits: Limits,
        control: Control,
        *,
        shared: SharedLimits,
        slots: Slots,
        record: Callable[[Fact, Permit | None], Awaitable[Fact]],
    ) -> None:
        self._ports = ports
        self._limits = limits
        self._control = control
        self._record = record
        self._spent, self._turn = shared.spent, shared.turn
        self._slots = slots
        self._own_turn = asyncio.Lock()
        self._waiting = 0  # for it, or for the allowance with it
        self._moment = -math.inf  # when jobs last came, by the loop's clock
        self._doubts = self._throttled = 0  # in a row
        self._blocked_until = 0.0  # of the loop's clock

    async def submit(self, job: Job) -> tuple[Attempt, Ticket] | None:
        """The service's receipt for `job`, or None where there is none: the journal knows its state.

        The attempt's job is the part of `job` that the caller's limits and other campaigns left to us.
        Raises IntegrityError where the file of a due image is there already, Busy where another run has the campaign
        now, StoreError.
        """
        await self._share_moment()
        await self._refuse_known_files(job)
        if not await self._prepared(job):  # here, too: a job that uploads keeps no other from the turn
            return None
        failures = 0
        while (leave := await self._permit(job)) is not None:
            permit, part = leave
            try:
                granted = await self._intended(Attempt(uuid.uuid4().hex, part), permit)
                accepted = None if granted is None else await self._sent(granted, permit)
            except (Throttled, Unavailable) as error:
                failures += 1
                if not await self._may_go_on(error, failures):
                    return None
            else:
                self._stop_where_cut(job, part)
                return accepted
        return None

    async def _share_moment(self) -> None:
        """Those who come soon after others go on together, a moment later; who comes alone does so at once."""
        clock = asyncio.get_running_loop().time
        if self._moment < (now := clock()) < self._moment + TOGETHER:
            await asyncio.sleep(self._moment + TOGETHER - now)
        self._moment = clock()

    async def _prepared(self, job: Job) -> bool:
        """Whether all that `job` needs is at Adobe; that is free, so it comes before the permit.

        Where the service refuses what it refers to, the images of `job` fail.
        """
        failures = 0
        while not self._control.stop.reached(Level.NO_SUBMITS):
            try:
                await self._ports.provider.prepare(job)
                return True
            except Rejected as error:
                await self._fail_unsent(job, error)
                return False
            except ProviderError as error:
                failures += 1
                self._control.note_answer(error)
                await self._wait_to_prepare(error, failures)
        return False

    async def _fail_unsent(self, job: Job, error: Rejected) -> None:
        """What `job` refers to is refused: nothing of it will leave, so no permit is asked for."""
        self._control.note_answer(error)
        attempt = Attempt(uuid.uuid4().hex, job)
        self._control.observe(Submitting(attempt))  # the journal has it, too, in one commit with the refusal
        await self._record(Refused(attempt, _reason(error), for_good=True), None)

    async def _wait_to_prepare(self, error: ProviderError, failures: int) -> None:
        wait = retry.look_up_again(error, failures, self._control.clock.random())
        if wait is None or wait > LONGEST_WAIT:
            self._control.failed(error)
        else:
            await self._control.stop.sleep(Level.NO_SUBMITS, wait)

    async def _sent(self, attempt: Attempt, permit: Permit) -> tuple[Attempt, Ticket] | None:
        """Send what is granted, and record what the answer says; whatever happens, the permit is settled.

        None where it was refused for good or no one knows; raises what may be sent again.
        """
        try:
            self._control.observe(Submitting(attempt))
            ticket = await self._ports.provider.submit(attempt.job, permit)
        except ProviderError as error:
            await self._not_accepted(attempt, permit, error)
            return None
        except BaseException:  # cancelled at the very end of a run, or a bug: it may have left
            await self._record_and_settle(permit, Doubted(attempt, CUT_OFF))
            raise
        self._control.note_answer(None)
        recorded = await self._record_and_settle(permit, Accepted(attempt, ticket))
        self._throttled = 0
        if isinstance(recorded, Doubted):
            self._count_doubt()
            return None
        self._doubts = 0
        return attempt, ticket

    async def _intended(self, attempt: Attempt, permit: Permit) -> Attempt | None:
        """What of the attempt is granted, durably. If nothing is, or if we are cancelled, nothing leaves."""
        granted: Attempt | None = None
        try:
            granted = next(iter(await self._ports.journal.intend([attempt])), None)
        except asyncio.CancelledError:
            await self._record(Refused(attempt, NOT_SENT), None)
            raise
        finally:
            if granted is None:
                await self._ports.quota.give_back(permit)
        self._count_back(attempt.job, granted)
        self._stop_where_used_up(attempt.job, granted)
        return granted

    def _stop_where_used_up(self, asked: Job, granted: Attempt | None) -> None:
        """What other machines bought for the command meanwhile may have left nothing of its limits."""
        if granted is None:
            self._within_limits(asked)
        elif granted.job != asked and self._spent.images_left(self._limits) <= 0:
            self._stop_at_most_images()

    def _count_back(self, asked: Job, granted: Attempt | None) -> None:
        """What is left to another campaign uses up nothing of the caller's limits."""
        self._spent.images -= len(asked.variations) - (len(granted.job.variations) if granted else 0)
        self._spent.requests -= granted is None

    async def _not_accepted(self, attempt: Attempt, permit: Permit, error: ProviderError) -> None:
        """Record what the error says about money. Raises it where the job may be sent again."""
        reason = _reason(error)
        self._control.note_answer(error)
        if error.charged is False:
            self._spent.requests -= 1
            self._spent.images -= len(attempt.job.seeds)
            await self._record_and_settle(permit, Refused(attempt, reason, for_good=isinstance(error, Rejected)), error)
        else:
            self._count_doubt()
            answer = error.answer if isinstance(error, InDoubt) else ""
            await self._record_and_settle(permit, Doubted(attempt, reason, answer), error)
        if isinstance(error, Throttled | Unavailable):
            raise error

    async def _record_and_settle(self, permit: Permit, fact: Fact, error: ProviderError | None = None) -> Fact:
        """Record how the request ended and settle its permit, even if the disk refuses the record."""
        is_answer = error is None or (error.sent and not isinstance(error, Throttled))
        try:
            return await self._record(fact, permit if is_answer else None)
        finally:
            await self._settle(permit, error)

    async def _settle(self, permit: Permit, error: ProviderError | None) -> None:
        """Tell the quota what happened to the permit. Where everyone must wait, that is told before it is free."""
        quota = self._ports.quota
        match error:
            case Throttled():
                self._tell_fewer(await quota.block(self._refused(error), told=error.retry_after))
                await (quota.settle if error.retry_after is None else quota.give_back)(permit)
            case ProviderError(sent=False):
                await quota.give_back(permit)
            case _:
                await quota.settle(permit)

    def _tell_fewer(self, fewer: int | None) -> None:
        if fewer is not None:
            told = "Adobe takes fewer requests a minute than the allowance says"
            self._control.warn_once(f"{told}; the run keeps to what it takes and now and then tries for more")

    def _refused(self, error: Throttled) -> float:
        """Seconds everyone waits. What was sent together and refused together counts once, a wait we are told never."""
        now = asyncio.get_running_loop().time()
        if now >= self._blocked_until and error.retry_after is None:
            self._throttled += 1
        wait = self._pause(error, self._throttled) or 0.0
        self._blocked_until = max(self._blocked_until, now + wait)
        return wait

    async def _may_go_on(self, error: Throttled | Unavailable, failures: int) -> bool:
        """Wait as long as the money rule says; False where the job is left to a later run."""
        wait = self._pause(error, self._throttled if isinstance(error, Throttled) else failures)
        if wait is None or wait > LONGEST_WAIT:
            self._control.stop_later(str(error))
            return False
        if isinstance(error, Throttled):
            return True  # the quota makes everyone wait
        return await self._control.stop.sleep(Level.NO_SUBMITS, wait)

    def _pause(self, error: ProviderError, failures: int) -> float | None:
        return retry.submit_again(error, failures, self._control.clock.random())

    async def _permit(self, job: Job) -> tuple[Permit, Job] | None:
        """Leave to send `job`, or a part of it; None where the run stops first. First come, first served."""
        leave = await self._leave(job) if self._no_one_waits() else ASK_LATER  # all who ask at once share a transaction
        if not isinstance(leave, Wait):
            return None if leave is None else (leave, self._counted(job))
        self._waiting += 1
        try:
            async with self._own_turn, self._common_turn():
                return await self._permit_in_turn(job)
        finally:
            self._waiting -= 1

    async def _permit_in_turn(self, job: Job) -> tuple[Permit, Job] | None:
        while not self._control.stop.reached(Level.NO_SUBMITS) and (part := self._within_limits(job)) is not None:
            match await self._leave(part):
                case Permit() as permit:
                    return permit, self._counted(part)
                case Wait() as wait:
                    await self._wait(wait.seconds, wait.why)
                case None:
                    return None
        return None

    def _no_one_waits(self) -> bool:
        """Whether no job of this command waits for its permit, and no limit of the caller has to be shared out."""
        is_bounded = self._limits.max_images is not None or self._limits.max_requests is not None
        return not (is_bounded or self._waiting or self._turn.locked() or self._control.stop.reached(Level.NO_SUBMITS))

    async def _leave(self, part: Job) -> Permit | Wait | None:
        """What the allowance says to `part`; None where nothing of it is to be sent."""
        if not await self._prepared(part):  # a token may have ended while one waited
            return None
        if not await self._ports.journal.is_wanted(part):  # someone else may have bought it meanwhile
            return None
        leave = ASK_LATER if self._slots.are_silent else await self._ports.quota.acquire()
        if isinstance(leave, Permit) and self._control.stop.reached(Level.NO_SUBMITS):
            await self._ports.quota.give_back(leave)
            return None
        return leave

    @asynccontextmanager
    async def _common_turn(self) -> AsyncIterator[None]:
        """The turn among the runs of the command; a run that stops does not wait for it."""
        has_turn = await self._control.stop.acquired(Level.NO_SUBMITS, self._turn)
        try:
            yield
        finally:
            if has_turn:
                self._turn.release()

    async def _wait(self, seconds: float, why: str) -> None:
        if seconds > LONGEST_WAIT:
            now = self._control.clock.now()
            then = clock(now + timedelta(seconds=seconds), now)
            self._control.stop_later(f"the allowance is used up ({why}); the next request is possible at {then}")
            return
        self._control.observe(Waiting(seconds, why))
        await self._control.stop.sleep(Level.NO_SUBMITS, seconds)

    def _within_limits(self, job: Job) -> Job | None:
        """As much of `job` as the caller's limits leave room for; None, and the run stops, where that is nothing."""
        room = min(self._spent.images_left(self._limits), len(job.variations))
        if self._spent.requests_left(self._limits) <= 0:
            most = plural(self._limits.max_requests or 0, "request")
            self._control.stop_asked(f"stopped after {most}, as requested")
        elif room <= 0:
            self._stop_at_most_images()
        else:
            return Job(job.recipe, job.variations[: int(room)])
        return None

    def _stop_where_cut(self, job: Job, part: Job) -> None:
        """The rest of a job of which only a part was sent is for a later run."""
        if part != job:
            self._stop_at_most_images()

    def _stop_at_most_images(self) -> None:
        self._control.stop_asked(f"stopped after {plural(self._limits.max_images or 0, 'image')}, as requested")

    def _counted(self, part: Job) -> Job:
        self._spent.requests += 1
        self._spent.images += len(part.variations)
        return part

    def _count_doubt(self) -> None:
        self._doubts += 1
        if self._doubts >= DOUBTS_IN_A_ROW:
            self._control.stop_later(f"{self._doubts} requests in a row got no usable answer")

    async def _refuse_known_files(self, job: Job) -> None:
        """A file under a due name was bought before, by a record that is gone: never buy it again unasked."""
        for variation in job.variations if self._limits.guards_files else ():
            if (name := await self._ports.store.holds(variation.stem, variation.short_stem)) is not None:
                await self._ports.journal.intend(())  # raises where another run has the campaign now: it stored that
                raise image_names.bought_before(name)


def _reason(error: ProviderError) -> Cause:
    return Cause(error.code or "no_answer", str(error))
