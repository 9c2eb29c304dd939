"""Observers of a run, fed by the events of its campaigns: a bar with sentences for people, JSON for machines.

At a terminal a tqdm bar shows images, requests, when the next one leaves and the time left at the allowance, and
sentences are written above it; without one there is a plain line a minute. One event is one sentence; however
many campaigns run together, there is one bar, or one line a minute.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO, Any

from tqdm import tqdm

from campaign_runner.events import Event, Refused, Started, Stopping, Stored, Submitting, Waiting
from campaign_runner.plan.cost import USUAL_JOB_SECONDS, RateLimit
from campaign_runner.report.sentences import Repeats, frame_of, sentence_of
from campaign_runner.report.terminal import columns, fitted
from campaign_runner.text import duration, plural

LINE_EVERY = 60.0
"""Seconds between two lines where there is no terminal."""
_LEAST_BAR = 13
"""Columns of the shortest bar that is worth its room."""
_ECHO = 4
"""Columns that a bar leaves free: a terminal shows `^C` behind it, and would go on in its next line."""
_LINE_ENDS = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}  # some readers end a line there


def local_now() -> datetime:
    """What the clock on the wall shows."""
    return datetime.now().astimezone()


@dataclass(slots=True)
class Tally:
    """What a run may do, and what it has done so far, as far as its events tell; only for showing while it goes on."""

    waiting: int = 0
    may_buy: int = 0
    requests: int = 0
    stored: int = 0
    sent: int = 0
    next_at: datetime | None = None

    def count(self, event: Event, now: datetime) -> None:
        match event:
            case Started():
                self.waiting, self.may_buy, self.requests = event.waiting, event.may_buy, event.requests
            case Submitting():
                self.sent += 1
                self.next_at = None
            case Stored():
                self.stored += 1
            case Refused(for_good=False):
                self.sent -= 1
            case Waiting(seconds=seconds):
                self.next_at = now + timedelta(seconds=seconds)
            case Stopping():
                self.next_at = None
            case _:
                pass


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where a command stops, however many campaigns it has: images, requests, a moment; None is no limit."""

    images: int | None = None
    requests: int | None = None
    until: datetime | None = None


class Progress:
    """How far the campaigns of a run have come together; `rates` are their allowances, by name."""

    def __init__(
        self, rates: Mapping[str, RateLimit], bounds: Bounds | None = None, *, now: Callable[[], datetime] = local_now
    ) -> None:
        self.title = next(iter(rates)) if len(rates) == 1 else plural(len(rates), "campaign")
        self._rates = rates
        self._bounds = bounds or Bounds()
        self._now = now
        self._tallies = {campaign: Tally() for campaign in rates}
        self._repeats = Repeats()
        self.has_begun = False

    def count(self, campaign: str, event: Event) -> None:
        self.has_begun = self.has_begun or (isinstance(event, Started) and event.due + event.waiting > 0)
        if campaign in self._tallies:
            self._tallies[campaign].count(event, self._now())

    def end(self) -> None:
        """The run is over: from now on there are sentences alone."""
        self.has_begun = False

    @property
    def stored(self) -> int:
        return self._sum("stored")

    @property
    def images(self) -> int:
        """How many images the run may store: what waits at Adobe, and what it may buy."""
        return self._sum("waiting") + _at_most(self._sum("may_buy"), self._bounds.images)

    def sentence(self, campaign: str, event: Event) -> str | None:
        """What a person should know of an event and was not told yet."""
        sentence = sentence_of(event)
        return sentence if sentence is not None and self._repeats.is_new(campaign, event) else None

    def counted(self) -> Iterator[tuple[str, str]]:
        """What was said once and happened more often, each with its campaign."""
        return self._repeats.counted()

    def named(self, campaign: str, sentence: str) -> str:
        """A sentence that names its campaign where there are several."""
        return sentence if len(self._rates) == 1 else f"{campaign}: {sentence}"

    def figures(self) -> Iterator[str]:
        """`1 of 4 images, 3 of 8 requests, next at 22:11:05, about 4 min left`, and shorter ways to say it."""
        images, sent, requests, left = (
            f"{self.stored} of {self.images}",
            self._sum("sent"),
            self._requests,
            self._left(),
        )
        coming = min((tally.next_at for tally in self._tallies.values() if tally.next_at is not None), default=None)
        at = f"{coming:%H:%M:%S}, " if coming is not None else ""
        yield f"{images} images, {sent} of {requests} requests, {at and f'next at {at}'}{left}"
        short = f"{at and f'next {at}'}{left.removeprefix('about ')}"
        images = images.replace(" of ", "/")
        yield f"{images} images, {sent}/{requests} requests, {short}"
        yield f"{images} images, {short}"

    @property
    def _requests(self) -> int:
        return _at_most(self._sum("requests"), self._bounds.requests)

    def _left(self) -> str:
        """The time the rest takes at the allowance, for a person: they share it, and the slowest ends last."""
        unsent = {name: max(tally.requests - tally.sent, 0) for name, tally in self._tallies.items()}
        together = max(self._requests - self._sum("sent"), 0)
        if together == 0:
            return "the last ones are being generated"
        fastest = max(rate.per_minute for rate in self._rates.values())
        alone = max(min(unsent[name], together) / rate.per_minute for name, rate in self._rates.items())
        seconds = max(together / fastest, alone) * 60 + USUAL_JOB_SECONDS
        until = self._bounds.until
        if until is not None and self._now() + timedelta(seconds=seconds) > until:
            return f"stops at {until:%H:%M}"
        return "less than a minute left" if seconds < 60 else f"about {duration(-int(-seconds // 60))} left"

    def _sum(self, figure: str) -> int:
        """One figure of all tallies."""
        return sum(getattr(tally, figure) for tally in self._tallies.values())


def _at_most(number: int, most: int | None) -> int:
    return number if most is None else min(number, most)


class Bar:
    """A tqdm bar on `stream`, and above it what a person should know. It appears once a campaign has work to do."""

    def __init__(self, progress: Progress, stream: IO[str]) -> None:
        self._progress = progress
        self._stream = stream
        self._bar: tqdm[Any] | None = None

    def __call__(self, campaign: str, event: Event) -> None:
        self._progress.count(campaign, event)
        if (sentence := self._progress.sentence(campaign, event)) is not None:
            self._say(campaign, sentence)
        self.tick()

    def tick(self) -> None:
        """Show the current state."""
        progress = self._progress
        if not progress.has_begun:
            return
        terminal = columns(self._stream)
        width = None if terminal is None else max(terminal - _ECHO, 1)
        form = self._form(width)
        if self._bar is None:
            self._bar = tqdm(desc=progress.title, bar_format=form, file=self._stream, leave=False, ncols=width)
        self._bar.bar_format, self._bar.ncols = form, width
        self._bar.total, self._bar.n = progress.images, progress.stored
        self._bar.refresh()

    def _form(self, width: int | None) -> str:
        """How the bar is drawn on so many columns: in words, or in figures alone where these have no room."""
        full, *shorter = self._progress.figures()
        head = f"{self._progress.title} 100% "
        if width is None or len(head) + _LEAST_BAR + len(full) <= width:
            return f"{{desc}} {{percentage:3.0f}}% |{{bar}}| {full}"
        told = next((figures for figures in shorter if len(head) + len(figures) < width), shorter[-1])
        return f"{{desc}} {{percentage:3.0f}}% {told}" if len(head) + len(told) < width else told[: width - 1]

    def close(self) -> None:
        for campaign, sentence in self._progress.counted():
            self._say(campaign, sentence)
        self._progress.end()
        if self._bar is not None:
            self._bar.close()
            self._stream.write(self._emptied())

    def _say(self, campaign: str, sentence: str) -> None:
        for line in fitted(self._progress.named(campaign, sentence), columns(self._stream)):
            tqdm.write(f"{self._emptied()}{line}", file=self._stream)

    def _emptied(self) -> str:
        """What empties the line that the bar was drawn on: beside it stands what was typed meanwhile."""
        width = columns(self._stream)
        return "" if width is None or self._bar is None else f"\r{' ' * (width - 1)}\r"


class Lines:
    """One plain line on `stream` whenever `tick` is called, and at once what a person should know.

    With `now` each line begins with the time: a file holds the lines of many nights.
    """

    def __init__(self, progress: Progress, stream: IO[str], *, now: Callable[[], datetime] | None = None) -> None:
        self._progress = progress
        self._stream = stream
        self._now = now

    def __call__(self, campaign: str, event: Event) -> None:
        self._progress.count(campaign, event)
        sentence = self._progress.sentence(campaign, event)
        for line in frame_of(event) if sentence is None else [sentence]:
            self._write(f"{campaign}: {line}" if campaign else line)

    def tick(self) -> None:
        """Print the current state."""
        progress = self._progress
        if not progress.has_begun:
            return
        self._write(f"{progress.title}: {next(progress.figures())}")

    def close(self) -> None:
        for campaign, sentence in self._progress.counted():
            self._write(f"{campaign}: {sentence}")
        self._progress.end()
        self._stream.flush()

    def _write(self, line: str) -> None:
        time = f"{self._now():%Y-%m-%d %H:%M:%S} " if self._now is not None else ""
        self._stream.write(f"{time}{line}\n")
        self._stream.flush()


class JsonLines:
    """Every event as one JSON object a line on `stream`, with the time (UTC) and the campaign's name."""

    def __init__(self, stream: IO[str], *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._stream = stream
        self._now = now

    def __call__(self, campaign: str, event: Event) -> None:
        fact = {"event": event.word, "at": self._now().isoformat(timespec="milliseconds"), "campaign": campaign}
        self._stream.write(json.dumps(fact | event.facts(), ensure_ascii=False).translate(_LINE_ENDS) + "\n")
        self._stream.flush()

    def tick(self) -> None:
        """Machines count for themselves."""

    def close(self) -> None:
        self._stream.flush()
