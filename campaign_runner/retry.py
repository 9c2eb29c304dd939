"""Whether and when to ask again: (error, attempt) becomes seconds or None. Pure: no clock, no randomness.

The money rule in one place. A request that may have been charged is never sent again
from here, whatever the error is called: `submit_again` looks at `charged` first, and
then lets through only the two errors that say the service made nothing and may yet.
Reads are free and may be repeated; they have budgets only so that someone is told.

`attempt` counts from 1, the one that just failed. `jitter` is a random number from 0 to
1: many machines that failed together must not come back together.
"""

from __future__ import annotations

from dataclasses import dataclass

from campaign_runner.errors import (
    AccountRefused,
    Damaged,
    HostSilent,
    LinkExpired,
    ProviderError,
    Throttled,
    Unavailable,
)


@dataclass(frozen=True, slots=True)
class Budget:
    """`tries` in all; the wait doubles from `first` up to `longest` seconds, of which `spread` is left to chance."""

    tries: int
    first: float
    longest: float
    spread: float

    def wait(self, attempt: int, jitter: float) -> float | None:
        """Seconds before the next attempt, None if there is none."""
        if attempt >= self.tries:
            return None
        return self.pause(attempt, jitter)

    def pause(self, attempt: int, jitter: float) -> float:
        """Seconds after this many attempts, however many there have been."""
        full = min(self.first * 2.0 ** min(attempt - 1, 32), self.longest)
        return full * (1 - self.spread + self.spread * jitter)


SUBMIT = Budget(tries=8, first=2, longest=120, spread=0.5)
LOOK_UP = Budget(tries=8, first=1, longest=20, spread=0.25)  # a minute in all: silence for so long ends a run
FETCH = Budget(tries=6, first=1, longest=30, spread=0.5)
CANCEL = Budget(tries=4, first=1, longest=1, spread=0)  # three at a host that is dead, then the API origin
POLL = Budget(tries=8, first=2, longest=12, spread=1 / 3)
LOST_JOB = Budget(tries=5, first=15, longest=15, spread=0)  # a minute in all
SLOW_POLL = 60.0  # seconds between polls once quick ones did not help: a paid job is not given up
_GONE = frozenset({"unknown_job_id", "no_result", "no_link", "link_expired"})


def submit_again(error: ProviderError, attempt: int, jitter: float) -> float | None:
    """Seconds until the same job may be submitted again, or None: never, or not by us.

    Being told to wait is not a failure: a 429 with Retry-After does not use up the budget.
    """
    if error.charged is not False:
        return None
    match error:
        case Throttled(retry_after=float() | int() as told):
            return told + SUBMIT.pause(1, jitter)  # growing waits would waste the allowance that comes back
        case Throttled() | Unavailable():
            return _at_least(error, SUBMIT.wait(attempt, jitter))
        case _:
            return None


def look_up_again(error: ProviderError, attempt: int, jitter: float) -> float | None:
    """Seconds until a token or the custom models may be asked for again; None where that is no use."""
    return _at_least(error, LOOK_UP.wait(attempt, jitter)) if isinstance(error, Throttled | Unavailable) else None


def poll_again(error: ProviderError, attempt: int, jitter: float) -> float | None:
    """Seconds until a job may be polled again after `attempt` failures in a row; denials, where it is not known.

    None only where the service ended the job, where it denied for a minute to know it, or refused us
    for a minute: then the job stays accepted. The deadline of a job is the scheduler's.
    """
    match error:
        case Unavailable(code="unknown_job_id") | AccountRefused():
            return LOST_JOB.wait(attempt, jitter)
        case Throttled() | Unavailable():
            wait = POLL.wait(attempt, jitter)
            return _at_least(error, SLOW_POLL if wait is None else wait)
        case _:
            return None


def is_gone(error: ProviderError) -> bool:
    """Whether the service itself says, of this very job, that its images are not to be had: only that may lose them.

    A refusal of the account, an allowance, an outage, a gateway's page or a broken download says nothing of the kind.
    """
    return isinstance(error, Unavailable | LinkExpired) and error.code in _GONE


def denials(error: ProviderError, before: int) -> int:
    """How many answers in a row now say that a job's images are gone.

    A place that never knew it says nothing about that, nor does a host that gives no answer.
    """
    if isinstance(error, HostSilent) or (isinstance(error, Unavailable) and error.code == "unknown_here"):
        return before
    return before + 1 if is_gone(error) else 0


def fetch_again(error: ProviderError, attempt: int, jitter: float) -> float | None:
    """Seconds until the same URL may be fetched again; None: poll for a fresh one, or leave it to the next run."""
    return (
        _at_least(error, FETCH.wait(attempt, jitter)) if isinstance(error, Damaged | Throttled | Unavailable) else None
    )


def cancel_again(error: ProviderError, attempt: int, jitter: float) -> float | None:
    """Seconds until a cancellation may be asked for again; None where that is no use."""
    return _at_least(error, CANCEL.wait(attempt, jitter)) if isinstance(error, Throttled | Unavailable) else None


def _at_least(error: ProviderError, wait: float | None) -> float | None:
    """`wait`, but not before the service said it would listen again."""
    asked = error.retry_after if isinstance(error, Throttled | Unavailable) else None
    return wait if wait is None or asked is None else max(wait, asked)
