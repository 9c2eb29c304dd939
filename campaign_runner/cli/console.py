"""Words for whoever reads our output, and no failure where nobody reads it any more.

A run goes on though its reader has left (`| head`) or its terminal was closed: images are at stake, not lines.
"""

from __future__ import annotations

import os
import sys
from typing import IO

import click

from campaign_runner.errors import CampaignError, SpecError
from campaign_runner.spec.problems import visible


def say(line: str) -> None:
    """One line on stdout."""
    try:
        click.echo(line)
    except BrokenPipeError:
        discard(sys.stdout)


def complain(error: CampaignError) -> None:
    """Why a command stops, on stderr. A Problem names its file itself; what it quotes steers no terminal."""
    is_long = isinstance(error, SpecError)  # problems stand below one another; all else is one sentence
    text = "\n".join(map(visible, str(error).split("\n") if is_long else [str(error)]))
    click.echo(text if error.exit_code == 2 else f"campaign-runner: {text}", err=True)


def stderr() -> IO[str]:
    """Where progress and logs go; nowhere, if the process was started without a stderr."""
    return sys.stderr if sys.stderr is not None else open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123


def discard(stream: IO[str]) -> None:
    """Let everything that is still written to `stream` go nowhere, also the interpreter's last flush."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
