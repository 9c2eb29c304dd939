"""Words for the reader of our output, and no failure where no one reads it any more.

A run goes on though its reader has left (`| head`), its terminal was closed or the disk of its log is full:
images are at stake, not lines.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, TextIO

import click

from campaign_runner.errors import CampaignError, CampaignFileError, StoreError
from campaign_runner.report.terminal import columns, fitted
from campaign_runner.run.ending import ASKED
from campaign_runner.text import printable

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


@dataclass(slots=True)
class Spoken:
    """What `say` was given within a block: the last line, and the lines that are kept back where some are."""

    last: str = ""
    held: list[str] | None = None


_spoken: ContextVar[Spoken | None] = ContextVar("spoken", default=None)


class TolerantStream(io.FileIO):
    """Takes everything; once a write has failed, it and all later ones go nowhere, and `failure` says why."""

    failure: OSError | None = None

    def write(self, content: ReadableBuffer, /) -> int:
        if self.failure is None:
            try:
                return super().write(content)
            except OSError as error:
                self.failure = error
        return memoryview(content).nbytes


def use_tolerant_streams() -> None:
    """Give this process streams that never fail. A process started without one of them gets one that leads nowhere.

    Otherwise the next file that is opened, perhaps the journal, would get the number to which messages are written.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    sys.stdout, sys.stderr = _sturdy(sys.stdout), _sturdy(sys.stderr)


def output_failure() -> StoreError | None:
    """Why what was printed did not arrive; None if it did, or if its reader has left."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    failure = raw.failure if isinstance(raw, TolerantStream) else None
    if failure is None or failure.errno == errno.EPIPE:
        return None
    return StoreError(
        f"the output could not be written ({failure.strerror}); free some space and run the command again"
    )


def say(line: str) -> None:
    """Print one line on stdout, now or at the end of `holding`; at a terminal it is broken at its words."""
    spoken = _spoken.get()
    if spoken is not None:
        spoken.last = line
    if spoken is not None and spoken.held is not None:
        spoken.held.append(line)
    else:
        _print(line)


@contextmanager
def holding(is_quiet: bool) -> Iterator[Spoken]:
    """While the block runs and `is_quiet`, keep what `say` prints; what is still held is printed at the end."""
    spoken = Spoken(held=[] if is_quiet else None)
    token = _spoken.set(spoken)
    try:
        yield spoken
    finally:
        _spoken.reset(token)
        for line in spoken.held or ():
            _print(line)


def _print(line: str, *, err: bool = False) -> None:
    stream = sys.stderr if err else sys.stdout
    for part in fitted(line, columns(stream) if stream is not None else None):
        click.echo(part, err=err)


def print_error(error: CampaignError) -> None:
    """Why a command stops, on stderr. A Problem names its file itself; what it quotes steers no terminal."""
    if isinstance(error, CampaignFileError):  # problems stand below one another; all else is one sentence
        width = columns(stderr())
        rows = [row for problem in error.problems for row in (*problem.rows(width), "")]
        for row in rows[:-1]:
            _print(printable(row), err=True)
    else:
        _print(printable(f"{'' if error.exit_code == 2 else 'campaign-runner: '}{error}"), err=True)


def print_warning(text: str) -> None:
    """What a person should know although it changes nothing, on stderr."""
    _print(printable(f"campaign-runner: {text}"), err=True)


def is_terminal() -> bool:
    """Whether there is someone to ask."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def agree(question: str) -> None:
    """Go on after a yes; a no ends the command with the status of a run that was told no."""
    if not click.confirm(question, default=False):
        click.echo("cancelled; nothing was changed", err=True)
        raise click.exceptions.Exit(ASKED)


def stderr() -> IO[str]:
    """Where progress and logs go; nowhere, if the process was started without a stderr."""
    return sys.stderr if sys.stderr is not None else open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123


def _sturdy(stream: TextIO) -> TextIO:
    if stream is None:
        return stream
    raw = TolerantStream(stream.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), stream.encoding, stream.errors, line_buffering=bool(stream.line_buffering)
    )
