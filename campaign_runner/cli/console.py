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
from typing import IO, TYPE_CHECKING, TextIO

import click

from campaign_runner.errors import CampaignError, CampaignFileError, StoreError
from campaign_runner.text import printable

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


_held: ContextVar[list[str] | None] = ContextVar("held", default=None)


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
    """Print one line on stdout, now or at the end of `holding`."""
    held = _held.get()
    if held is None:
        click.echo(line)
    else:
        held.append(line)


@contextmanager
def holding(is_quiet: bool) -> Iterator[list[str]]:
    """While the block runs and `is_quiet`, keep what `say` prints; what is still in the list is printed at the end."""
    held: list[str] = []
    token = _held.set(held if is_quiet else None)
    try:
        yield held
    finally:
        _held.reset(token)
        for line in held:
            click.echo(line)


def print_error(error: CampaignError) -> None:
    """Why a command stops, on stderr. A Problem names its file itself; what it quotes steers no terminal."""
    is_long = isinstance(error, CampaignFileError)  # problems are a line each, the rest is one sentence
    text = "\n".join(map(printable, str(error).split("\n") if is_long else [str(error)]))
    click.echo(text if error.exit_code == 2 else f"campaign-runner: {text}", err=True)


def is_terminal() -> bool:
    """Whether there is someone to ask."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


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
