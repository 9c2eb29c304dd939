"""Several runs at once: one a folder, one allowance for all."""

from __future__ import annotations

import signal
from collections.abc import Callable

from tests.processes.machines import CAMPAIGN, Machine, sandbox_process


def test_a_second_run_in_the_same_folder_leaves_at_once(machine_for: Callable[[str], Machine]) -> None:
    with sandbox_process("--per-minute", "600", "--job-seconds", "600") as sandbox:
        machine = machine_for(sandbox.origin)
        file = machine.campaign()
        first = machine.start("run", file)
        sandbox.wait_for(1)
        second = machine.run("run", file)
        busy = machine.run("status", "spring", "--json")
        first.kill(signal.SIGTERM)
        stopped = machine.ended(first)
        ledger = sandbox.ledger()
    assert (second.exit, stopped.exit) == (11, 143)
    assert "another run is already working on this campaign" in second.err
    assert '"running": true' in busy.out
    assert ledger["charged_twice"] == {}


def test_two_processes_with_the_same_credentials_share_one_allowance(machine_for: Callable[[str], Machine]) -> None:
    with sandbox_process("--per-minute", "5", "--job-seconds", "0.2") as sandbox:
        machine = machine_for(sandbox.origin)
        machine.env["CAMPAIGN_RUNNER_PER_MINUTE"] = "5"
        files = [machine.campaign(name, CAMPAIGN) for name in ("spring", "summer")]
        runs = [machine.start("run", file, "--log-format", "json") for file in files]
        for run in runs:
            run.wait_for('"event": "waiting"')  # each has asked for more than there is
        sandbox.wait_for(5)  # the last permit may still be on its way to its request
        for run in runs:
            run.kill(signal.SIGTERM)
        exits = [machine.ended(run).exit for run in runs]
        ledger = sandbox.ledger()
    assert exits == [143, 143]
    assert (len(ledger["accepted_at"]), ledger["refused"]) == (5, 0)
