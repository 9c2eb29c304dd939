"""`cancel`: what the service confirms becomes failed, everything else stays accepted."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.processes.forks import SandboxProcess
from tests.processes.machines import Machine, held, sandbox_process


@pytest.mark.parametrize("switch", ["--cancelled-word=cancelled", "--cancelled-word=canceled"])
def test_a_cancelled_job_is_failed_and_still_counted(switch: str, machine_for: Callable[[str], Machine]) -> None:
    with sandbox_process("--per-minute", "600", "--job-seconds", "600", switch) as sandbox:
        machine = machine_for(sandbox.origin)
        file = machine.campaign()
        interrupt(machine, file, sandbox)
        cancelled = machine.run("cancel", "spring", "--only", "product=candle")
        status = json.loads(machine.run("status", "spring", "--json").out)
    assert cancelled.exit == 0, cancelled.err
    assert cancelled.out.endswith("\n4 images cancelled\n")
    told, *requests, _ = cancelled.out.splitlines()  # one cause, and what it is about
    assert told.startswith(f"{len(requests)} requests: cancelled with `cancel`")
    assert requests[0].startswith("  candle, ")
    assert (status["counts"]["failed"], status["counts"]["accepted"]) == (4, 8)
    codes = {image["reason"]["code"] for image in machine.manifest()["images"] if image["state"] == "failed"}
    assert codes == {"cancelled"}


def test_jobs_whose_host_is_dead_are_cancelled_at_the_api_origin(
    machine_for: Callable[[str], Machine], tmp_path: Path
) -> None:
    script = tmp_path / "faults.yaml"
    script.write_text("- {kind: dead_status_host}\n", encoding="utf-8")
    with sandbox_process("--per-minute", "600", "--job-seconds", "600", "--faults", str(script)) as sandbox:
        machine = machine_for(sandbox.origin)
        interrupt(machine, machine.campaign(), sandbox)
        cancelled = machine.run("cancel", "spring")
    assert cancelled.exit == 0, cancelled.err
    assert "12 images cancelled" in cancelled.out


def test_a_job_that_is_finished_is_left_to_be_fetched(machine_for: Callable[[str], Machine], tmp_path: Path) -> None:
    with sandbox_process(*held(tmp_path)) as sandbox:
        machine = machine_for(sandbox.origin)
        file = machine.campaign()
        interrupt(machine, file, sandbox, poll=6)
        sandbox.release()
        cancelled = machine.run("cancel", "spring")
        again = machine.run("run", file)
        ledger = sandbox.ledger()
    assert "already finished: the next run downloads it" in cancelled.out
    assert (again.exit, ledger["charged_twice"]) == (0, {})


def test_the_service_may_be_spelt_otherwise(machine_for: Callable[[str], Machine]) -> None:
    with sandbox_process("--per-minute", "600", "--job-seconds", "600") as sandbox:
        machine = machine_for(sandbox.origin)
        machine.env["CAMPAIGN_RUNNER_FIREFLY_URL"] = f"{sandbox.origin}/"
        interrupt(machine, machine.campaign(), sandbox)
        with_slash = machine.run("cancel", "spring", "--only", "product=candle")
        machine.env["CAMPAIGN_RUNNER_FIREFLY_URL"] = sandbox.origin.upper()
        in_capitals = machine.run("cancel", "spring")
    assert (with_slash.exit, in_capitals.exit) == (0, 0), with_slash.err + in_capitals.err
    assert "4 images cancelled" in with_slash.out
    assert "8 images cancelled" in in_capitals.out


def test_nothing_to_cancel_is_said(machine_for: Callable[[str], Machine]) -> None:
    machine = machine_for("http://127.0.0.1:9")
    machine.campaign()
    assert machine.run("cancel", "spring").exit == 2  # nothing was run there yet


def interrupt(machine: Machine, file: object, sandbox: SandboxProcess, **calls: int) -> None:
    """A run that was stopped once everything was accepted: nothing is cancelled by that."""
    process = machine.start("run", file)
    sandbox.wait_for(6, **calls)
    process.kill(signal.SIGINT)
    done = machine.ended(process)
    assert (done.exit, "accepted=12" in done.out) == (130, True)
