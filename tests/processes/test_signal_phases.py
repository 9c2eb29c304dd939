"""Each signal, once and twice, in each phase of a run: the exit status says which, and the next run completes it."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.checker import Seen, check
from tests.processes.forks import PATIENCE, Forked, Forks, SandboxProcess
from tests.processes.machines import FOUR_IMAGES, Machine

SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
HELD = 3600.0
"""Seconds of an answer that comes once the sandbox is released."""


@dataclass(frozen=True)
class Phase:
    """Where a run is when the signal comes: what makes it stay there, and how that is seen."""

    fault: dict[str, Any] | None = None
    per_minute: int = 600
    calls: dict[str, int] = field(default_factory=dict)
    """So many calls of a kind have arrived at the service."""
    events: dict[str, int] = field(default_factory=dict)
    """So many events of a kind have been seen."""
    is_waited_for: bool = False
    """Whether a run that was told once waits for the answer that is held back; one that was told twice never does."""
    doubts_after_two: int = 0
    """Images in doubt after a second signal."""


PHASES = {
    "before the token": Phase({"kind": "slow", "where": "token", "seconds": HELD}, calls={"token": 1}),
    "waiting for the allowance": Phase(per_minute=1, events={"waiting": 1, "accepted": 1}),
    "during a submit": Phase(
        {"kind": "slow_after", "where": "submit", "seconds": HELD, "first": 1},
        calls={"submit": 2},
        events={"accepted": 1},
        is_waited_for=True,
        doubts_after_two=2,
    ),
    "while polling": Phase(
        {"kind": "slow", "where": "poll", "seconds": HELD}, calls={"poll": 2}, events={"accepted": 2}
    ),
    "while downloading": Phase(
        {"kind": "slow_after", "where": "download", "seconds": HELD}, calls={"download": 1}, is_waited_for=True
    ),
    "at the end": Phase(events={"stored": 4}),
}


def events(run: Forked, kind: str) -> int:
    return run.err.read_text(encoding="utf-8").count(f'"event": "{kind}"') if run.err.exists() else 0


def wait_until(is_so: Callable[[], bool], run: Forked) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, run.err.read_text(encoding="utf-8")
        time.sleep(0.01)


def has_reached(phase: Phase, run: Forked, sandbox: SandboxProcess) -> bool:
    has_seen = all(events(run, kind) >= number for kind, number in phase.events.items())
    arrived = sandbox.ledger()["calls"] if phase.calls else {}
    return has_seen and all(arrived[kind] >= number for kind, number in phase.calls.items())


def signalled(phase: Phase, number: signal.Signals, times: int, *, launcher: Forks, home: Path) -> None:
    """One run that is told to end; what it leaves is held against the ledger, and the next run completes it."""
    home.mkdir()
    script = home / "faults.yaml"
    script.write_text(json.dumps([phase.fault] if phase.fault else []), encoding="utf-8")
    switches = ("--per-minute", "600", "--job-seconds", 0, "--faults", script)
    with launcher.sandbox(home, *map(str, switches)) as sandbox:
        machine = Machine.beside(sandbox.origin, home)
        file = machine.campaign(text=FOUR_IMAGES)
        command = ("run", file, "--log-format", "json", "--per-minute")
        run = launcher.start(*command, phase.per_minute, home=home, env=machine.env)
        wait_until(lambda: has_reached(phase, run, sandbox), run)
        run.kill(number)
        wait_until(lambda: events(run, "stopping") > 0 or run.has_ended(), run)
        if times == 2:
            run.kill(number)
        elif phase.is_waited_for:
            sandbox.release()
        ended = launcher.wait(run)
        sandbox.release()
        ends = {SIGNALS[number]}
        if times == 2:
            ends.add(-number)  # the run was over: the second one met a process that only had its report to print
        if phase is PHASES["at the end"]:
            ends.add(0)
        assert ended.exit in ends, ended
        last = launcher.run(*command, 600, home=home, env=machine.env)
        counts = machine.manifest()["counts"]
        doubts = phase.doubts_after_two if times == 2 else 0
        assert (last.exit, counts["in_doubt"], counts["stored"]) == (4 if doubts else 0, doubts, 4 - doubts), last
        words = (ended.out, ended.err, last.out, last.err)
        check(home / "output", sandbox.ledger(), seen=Seen({"spring": last.exit}, words, home / "state"))


@pytest.mark.proof
@pytest.mark.parametrize("phase", PHASES)
def test_each_signal_once_and_twice(
    phase: str, launcher: Forks, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    cases = list(product(SIGNALS, (1, 2)))
    with ThreadPoolExecutor(len(cases)) as pool:
        tried = [
            pool.submit(signalled, PHASES[phase], number, times, launcher=launcher, home=tmp_path / f"{number}-{times}")
            for number, times in cases
        ]
        for each in tried:
            each.result()
    record_property("proved", f"signals {phase}: {len(cases)} of {len(cases)} survived")


@pytest.mark.parametrize("times", [1, 2])
def test_a_signal_before_the_token_ends_a_run_with_its_own_exit_status(
    times: int, launcher: Forks, tmp_path: Path
) -> None:
    signalled(PHASES["before the token"], signal.SIGTERM, times, launcher=launcher, home=tmp_path / "home")
