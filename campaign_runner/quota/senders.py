"""Which process sends, and whether it still runs."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sender:
    """A process that sends. `started` tells it from a later one of the same id; 0 where that is unknown."""

    id: int
    started: int

    @classmethod
    def this(cls) -> Sender:
        return cls(os.getpid(), _started(os.getpid()) or 0)

    def is_alive(self) -> bool:
        """Whether it runs. Where the system cannot tell, no: its requests then count as those of a dead one."""
        if sys.platform == "linux":
            return _started(self.id) == self.started
        if sys.platform == "win32":
            return self == Sender.this()  # signal 0 would be Ctrl-C there
        try:
            os.kill(self.id, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def _started(process: int) -> int | None:
    """When a process of Linux started, in ticks since the machine did; None if it is dead or cannot be seen."""
    try:
        line = Path(f"/proc/{process}/stat").read_text(errors="replace")
    except OSError:
        return None
    state, *fields = line.rpartition(")")[2].split()
    return None if state in "ZX" else int(fields[18])
