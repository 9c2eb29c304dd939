"""kill -9 at any moment: the next run goes on, and nothing is charged twice."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.processes.machines import Machine, sandbox_process


@pytest.mark.parametrize("accepted", [1, 3, 6])
def test_a_run_killed_in_the_middle_is_finished_by_the_next(
    accepted: int, machine_for: Callable[[str], Machine]
) -> None:
    with sandbox_process("--per-minute", "600", "--job-seconds", "1") as sandbox:
        machine = machine_for(sandbox.origin)
        file = machine.campaign()
        first = machine.start("run", file, "--concurrency", "2")
        sandbox.wait_for(accepted)
        first.kill()
        machine.ended(first)
        second = machine.run("run", file)
        ledger = sandbox.ledger()
        manifest = machine.manifest()
    assert ledger["charged_twice"] == {}
    states = {image["key"]: image["state"] for image in manifest["images"]}
    assert set(states.values()) <= {"stored", "in_doubt"}
    assert set(ledger["charged"]) <= set(states)
    assert second.exit == (4 if "in_doubt" in states.values() else 0)


def test_killed_again_and_again_it_still_ends(machine_for: Callable[[str], Machine]) -> None:
    with sandbox_process("--per-minute", "600", "--job-seconds", "0.5") as sandbox:
        machine = machine_for(sandbox.origin)
        file = machine.campaign()
        for accepted in (1, 2, 4, 5):
            process = machine.start("run", file, "--concurrency", "1")
            while not sandbox.has_had(accepted) and not process.has_ended():  # what a kill left in doubt is not sent
                time.sleep(0.01)
            process.kill()
            machine.ended(process)
        machine.run("run", file)
        machine.run("resolve", "spring", "--resubmit")
        last = machine.run("run", file)
        ledger = sandbox.ledger()
    assert last.exit == 0, last.out
    assert {image["state"] for image in machine.manifest()["images"]} == {"stored"}
    assert len(ledger["charged"]) == 12


@pytest.mark.parametrize(
    ("fault", "requests"),
    [
        ("kind: slow_after, where: submit, nth: 1", 1),
        ("kind: slow, where: poll", 3),
    ],
    ids=["before the first answer", "with three accepted"],
)
def test_a_killed_first_run_is_remembered_though_its_folder_goes(
    fault: str, requests: int, machine_for: Callable[[str], Machine], tmp_path: Path
) -> None:
    script = tmp_path / "faults.yaml"
    script.write_text(f"[{{{fault}, seconds: 3600}}]", encoding="utf-8")
    with sandbox_process("--per-minute", "600", "--job-seconds", "0.3", "--faults", str(script)) as sandbox:
        machine = machine_for(sandbox.origin)
        file = machine.campaign()
        first = machine.start("run", file, "--concurrency", str(requests))
        sandbox.wait_for(requests)
        first.kill()
        machine.ended(first)
        shutil.rmtree(machine.home / "output")
        again = machine.run("run", file)
        ledger = sandbox.ledger()
        assert (again.exit, ledger["charged_twice"]) == (2, {}), again.err
        assert ledger["calls"]["token"] == 1  # that of the first: the second asked for nothing at all
        assert str(machine.home / "output" / "spring") in again.err
        assert "--start-over" in again.err
        machine.begin_anew()
