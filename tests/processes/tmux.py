"""A terminal of so many columns, with the program in it: Debian's tmux, whose screen can be read."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.processes.forks import PATIENCE

ROWS = 120


@dataclass(frozen=True)
class Terminal:
    """One window of a tmux server of its own."""

    socket: Path
    status: Path

    def screen(self, *, is_joined: bool = False) -> list[str]:
        """The lines of the screen as they are seen; joined where the terminal itself broke them."""
        shown = self._tmux("capture-pane", "-p", *(["-J"] if is_joined else []), "-t", "0")
        return [line.rstrip() for line in shown.rstrip("\n").split("\n")]

    def press(self, *keys: str) -> None:
        self._tmux("send-keys", "-t", "0", *keys)

    def wait_for(self, is_seen: Callable[[str], bool]) -> None:
        """Until the screen shows something; bounded, since what never comes is a failure."""
        deadline = time.monotonic() + PATIENCE
        while not is_seen("\n".join(self.screen())):
            assert time.monotonic() < deadline, "\n".join(self.screen())
            time.sleep(0.05)

    def exit(self) -> int:
        """The exit status of the program, once it has ended and all it wrote is on the screen."""
        deadline = time.monotonic() + PATIENCE
        while not (self.status.exists() and self._tmux("display-message", "-p", "-t", "0", "#{pane_dead}") == "1\n"):
            assert time.monotonic() < deadline, "\n".join(self.screen())
            time.sleep(0.05)
        return int(self.status.read_text())

    def _tmux(self, *words: str) -> str:
        return subprocess.run(
            ["tmux", "-S", str(self.socket), "-f", "/dev/null", *words], capture_output=True, text=True, check=True
        ).stdout


@contextmanager
def terminal(folder: Path, columns: int, command: list[str], env: Mapping[str, str]) -> Iterator[Terminal]:
    """`command` in a terminal of so many columns, run in `folder`; its screen stays when it has ended."""
    shown = Terminal(folder / ".tmux", folder / ".status")
    size = ["-x", str(columns), "-y", str(ROWS)]
    inside = shlex.join(["env", "-i", *(f"{name}={value}" for name, value in env.items()), "TERM=screen", *command])
    inside += "; echo $? > .status.part; mv .status.part .status"
    shown._tmux(
        *("set-option", "-g", "remain-on-exit", "on", ";", "set-option", "-g", "remain-on-exit-format", "", ";"),
        *("new-session", "-d", *size, "-c", str(folder), inside),
    )
    try:
        yield shown
    finally:
        shown._tmux("kill-server")
