"""Who watches a run: a bar at a terminal, lines elsewhere, JSON where asked for; in a file if one is named."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from campaign_runner.cli import console
from campaign_runner.errors import UsageError
from campaign_runner.events import Called, Ended, Event, Warned
from campaign_runner.plan.cost import RateLimit
from campaign_runner.report.picture_progress import PictureProgress
from campaign_runner.report.progress import LINE_EVERY, Bar, Bounds, JsonLines, Lines, Progress
from campaign_runner.version import __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the person wants to see: `log_format` is `text` or `json`, `quiet` leaves the report alone."""

    log_format: str
    log_file: Path | None
    quiet: bool


@dataclass(slots=True)
class Watch:
    """Everyone who watches a run. The report begins once its progress has ended: a bar must not be torn."""

    observers: list[Bar | Lines | JsonLines]
    pictures: PictureProgress | None = None

    def tell(self, campaign: str, event: Event) -> None:
        self._each(lambda observer: observer(campaign, event))

    def end_progress(self) -> None:
        """Show sentences alone from now on: the report is about to be printed."""
        self._each(lambda observer: observer.close())

    def pictured(self, campaign: str, done: int, of: int) -> None:
        """So many images have their small pictures."""
        try:
            if self.pictures is not None:
                self.pictures(campaign, done, of)
        except OSError:  # its reader has left
            self.pictures = None

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
        if self.pictures is not None:
            with suppress(OSError):
                self.pictures.close()
        while self.observers:
            with suppress(OSError):
                self.observers.pop().close()

    def _each(self, show: Callable[[Bar | Lines | JsonLines], None]) -> None:
        for observer in list(self.observers):
            try:
                show(observer)
            except OSError:  # its reader has left, or its disk is full: images are at stake, not lines
                self.observers.remove(observer)


class RunLog:
    """The log of one command, from how it was called to how it ended; nowhere, without a `stream`.

    `is_ended` once the end of the command, or of one of its campaigns, is told.
    """

    def __init__(self, stream: IO[str] | None, *, is_json: bool = False, has_times: bool = False) -> None:
        self._stream = stream
        self._is_json = is_json
        self._now = datetime.now if has_times else None
        self.is_ended = False

    def observer(self, progress: Progress) -> JsonLines | Lines | None:
        """What writes the events of a run into this log."""
        if self._stream is None:
            return None
        return JsonLines(self._stream) if self._is_json else Lines(progress, self._stream, now=self._now)

    def begin(self, command: str) -> None:
        """Tell how the command was typed, and which version heeds it."""
        self._write("", Called(__version__, command))

    def end(self, ended: Ended, campaign: str = "") -> None:
        """Tell how the command ended, or one of its campaigns."""
        self.is_ended = True
        self._write(campaign, ended)

    def warn(self, message: str) -> None:
        """Tell what a person should know though everything has ended."""
        self._write("", Warned(message))

    def _write(self, campaign: str, event: Event) -> None:
        """Write what frames a run; beside the report, on a stderr for people, it would only be said twice."""
        observer = self.observer(Progress({}))
        if observer is not None and (self._is_json or self._now is not None):
            with suppress(OSError):  # its reader has left, or its disk is full
                observer(campaign, event)


def _without_waiting(path: Path) -> int:
    """A handle of the log, to append to: a pipe that no one reads is refused and not waited for. Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NONBLOCK", 0), 0o666)
    if hasattr(os, "O_NONBLOCK"):
        os.set_blocking(handle, True)
    return handle


@contextmanager
def open_log(shown: Shown) -> Iterator[RunLog]:
    """The log of a command: in the file that is named, or on stderr if neither `quiet` nor a bar keeps it away.

    Raises UsageError where the file cannot be written.
    """
    is_json, file = shown.log_format == "json", shown.log_file
    if file is None:
        is_kept_away = shown.quiet or (not is_json and console.stderr().isatty())
        yield RunLog(None if is_kept_away else console.stderr(), is_json=is_json)
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = _without_waiting(file)
    except OSError as error:
        raise UsageError(f"--log-file {file} cannot be written ({error.strerror}); nothing was sent") from error
    stream = os.fdopen(handle, "a", encoding="utf-8")
    try:
        yield RunLog(stream, is_json=is_json, has_times=True)
    finally:
        with suppress(OSError):  # the disk is full: images are at stake, not lines
            stream.close()


@asynccontextmanager
async def watching(
    rates: Mapping[str, RateLimit], shown: Shown, log: RunLog, bounds: Bounds | None = None
) -> AsyncIterator[Watch]:
    """Those who watch a run: its log and, at a terminal, a bar; they keep time, and are closed at the end of the block.

    `rates` are the allowances by campaign, `bounds` where the command stops.
    """
    stderr = console.stderr()
    observers: list[Bar | Lines | JsonLines | None] = [log.observer(Progress(rates, bounds))]
    if not shown.quiet and stderr.isatty() and (shown.log_file is not None or shown.log_format == "text"):
        observers.append(Bar(Progress(rates, bounds), stderr))
    elif not shown.quiet and shown.log_file is not None:
        observers.append(Lines(Progress(rates, bounds), stderr))
    watch = Watch([observer for observer in observers if observer is not None])
    if not shown.quiet and (shown.log_file is not None or shown.log_format == "text"):
        watch.pictures = PictureProgress(stderr)
    try:
        async with watch.keeping_time():
            yield watch
    finally:
        watch.close()
