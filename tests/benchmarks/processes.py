"""One process measured from outside: processor time of user and system, time on the clock, memory."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from threading import get_native_id

ROOT = Path(__file__).parents[2]
COMPILED = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(Path(gettempdir()) / "benchmarks-pycache")}
"""An installed program is compiled once, not at each start; so is what is measured, whatever runs the benchmark."""


@dataclass(frozen=True)
class Spent:
    """Seconds of processors (its children's, too), seconds on the clock, bytes of memory at most, what it printed."""

    cpu: float
    clock: float
    memory: int
    output: str


def spent(arguments: Sequence[str], *, folder: Path = ROOT, variables: Mapping[str, str] | None = None) -> Spent:
    """Run Python with `arguments` to its end. Raises CalledProcessError where that is no good one."""
    command = [sys.executable, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **COMPILED, **(variables or {})}
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        output = process.stdout.read()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, output)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(cpu, time.perf_counter() - began, after.ru_maxrss << 10, output)


def peak() -> int:
    """The most bytes of memory that this process has had; what the one that started it had is not in it."""
    return _of_status("VmHWM:")


def held() -> int:
    """The bytes of memory that this process has now."""
    return _of_status("VmRSS:")


def waited() -> float:
    """The seconds that this thread has waited for a processor because others had it."""
    thread = Path(f"/proc/self/task/{get_native_id()}/schedstat").read_text(encoding="ascii")
    return int(thread.split()[1]) / 1e9


def _of_status(name: str) -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition(name)[2].split()[0]) << 10
