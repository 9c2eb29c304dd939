"""What refusals teach of an allowance that is smaller than ours, or spread evenly; and how more is tried, carefully.

The service says 429, and when to come again, although our own log had room. Either it counts fewer in its minute: what
it took before it refused is then kept to. Or it wants a pause between any two requests. Beyond what is believed one
request at a time tries whether there is more: at once, and later and later where that is refused. So a single refusal
by chance is forgotten within seconds, and a smaller allowance is met with a refusal now and then.

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
_LONGER, _CLOSER = 1.05, 0.9998
"""Of a pause: what it becomes at most where it was too short, and after each request that was taken."""


@dataclass(frozen=True, slots=True)
class Belief:
    """`per_minute` requests may leave freely, `pause` seconds apart; from `try_after` on one more at a time.

    `refused` is how often such a try was refused, `at` when a request was refused last.
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
        return max(1, int(MINUTE / self.pause)) if self.pause else self.per_minute


@dataclass(frozen=True, slots=True)
class Refusal:
    """A 429 at `now` that asked for `wait` seconds.

    `taken` requests were taken in the minute before, the last one at least `since_last` seconds ago. `is_first`: it is
    not one of several that left together.
    """

    now: float
    wait: float
    taken: int
    since_last: float
    is_first: bool


def after_refusal(before: Belief | None, refusal: Refusal, limit: int) -> Belief | None:
    """What is believed after a refusal.

    As `before` where it teaches nothing: our own log had no room, nothing was taken, or the wait is not of a minute.
    """
    now, taken = refusal.now, refusal.taken
    if not 0 < taken < limit or refusal.wait > MINUTE:
        return before
    pause = refusal.since_last + refusal.wait
    if before is not None and before.pause and refusal.wait <= 2 * before.pause:
        return replace(before, pause=min(max(pause, before.pause), before.pause * _LONGER), at=now)
    if MINUTE / pause >= taken * _NEARLY:
        return Belief(limit, pause, now, 0, now)
    if before is None or before.pause:
        return Belief(taken, 0.0, now, 0, now)
    if not refusal.is_first:  # more of the same had been taken than was known at first
        return replace(before, per_minute=max(before.per_minute, taken), at=now)
    later = min(FIRST_TRY * 2**before.refused, LONGEST_TRY)
    return Belief(min(before.per_minute, taken), 0.0, now + later, before.refused + 1, now)


def after_acceptance(before: Belief, taken: int, limit: int) -> Belief | None:
    """What is believed once a request was taken, with `taken` in the minute before; None: all of our own allowance."""
    if before.pause:
        pause = before.pause * _CLOSER
        return replace(before, pause=pause) if MINUTE / pause < limit else None
    if taken <= before.per_minute:
        return before
    more = 2 * before.per_minute
    return replace(before, per_minute=more, refused=0) if more < limit else None


def is_over(belief: Belief, now: float) -> bool:
    """Whether it is not believed any more."""
    return not belief.at <= now < belief.at + REMEMBERED
