"""Who watches a run: a bar at a terminal, lines elsewhere, JSON where asked for; in a file if one is named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from campaign_runner.cli import console
from campaign_runner.errors import UsageError
from campaign_runner.events import Event
from campaign_runner.plan.cost import RateLimit
from campaign_runner.report.progress import LINE_EVERY, Bar, JsonLines, Lines, Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the person wants to see: `log_format` is `text` or `json`, `quiet` leaves the report alone."""

    log_format: str
    log_file: Path | None
    quiet: bool


@dataclass(frozen=True, slots=True)
class Watch:
    """Everyone who watches a run. The report begins once they have closed: a bar must not be torn."""

    observers: list[Bar | Lines | JsonLines]

    def tell(self, campaign: str, event: Event) -> None:
        self._each(lambda observer: observer(campaign, event))

    @asynccontextmanager
    async def keeping_time(self) -> AsyncIterator[None]:
        """While the block runs, remind every observer once a minute that time passes."""
        reminding = asyncio.create_task(self._remind())
        try:
            yield
        finally:
            reminding.cancel()
            await asyncio.wait([reminding])

    async def _remind(self) -> None:
        while True:
            await asyncio.sleep(LINE_EVERY)
            self._each(lambda observer: observer.tick())

    def close(self) -> None:
        while self.observers:
            with suppress(OSError):
                self.observers.pop().close()

    def _each(self, show: Callable[[Bar | Lines | JsonLines], None]) -> None:
        for observer in list(self.observers):
            try:
                show(observer)
            except OSError:  # its reader has left, or its disk is full: images are at stake, not lines
                self.observers.remove(observer)


@asynccontextmanager
async def watching(rates: Mapping[str, RateLimit], shown: Shown) -> AsyncIterator[Watch]:
    """Open the log and the bar of a run, which keep time; `rates` by campaign. They are closed at the end of the block.

    Raises UsageError where the log cannot be written.
    """
    with _log_stream(shown.log_file) as log:
        observers: list[Bar | Lines | JsonLines] = []
        if shown.log_format == "json":
            observers.append(JsonLines(log))
        elif shown.log_file is not None:
            observers.append(Lines(Progress(rates), log, now=datetime.now))
        if not shown.quiet and (shown.log_file is not None or shown.log_format == "text"):
            stderr = console.stderr()
            observers.append((Bar if stderr.isatty() else Lines)(Progress(rates), stderr))
        watch = Watch(observers)
        try:
            async with watch.keeping_time():
                yield watch
        finally:
            watch.close()


@contextmanager
def _log_stream(file: Path | None) -> Iterator[IO[str]]:
    if file is None:
        yield console.stderr()
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        stream = file.open("a", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--log-file {file} cannot be written ({error.strerror}); nothing was sent") from error
    with stream:
        yield stream
