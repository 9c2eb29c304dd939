"""Cancelling accepted jobs, on a person's word alone: a run that stops never cancels anything.

Only what the service confirms becomes `failed`, code `cancelled`; whether Adobe charges it is not
documented, so the budget goes on counting it. Everything else stays accepted, to be fetched.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

from campaign_runner import retry
from campaign_runner.errors import GenerationFailed, ProviderError, Throttled, Unavailable
from campaign_runner.events import Attempt, Failed
from campaign_runner.firefly.client import UNKNOWN_HERE, FireflyClient
from campaign_runner.firefly.protocol.answers import Cancelling
from campaign_runner.model import Cause, Ticket
from campaign_runner.plan.selection import Selection
from campaign_runner.ports import CampaignJournal
from campaign_runner.tasks import Sleep

CONFIRMED_WITHIN = 10
"""How often a job that said it is being cancelled is asked whether it is."""
CANCELLED = Cause("cancelled", "cancelled with `cancel`; whether Adobe charges it is not documented")
_WORDS = {
    Cancelling.COMPLETED: "already finished: the next run downloads it",
    Cancelling.FAILED: "cannot be cancelled any more: the next run downloads it",
    Cancelling.UNKNOWN: "Adobe does not know this request (any more): the next run asks again",
    Cancelling.ACCEPTED: "cancellation requested, but not confirmed yet: the next run shows the result",
}


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What happened to one job: how many of its images are cancelled, and in words why the others are not."""

    attempt: Attempt
    images: int
    words: str = ""


async def cancel_accepted(
    firefly: FireflyClient,
    journal: CampaignJournal,
    only: Selection,
    *,
    pick: Callable[[], float] = random.random,
    sleep: Sleep = asyncio.sleep,
) -> AsyncIterator[Cancelled]:
    """Ask the service to cancel every accepted job that `only` selects, one after the other.

    A job is one request: it is cancelled whole if any of its images is selected. Raises AccountRefused,
    Throttled or Unavailable once asking again is no use; what was confirmed until then is recorded.
    """
    unfinished = [job async for job in journal.unfinished()]
    for job in unfinished:
        variations = job.attempt.job.variations
        if any(only.matches([variation.cell], variation.seed, variation.key) for variation in variations):
            yield await _cancel(firefly, journal, CancelRequest(job.attempt, job.ticket, pick, sleep))


@dataclass(frozen=True, slots=True)
class CancelRequest:
    attempt: Attempt
    ticket: Ticket
    pick: Callable[[], float]
    sleep: Sleep


async def _cancel(firefly: FireflyClient, journal: CampaignJournal, request: CancelRequest) -> Cancelled:
    said = await _asked(firefly, request)
    if said is Cancelling.ACCEPTED:
        reason = await _confirmed(firefly, request)
    elif said in (Cancelling.ALREADY, Cancelling.TIMED_OUT):
        reason = CANCELLED if said is Cancelling.ALREADY else replace(CANCELLED, code="timeout", message="it timed out")
    else:
        reason = None
    if reason is None:
        return Cancelled(request.attempt, 0, _WORDS[said])
    variations = request.attempt.job.variations
    await journal.record([Failed(request.attempt, variation, reason) for variation in variations])
    return Cancelled(request.attempt, len(variations), reason.message)


async def _asked(firefly: FireflyClient, request: CancelRequest) -> Cancelling:
    """What the service says, whichever place says it; unknown where one does not know the job and none answers."""
    tries, is_unknown = 0, False
    while True:
        tries += 1
        try:
            return await firefly.cancel(request.ticket)
        except ProviderError as error:
            is_unknown = is_unknown or error.code == UNKNOWN_HERE
            wait = retry.cancel_again(error, tries, request.pick())
            if wait is None and is_unknown:
                return Cancelling.UNKNOWN
            if wait is None:
                raise
            await request.sleep(wait)


async def _confirmed(firefly: FireflyClient, request: CancelRequest) -> Cause | None:
    """Why the job ended, once the service says that it did; None where it did not, or finished after all."""
    for _ in range(CONFIRMED_WITHIN):
        try:
            if await firefly.poll(request.ticket) is not None:
                return None
        except GenerationFailed as end:
            return replace(CANCELLED, message=f"{CANCELLED.message}. {end}")
        except (Throttled, Unavailable):
            pass  # asked again: at the other place, where its host does not answer
        await request.sleep(1)
    return None
