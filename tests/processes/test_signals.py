"""Signals: the first drains, a second leaves at once, and the next run goes on."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.processes.forks import Forked, Forks, SandboxProcess
from tests.processes.machines import CAMPAIGN, PROGRAM, Machine, held, sandbox_process

STREAMS = ("stdin", "stdout", "stderr")


@pytest.mark.parametrize(("number", "exit_status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_drains_and_the_next_run_finishes(
    number: signal.Signals, exit_status: int, machine_for: Callable[[str], Machine], tmp_path: Path
) -> None:
    with sandbox_process(*held(tmp_path)) as sandbox:
        machine = machine_for(sandbox.origin)
        file = machine.campaign()
        process = machine.start("run", file, "--concurrency", "2")
        sandbox.wait_for(2, poll=2)
        process.kill(number)
        done = machine.ended(process)
        assert done.exit == exit_status
        assert "the next run downloads" in done.out
        assert done.out.splitlines()[-1].startswith("attention planned=12")
        sandbox.release()
        last = machine.run("run", file)
        assert (last.exit, sandbox.ledger()["charged_twice"]) == (0, {})


def test_a_signal_stops_every_campaign_of_the_command(machine_for: Callable[[str], Machine], tmp_path: Path) -> None:
    with sandbox_process(*held(tmp_path)) as sandbox:
        machine = machine_for(sandbox.origin)
        files = [
            machine.campaign(name, CAMPAIGN.replace("an oak table", f"a table in {name}"))
            for name in ("autumn", "spring")
        ]
        process = machine.start("run", *files, "--concurrency", "1")
        sandbox.wait_for(2, poll=2)
        process.kill(signal.SIGTERM)
        done = machine.ended(process)
        assert done.exit == 143
        assert done.out.splitlines()[-1] == "attention campaigns=2 exit=143 autumn=143 spring=143"
        sandbox.release()
        assert machine.run("run", *files).exit == 0 and sandbox.ledger()["charged_twice"] == {}


def test_a_second_signal_leaves_at_once(machine_for: Callable[[str], Machine]) -> None:
    with sandbox_process("--per-minute", "600", "--faults", str(slow(machine_for("http://127.0.0.1:9")))) as sandbox:
        machine = machine_for(sandbox.origin)
        process = machine.start("run", machine.campaign(), "--concurrency", "1")
        sandbox.wait_for(1)
        process.kill(signal.SIGTERM)
        process.wait_for("Stopping (SIGTERM)")
        process.kill(signal.SIGTERM)
        done = machine.ended(process)
        assert (done.exit, "planned=" in done.out) == (143, False)  # after one alone it waits and then reports
        after = machine.run("status", "spring", "--json")
    assert '"in_doubt": 2' in after.out
    machine.is_cut = True


def slow(machine: Machine) -> object:
    """A script: every answer to a submit takes long."""
    script = machine.home / "faults.yaml"
    script.write_text("- {kind: slow_after, where: submit, seconds: 3600}\n", encoding="utf-8")
    return script


def test_a_reader_that_leaves_early_does_not_break_a_run(machine: Machine, service: SandboxProcess) -> None:
    file = machine.campaign()
    with subprocess.Popen(
        [*PROGRAM, "run", str(file), "--no-review"],
        cwd=machine.home,
        env=machine.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        errors = process.stderr.read()
    assert b"Traceback" not in errors
    assert machine.manifest()["counts"]["stored"] == 12


def interrupt(process: Forked, number: signal.Signals, terminal: int) -> None:
    """Send a signal to who asks a question; one between prompt and reading wakes nobody, and is sent again."""
    process.kill(number)
    while not select.select([terminal], [], [], 1.0)[0]:
        if process.is_waiting():
            process.kill(number)


@pytest.mark.parametrize(("number", "ends"), [(signal.SIGINT, 9), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("name", ["run", "rerun"])
def test_a_signal_at_the_question_ends_it_at_once_and_ctrl_c_is_a_no(
    name: str, number: signal.Signals, ends: int, machine: Machine, service: SandboxProcess, launcher: Forks
) -> None:
    what = machine.campaign()
    if name == "rerun":
        assert machine.run("run", what).exit == 0
        what = machine.home / "output" / "spring" / "manifest.json"
    before = service.ledger()["calls"]["submit"]
    ours, theirs = pty.openpty()
    process = launcher.start(name, what, home=machine.home, env=machine.env, terminal=os.ttyname(theirs))
    os.close(theirs)
    words = b""
    while not words.endswith(b"]: "):
        words += os.read(ours, 1000)
    assert b"Buy?" in words
    interrupt(process, number, ours)
    assert launcher.wait(process).exit == ends
    os.close(ours)
    assert service.ledger()["calls"]["submit"] == before
