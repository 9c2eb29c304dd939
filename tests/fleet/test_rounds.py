"""Two machines, two campaigns that overlap, and what may happen to them at any moment, drawn anew each time.

`FLEET_SEED=…` draws a round again; its seed is in what a failure prints.
"""

from __future__ import annotations

import os
import random
import secrets
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fleet.hosts import FleetMachine, FleetOfMachines, ended, fleet_of_machines
from tests.fleet.postgres import Fleet
from tests.fleet.test_here import SUMMER

pytestmark = pytest.mark.proof
ROUNDS = int(os.environ.get("FLEET_ROUNDS", "3"))
PER_MINUTE = 600


@dataclass
class Round:
    """What is going on in one round."""

    fleet: FleetOfMachines
    machines: list[FleetMachine]
    draw: random.Random
    running: dict[str, tuple[FleetMachine, subprocess.Popen[str]]]

    def start(self, campaign: str) -> None:
        """Begin, or go on, on one of the machines; who holds it may still be believed to live."""
        machine = self.draw.choice(self.machines)
        self.running[campaign] = (machine, machine.here(_file(machine, campaign), "--concurrency", "2"))

    def kill(self) -> None:
        campaign = self.draw.choice(sorted(self.running))
        _, process = self.running.pop(campaign)
        process.kill()
        process.communicate()
        self.start(campaign)

    def stop(self) -> None:
        """Past its lease, while another machine goes on with it."""
        campaign = self.draw.choice(sorted(self.running))
        _, process = self.running[campaign]
        process.send_signal(signal.SIGSTOP)
        time.sleep(self.fleet.lease * self.draw.uniform(0.5, 3))
        self.start(campaign)
        time.sleep(self.draw.uniform(0, 1))
        process.send_signal(signal.SIGCONT)

    def crash(self) -> None:
        self.fleet.server.stop()
        time.sleep(self.draw.uniform(0, 1))
        self.fleet.server.start()


def _file(machine: FleetMachine, campaign: str) -> Path:
    return machine.machine.campaign(campaign, *([SUMMER] if campaign == "summer" else []))


@pytest.mark.parametrize("number", range(ROUNDS))
def test_whatever_happens_nothing_is_bought_twice_and_nothing_is_lost(
    number: int, fleet: Fleet, tmp_path: Path
) -> None:
    seed = int(os.environ.get("FLEET_SEED", secrets.randbelow(1 << 32)))
    switches = ("--job-seconds", "0.5", "--seed", str(seed % 1000))
    with fleet_of_machines(fleet.server, fleet.prepared, tmp_path, *switches, per_minute=PER_MINUTE) as whole:
        drawn = random.Random(seed)
        round_ = Round(whole, [whole.machine("one"), whole.machine("two")], drawn, {})
        for campaign in ("spring", "summer"):
            round_.start(campaign)
        events: list[Callable[[], None]] = [round_.kill, round_.stop, round_.crash]
        for _ in range(drawn.randint(1, 3)):
            time.sleep(drawn.uniform(0.5, 4))
            drawn.choice(events)()
        for process in whole.started:
            if process.stdout is not None and not process.stdout.closed:
                ended(process)
        codes = {campaign: _finished(round_, campaign) for campaign in ("spring", "summer")}
        known = whole.states() | whole.states("summer")
        ledger = whole.sandbox.ledger()
    assert ledger["charged_twice"] == {}, f"FLEET_SEED={seed}"
    assert set(ledger["charged"]) <= set(known), f"FLEET_SEED={seed}"
    assert {entry["outcome"] for entry in ledger["requests"]} <= {"accepted"}, f"FLEET_SEED={seed}"
    stored = {key for key, state in known.items() if state == "stored"}
    assert all(key in ledger["charged"] for key in stored), f"FLEET_SEED={seed}"
    assert set(codes.values()) <= {0, 3, 4, 8}, f"FLEET_SEED={seed}: {codes}"


def _finished(round_: Round, campaign: str) -> int:
    """Run it, on any machine, until it is held by none and has come to its end; the exit status."""
    while True:
        machine = round_.draw.choice(round_.machines)
        done = machine.run("run", _file(machine, campaign), "--here", "--yes")
        if done.exit != 11:
            return done.exit
