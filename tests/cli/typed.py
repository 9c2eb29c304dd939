"""What a typed command answers."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.request import ProxyHandler, build_opener

from tests.processes.forks import Forked, shared

PROGRAM = (sys.executable, "-m", "campaign_runner")


@dataclass(frozen=True)
class Said:
    """What a command answered: its exit status, its results, and what it said beside them."""

    status: int
    out: str
    err: str


class Ask(Protocol):
    """`ask("models", "--json", CUSTOM_MODELS_CLIENT_ID="me")` runs a command with these settings."""

    def __call__(self, *arguments: str | Path, **variables: str) -> Said: ...


class AtATerminal(Protocol):
    """`at_a_terminal("init", typed="spring\\n…")` runs a command at a terminal."""

    def __call__(self, *arguments: str, typed: str) -> Said: ...


@contextmanager
def on_terminal(folder: Path, *arguments: str, columns: int = 0) -> Iterator[tuple[Forked, int]]:
    """A command at a terminal of its own, and our end of that; 0 columns are none that the terminal knows."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 0, columns, 0, 0))
    environment = os.environ | {"XDG_CONFIG_HOME": str(folder / "config")}
    process = shared().start(*arguments, home=folder, env=environment, terminal=os.ttyname(theirs))
    os.close(theirs)
    try:
        yield process, ours
    finally:
        os.close(ours)


def status_of(process: Forked) -> int:
    """The exit status of a command, once it has ended."""
    return shared().wait(process).exit


def until_closed(terminal: int) -> bytes:
    """What is shown at a terminal until no process holds its other end any more."""
    shown = b""
    with suppress(OSError):  # how Linux says so
        while piece := os.read(terminal, 4096):
            shown += piece
    return shown


def charged(origin: str) -> object:
    """How many images the sandbox charged so far, and how many requests it was sent."""
    past_any_proxy = build_opener(ProxyHandler({}))
    with past_any_proxy.open(f"{origin}/sandbox/ledger", timeout=60) as answer:
        ledger = json.load(answer)
    return ledger["images_charged"], ledger["calls"]["submit"]
