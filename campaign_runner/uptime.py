"""How long this machine has been up: a clock that no one can set, and that goes on while the machine sleeps.

It is the same for every process, and begins again whenever the machine starts.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class Deadline:
    """`seconds` after it was made, also where the machine slept meanwhile: the larger of all that its clocks say."""

    seconds: float
    began: tuple[float, ...] = field(default_factory=lambda: _clocks())

    @property
    def is_over(self) -> bool:
        passed = (now - then for now, then in zip(_clocks(), self.began, strict=True))
        return max(passed) >= self.seconds


def _clocks() -> tuple[float, ...]:
    """One that counts sleep, where there is one; where there is none, the wall clock does."""
    if sys.platform == "linux":
        return (time.clock_gettime(time.CLOCK_BOOTTIME),)
    return time.monotonic(), time.time()


def unknown() -> Uptime | None:
    """For who has no such clock."""
    return None
