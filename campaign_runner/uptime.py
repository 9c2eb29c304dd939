"""How long this machine has been up: a clock that no one can set, and that goes on while the machine sleeps.

It is the same for every process, and begins again whenever the machine starts.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Uptime:
    """`seconds` since the start of the machine that `boot` names."""

    boot: str
    seconds: float


def uptime() -> Uptime | None:
    """The machine's uptime; None where the system does not tell one start from another."""
    if sys.platform != "linux":
        return None
    try:
        boot = _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return Uptime(boot, time.clock_gettime(time.CLOCK_BOOTTIME))


def unknown() -> Uptime | None:
    """For who has no such clock."""
    return None
