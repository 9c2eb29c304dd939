"""Observers of a run, fed by the events of its campaigns: a bar with sentences for people, JSON for machines.

At a terminal a tqdm bar shows images, requests and the time left at the allowance, and sentences
are written above it; without one there is a plain line a minute. One event is one sentence; however
many campaigns run together, there is one bar, or one line a minute.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any

from tqdm import tqdm

from campaign_runner.events import (
    Attempt,
    Doubted,
    Edited,
    Event,
    Failed,
    Refused,
    Reused,
    SetAside,
    Started,
    StillAccepted,
    Stopping,
    Stored,
    Submitting,
    Waiting,
    Warned,
)
from campaign_runner.plan.cost import USUAL_JOB_SECONDS, RateLimit
from campaign_runner.text import duration, plural, printable

LINE_EVERY = 60.0
"""Seconds between two lines where there is no terminal."""
_LONG_WAIT = 90.0
_LINE_ENDS = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}  # some readers end a line there


@dataclass(slots=True)
class Tally:
    """What a run has done so far, as far as its events tell; only for showing while it goes on."""

    images: int = 0
    requests: int = 0
    stored: int = 0
    sent: int = 0

    def count(self, event: Event) -> None:
        match event:
            case Started(due=due, requests=requests, waiting=waiting):
                self.images, self.requests = due + waiting, requests
            case Submitting():
                self.sent += 1
            case Stored():
                self.stored += 1
            case Refused(for_good=False):
                self.sent -= 1
            case _:
                pass


class Progress:
    """How far the campaigns of a run have come together; `rates` are their allowances, by name."""

    def __init__(self, rates: Mapping[str, RateLimit]) -> None:
        self.title = next(iter(rates)) if len(rates) == 1 else plural(len(rates), "campaign")
        self._rates = rates
        self._tallies = {campaign: Tally() for campaign in rates}
        self.has_begun = False

    def count(self, campaign: str, event: Event) -> None:
        self.has_begun = self.has_begun or isinstance(event, Started)
        self._tallies[campaign].count(event)

    def sum(self, figure: str) -> int:
        """One figure of all tallies."""
        return sum(getattr(tally, figure) for tally in self._tallies.values())

    def sentence(self, campaign: str, event: Event) -> str | None:
        """What a person should know of an event; it names its campaign where there are several."""
        sentence = worth_a_line(event)
        return sentence if sentence is None or len(self._rates) == 1 else f"{campaign}: {sentence}"

    def requests(self) -> str:
        return f"{self.sum('sent')} of {self.sum('requests')} requests, {self._time_left()}"

    def _time_left(self) -> str:
        """The time the rest takes at the allowance, for a person: they share it, and the slowest ends last."""
        unsent = {name: max(tally.requests - tally.sent, 0) for name, tally in self._tallies.items()}
        together = sum(unsent.values())
        if together == 0:
            return "the last ones are being generated"
        fastest = max(rate.per_minute for rate in self._rates.values())
        alone = max(unsent[name] / rate.per_minute for name, rate in self._rates.items())
        seconds = max(together / fastest, alone) * 60 + USUAL_JOB_SECONDS
        return "less than a minute left" if seconds < 60 else f"about {duration(-int(-seconds // 60))} left"


class Bar:
    """A tqdm bar on `stream`, and above it what a person should know. It appears once a campaign has started."""

    def __init__(self, progress: Progress, stream: IO[str]) -> None:
        self._progress = progress
        self._stream = stream
        self._bar: tqdm[Any] | None = None

    def __call__(self, campaign: str, event: Event) -> None:
        self._progress.count(campaign, event)
        if (sentence := self._progress.sentence(campaign, event)) is not None:
            tqdm.write(sentence, file=self._stream)
        self.tick()

    def tick(self) -> None:
        """Show the current state."""
        if not self._progress.has_begun:
            return
        if self._bar is None:
            form = "{desc} {percentage:3.0f}% |{bar}| {n_fmt} of {total_fmt} images{postfix}"
            title = self._progress.title
            self._bar = tqdm(desc=title, total=0, bar_format=form, file=self._stream, leave=False, dynamic_ncols=True)
        self._bar.total = self._progress.sum("images")
        self._bar.n = self._progress.sum("stored")
        self._bar.set_postfix_str(self._progress.requests(), refresh=False)
        self._bar.refresh()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


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
        if (sentence := worth_a_line(event)) is not None:
            self._write(f"{campaign}: {sentence}")

    def tick(self) -> None:
        """Print the current state."""
        progress = self._progress
        if not progress.has_begun:
            return
        images = f"{progress.sum('stored')} of {progress.sum('images')} images"
        self._write(f"{progress.title}: {images}, {progress.requests()}")

    def close(self) -> None:
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


def worth_a_line(event: Event) -> str | None:
    """The sentence for a person, None for what only moves the bar."""
    match event:
        case Stored(variation=variation, warnings=warnings) if warnings:
            return printable(f"warning: {variation.cell}, seed {variation.seed}: {'; '.join(warnings)}")
        case Refused(attempt, reason, for_good):
            return printable(f"{'refused' if for_good else 'not accepted yet'}: {_job(attempt)}: {reason.message}")
        case Doubted(attempt, reason):
            return printable(f"in doubt: {_job(attempt)}: {reason.message}")
        case Failed(_, variation, reason):
            return printable(f"failed: {variation.cell}, seed {variation.seed}: {reason.message}")
        case SetAside(file=file, reason=reason):
            return printable(f"warning: kept {file}: {reason.message}")
        case StillAccepted(attempt, reason):
            return printable(f"not downloaded yet: {_job(attempt)}: {reason.message}")
        case Waiting(seconds, why) if seconds > _LONG_WAIT:
            return f"waiting {seconds:.0f} s for the allowance ({why})"
        case Edited(message):
            return printable(f"changed: {message}")
        case Reused(images, of_campaign):
            return printable(f"reused: {plural(images, 'image')} of {of_campaign}, not bought again")
        case Warned(message):
            return printable(f"warning: {message}")
        case Stopping(why):
            return printable(why)
        case _:
            return None


def _job(attempt: Attempt) -> str:
    seeds = " ".join(map(str, attempt.job.seeds))
    return f"{attempt.job.variations[0].cell}, seed{'s' if len(attempt.job.seeds) > 1 else ''} {seeds}"
