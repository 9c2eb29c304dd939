"""What refusals teach of an allowance that is smaller than ours, or refilled evenly; and how more is tried, carefully.

The service says 429, and when to come again, although our own log had room. One of these explains it:

- It counts fewer in its minute. What it took before it refused is then kept to. Beyond that one request at a time
  tries whether there is more: at once, and later and later where that is refused. So a single refusal by chance is
  forgotten within seconds, and a smaller allowance is met with a refusal now and then.
- It wants a pause between any two requests: as long as it was silent before the refusal, and the wait it asks for.
- It has a bucket of requests, refilled evenly. A refusal says that the bucket is empty, so what was taken between two
  refusals is what was refilled: n requests in t seconds, give or take one. The truth is then a pause of t / (n + 1)
  seconds at least. That is kept to where no count of a minute explains a refusal: fewer were taken in the minute
  before it than are believed to be free, and yet it asks for no longer than such a pause.

A pause that was too short grows a little with each refusal. It shrinks with each request that is taken: quickly until
it was refused for the first time, slowly from then on.

Pure: times are wall seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

MINUTE = 60.0
REMEMBERED = 86_400.0
"""Seconds after the last refusal for which something is believed."""
FIRST_TRY, LONGEST_TRY = 120.0, 7200.0
"""Seconds until more is tried again, once it was refused; twice as many each time."""
_NEARLY = 0.9
_ROUNDED = 1.0
"""Seconds by which a wait may be too long: most services say whole ones."""
_SOON = 16
"""Requests: a bucket that took more of them between two refusals may have been full in the meantime."""
_LONGER = 1.05
"""What a pause becomes at most where it was too short, as a multiple of it."""
_CLOSER, _MUCH_CLOSER = 0.9998, 0.995
"""The same after each request that was taken: once such a pause was refused, and before."""


@dataclass(frozen=True, slots=True)
class Belief:
    """`per_minute` requests may leave freely, `pause` seconds apart; from `try_after` on one more at a time.

    `refused` is how often such a try, or the pause, was refused, `at` when a request was refused last.
    """

    per_minute: int
    pause: float
    try_after: float
    refused: int
    at: float

    @property
    def is_sure(self) -> bool:
        """Whether it was seen more than once."""
        return self.refused > 0 or self.pause > 0

    @property
    def in_a_minute(self) -> int:
        return max(1, min(self.per_minute, int(MINUTE / self.pause))) if self.pause else self.per_minute


@dataclass(frozen=True, slots=True)
class Refusal:
    """A 429 at `now` that asked for `wait` seconds.

    `taken` requests were taken in the minute before, the last one at least `since_last` seconds ago, and `refilled` of
    them since the refusal before, `since_refusal` seconds ago. `is_first`: it is not one of several that left together.
    """

    now: float
    wait: float
    taken: int
    since_last: float
    is_first: bool
    refilled: int = 0
    since_refusal: float = 0.0

    @property
    def refill(self) -> float:
        """The shortest pause that a bucket, empty at both refusals, can have; 0 where they say too little."""
        says_enough = 2 <= self.refilled <= _SOON and self.since_refusal <= MINUTE
        return self.since_refusal / (self.refilled + 1) if says_enough else 0.0


def after_refusal(before: Belief | None, refusal: Refusal, limit: int) -> Belief | None:
    """What is believed after a refusal.

    As `before` where it teaches nothing: our own log had no room, nothing was taken, or the wait is not of a minute.
    """
    now, taken = refusal.now, refusal.taken
    if not 0 < taken < limit or refusal.wait > MINUTE:
        return before
    pause = refusal.since_last + refusal.wait
    if before is not None and before.pause and refusal.wait <= 2 * before.pause + _ROUNDED:
        longer = max(before.pause, min(pause, before.pause * _LONGER), refusal.refill)
        return replace(before, pause=longer, refused=before.refused + refusal.is_first, at=now)
    if limit > MINUTE / pause >= taken * _NEARLY:
        return Belief(limit, pause, now, 0, now)
    if before is not None and taken < before.per_minute and refusal.wait - _ROUNDED <= refusal.refill != 0:
        return Belief(limit, refusal.refill, now, 0, now)
    if before is None or before.pause or before.per_minute >= limit:
        return Belief(taken, 0.0, now, 0, now)
    if not refusal.is_first:  # more of the same had been taken than was known at first
        return replace(before, per_minute=max(before.per_minute, taken), at=now)
    later = min(FIRST_TRY * 2**before.refused, LONGEST_TRY)
    return Belief(min(before.per_minute, taken), 0.0, now + later, before.refused + 1, now)


def after_acceptance(before: Belief, taken: int, limit: int) -> Belief:
    """What is believed once a request was taken, with `taken` in the minute before; `limit` is our own allowance."""
    if not before.pause:
        is_more = taken > before.per_minute
        return replace(before, per_minute=min(2 * before.per_minute, limit), refused=0) if is_more else before
    pause = before.pause * (_CLOSER if before.refused else _MUCH_CLOSER)
    if MINUTE / pause < 2 * limit:  # the way to the service and back comes on top
        return replace(before, pause=pause)
    return Belief(limit, 0.0, before.at, 0, before.at)


def is_over(belief: Belief, now: float) -> bool:
    """Whether it is not believed any more."""
    return not belief.at <= now < belief.at + REMEMBERED
