"""What all parts of a run share: the stop flag, how it will end, whether anyone answers, who watches."""

from __future__ import annotations

import asyncio
import random as randomness
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from campaign_runner.errors import (
    SAME_TOKEN,
    AccountRefused,
    CampaignError,
    HostSilent,
    ProviderError,
    Throttled,
    Unavailable,
)
from campaign_runner.events import Event, Stopping, Warned
from campaign_runner.run.ending import Ending
from campaign_runner.run.stop import Level, Stop
from campaign_runner.text import clock
from campaign_runner.uptime import Uptime, unknown

USELESS_IN_A_ROW = 3
"""Jobs that brought no image which can be used, none that did between them, after which nothing more is sent."""
NO_MORE = "no more requests"
SILENCE = 60.0
"""Seconds of calls without any answer, counted from the first of them, after which a run gives up for now."""

TOLD_AFTER = 5.0
"""Seconds of them after which a person is told."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The wall clock (UTC) and randomness in 0…1. Durations are of the event loop's own clock.

    `uptime` is the clock that no one can set, where there is one.
    """

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    random: Callable[[], float] = randomness.random
    uptime: Callable[[], Uptime | None] = unknown


class Control:
    """Decides when a run stops submitting and when it drains, and remembers why."""

    def __init__(self, clock: Clock, stop: Stop, observe: Callable[[Event], None]) -> None:
        self.clock = clock
        self.stop = stop
        self.observe = observe
        self.ending = Ending()
        self.is_told = False
        """Whether the run has ended and its report is complete: nothing changes its exit status any more."""
        self.skips_pictures = False
        """Whether a signal came after that: what is only for looking at is left out."""
        self.is_elsewhere = False
        """Whether the work is another process's: it goes on after a signal, and nothing has to be finished here."""
        self._silent_since: float | None = None
        self._unheard_since: float | None = None  # also before anything is bought
        self._is_silence_told = False
        self._told: set[str] = set()
        self._useless: set[str] = set()  # attempts in a row

    def note_answer(self, error: ProviderError | None) -> None:
        """A call to the service ended: with an answer (None, or an error that is one) or in silence."""
        if error is not None and error.notice:
            self.warn_once(error.notice)
        if isinstance(error, HostSilent):
            return
        now = asyncio.get_running_loop().time()
        self.tell(error)
        if not isinstance(error, Unavailable) or error.reached:
            self._silent_since = None
        elif self._silent_since is None:
            self._silent_since = now
        elif now - self._silent_since >= SILENCE:
            self.stop_later(f"Adobe has not answered for {SILENCE:.0f} s: {error}", level=Level.DRAINING)
        if isinstance(error, AccountRefused):
            self.failed(error)

    def warn_once(self, message: str) -> None:
        """Tell a person what may be met again and again; the same words once in a run."""
        if message not in self._told:
            self._told.add(message)
            self.observe(Warned(message))

    def useful(self) -> None:
        """A job brought an image that can be used."""
        self._useless.clear()

    def useless(self, attempt: str, why: str) -> None:
        """What the job of `attempt` offers is nothing that can be used; `why` may be empty."""
        self._useless.add(attempt)
        if len(self._useless) >= USELESS_IN_A_ROW:
            told = f"{len(self._useless)} requests in a row brought no usable image"
            self.stop_later(f"{told}: {why}" if why else told)

    def tell(self, error: ProviderError | None) -> None:
        """Warn once of what a person should know although it is being waited for."""
        if isinstance(error, Unavailable) and error.code == SAME_TOKEN:
            self.warn_once(str(error))
        if isinstance(error, Unavailable) and not error.reached:
            self._tell_silence(error)
        else:
            self._unheard_since = None

    def _tell_silence(self, error: Unavailable) -> None:
        """Say once that no one answers, before it ends the run: a moment without a network is not worth a word."""
        now = asyncio.get_running_loop().time()
        self._unheard_since = now if self._unheard_since is None else self._unheard_since
        silent = now - self._unheard_since
        if TOLD_AFTER <= silent < SILENCE and not self._is_silence_told:
            self._is_silence_told = True
            wall = self.clock.now()
            until = clock(wall + timedelta(seconds=SILENCE - silent), wall)
            self.observe(Warned(f"Adobe cannot be reached; trying again until {until}: {error}"))

    def failed(self, error: BaseException, level: Level = Level.NO_SUBMITS) -> None:
        """Something that is true for the whole run went wrong: it is kept, and nothing more is submitted.

        Only errors of ours are told in their own words: those of a bug may hold anything.
        """
        if isinstance(error, Unavailable | Throttled):
            self.stop_later(str(error), level)
            return
        if not any(type(error) is type(other) and str(error) == str(other) for other in self.ending.errors):
            self.ending.errors.append(error)
        why = error.sentence if isinstance(error, CampaignError) else f"a bug ({type(error).__name__})"
        self._stopping(f"{NO_MORE}: {why}", level)

    def stop_asked(self, why: str) -> None:
        """The caller's own limit is reached; `why` is a sentence of its own."""
        self.ending.asked = self.ending.asked or why
        self._stopping(why, Level.NO_SUBMITS)

    def stop_later(self, why: str, level: Level = Level.NO_SUBMITS) -> None:
        """It cannot go on now; a later run can."""
        self.ending.later = self.ending.later or why
        self._stopping(f"{NO_MORE}: {why}", level)

    def skip(self, why: str) -> None:
        """Something is left to another run; this one goes on without it."""
        if why not in self.ending.left:
            self.ending.left.append(why)
            self.observe(Warned(why))

    def signalled(self, number: int) -> None:
        """A signal asked the process to end: answers and writes under way have a few seconds left."""
        if self.is_told:
            self.skips_pictures = True
            return
        self.ending.signal = number
        if self.is_elsewhere:
            self.stop.up(Level.INTERRUPTED)
            return
        is_typed = number == signal.SIGINT
        stopping = "Stopping" if is_typed else f"Stopping ({signal.Signals(number).name})"
        again = "press Ctrl-C again to quit now" if is_typed else "a second signal quits now"
        self._stopping(f"{stopping}. Finishing requests in progress (up to 10 s); {again}.", Level.INTERRUPTED)

    @property
    def was_signalled(self) -> bool:
        """Whether a signal came already: a second one leaves at once."""
        return self.ending.signal is not None or self.skips_pictures

    def _stopping(self, why: str, level: Level) -> None:
        if not self.stop.reached(level):
            self.observe(Stopping(why))
        self.stop.up(level)
