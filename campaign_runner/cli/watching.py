"""Who watches a run: a bar at a terminal, lines elsewhere, JSON where asked for; in a file if one is named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from campaign_runner.cli import console
from campaign_runner.errors import UsageError
from campaign_runner.events import Event
from campaign_runner.plan.cost import Rate
from campaign_runner.progress import Bar, JsonLines, Lines


@dataclass(frozen=True, slots=True)
class Shown:
    """What the person wants to see: `log_format` is `text` or `json`, `quiet` leaves the report alone."""

    log_format: str
    log_file: Path | None
    quiet: bool


@dataclass(frozen=True, slots=True)
class Watch:
    """Everybody who watches a run. The report begins once they have closed: a bar must not be torn."""

    observers: list[Bar | Lines | JsonLines]

    def tell(self, event: Event) -> None:
        for observer in list(self.observers):
            try:
                observer(event)
            except OSError:  # its reader has left, or its disk is full: images are at stake, not lines
                self.observers.remove(observer)

    def say(self, line: str) -> None:
        self.close()
        console.say(line)

    def close(self) -> None:
        while self.observers:
            with suppress(OSError):
                self.observers.pop().close()


@contextmanager
def watching(campaign: str, rate: Rate, shown: Shown) -> Iterator[Watch]:
    """Open the log and the bar of a run. Raises UsageError where the log file cannot be written."""
    with _log_stream(shown.log_file) as log:
        observers: list[Bar | Lines | JsonLines] = []
        if shown.log_format == "json":
            observers.append(JsonLines(campaign, log))
        elif shown.log_file is not None:
            observers.append(Lines(campaign, rate, log))
        if not shown.quiet and (shown.log_file is not None or shown.log_format == "text"):
            stderr = console.stderr()
            observers.append((Bar if stderr.isatty() else Lines)(campaign, rate, stderr))
        watch = Watch(observers)
        try:
            yield watch
        finally:
            watch.close()


@contextmanager
def _log_stream(file: Path | None) -> Iterator[IO[str]]:
    if file is None:
        yield console.stderr()
        return
    try:
        stream = file.open("a", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--log-file {file} cannot be written ({error.strerror}); nothing was sent") from error
    with stream:
        yield stream
