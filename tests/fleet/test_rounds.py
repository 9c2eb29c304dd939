"""Three workers, two campaigns that overlap, and what may happen to them at any moment, drawn anew each time.

`FLEET_SEED=… FLEET_ROUNDS=1` draws a round again; its seed is in what a failure prints. More rounds go on from there.
"""

from __future__ import annotations

import os
import random
import secrets
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from campaign_runner.run.ending import BUSY
from tests.fleet.hosts import FleetMachine, FleetOfMachines, FleetProcess, ended, fleet_of_machines
from tests.fleet.postgres import Fleet
from tests.fleet.test_here import SUMMER

pytestmark = pytest.mark.proof
ROUNDS = int(os.environ.get("FLEET_ROUNDS", "10"))
WITHIN = float(os.environ.get("FLEET_WITHIN", "2"))
"""Seconds within which the next thing happens: the fewer, the more is still to be bought then."""
FIRST_SEED = os.environ.get("FLEET_SEED")
PER_MINUTE = 600
CAMPAIGNS = ("spring", "summer")


@dataclass
class Round:
    """What is going on in one round. The worker of a machine is replaced as its operator would."""

    fleet: FleetOfMachines
    machines: list[FleetMachine]
    draw: random.Random
    workers: dict[int, FleetProcess] = field(default_factory=dict)
    here: list[FleetProcess] = field(default_factory=list)

    def begin(self) -> None:
        for number in range(len(self.machines)):
            self.work(number)
        for campaign in CAMPAIGNS:
            machine = self.draw.choice(self.machines)
            done = machine.run("run", _file(machine, campaign), "--detach", "--yes", "--concurrency", "2")
            assert done.exit == 0, done

    def work(self, number: int) -> None:
        self.workers[number] = self.machines[number].work()

    def kill(self) -> None:
        number = self.draw.choice(sorted(self.workers))
        self.workers[number].kill()
        self.work(number)

    def end(self) -> None:
        number = self.draw.choice(sorted(self.workers))
        self.workers[number].terminate()
        ended(self.workers[number])
        self.work(number)

    def stop(self) -> None:
        """Past its lease, while others go on with what it has."""
        process = self.workers[self.draw.choice(sorted(self.workers))]
        process.send_signal(signal.SIGSTOP)
        time.sleep(self.fleet.lease * self.draw.uniform(0.5, 3))
        process.send_signal(signal.SIGCONT)

    def crash(self) -> None:
        self.fleet.server.stop()
        time.sleep(self.draw.uniform(0, 1))
        self.fleet.server.start()

    def run_here(self) -> None:
        """Someone has a campaign made by their own machine: a worker has it, or loses it to no one."""
        machine = self.draw.choice(self.machines)
        self.here.append(machine.here(_file(machine, self.draw.choice(CAMPAIGNS)), "--concurrency", "2"))

    def finish(self, campaign: str) -> int:
        """Follow it to its end; the exit status."""
        while True:
            machine = self.draw.choice(self.machines)
            done = machine.run("run", _file(machine, campaign), "--yes")
            if done.exit != BUSY:
                return done.exit


def _file(machine: FleetMachine, campaign: str) -> Path:
    return machine.machine.campaign(campaign, *([SUMMER] if campaign == "summer" else []))


@pytest.mark.parametrize("number", range(ROUNDS))
def test_whatever_happens_nothing_is_bought_twice_and_nothing_is_lost(
    number: int, fleet: Fleet, tmp_path: Path
) -> None:
    seed = secrets.randbelow(1 << 32) if FIRST_SEED is None else int(FIRST_SEED) + number
    sys.stdout.write(f"FLEET_SEED={seed}\n")  # shown with a failure
    switches = ("--job-seconds", "0.5", "--seed", str(seed % 1000))
    with fleet_of_machines(fleet.server, fleet.prepared, tmp_path, *switches, per_minute=PER_MINUTE) as whole:
        drawn = random.Random(seed)
        round_ = Round(whole, [whole.machine(name) for name in ("one", "two", "three")], drawn)
        round_.begin()
        events: list[Callable[[], None]] = [round_.kill, round_.end, round_.stop, round_.crash, round_.run_here]
        for _ in range(drawn.randint(1, 3)):
            time.sleep(drawn.uniform(WITHIN / 8, WITHIN))
            drawn.choice(events)()
        for process in round_.here:
            ended(process)
        codes = {campaign: round_.finish(campaign) for campaign in CAMPAIGNS}
        for process in round_.workers.values():
            process.terminate()
            ended(process)
        known = whole.states() | whole.states("summer")
        ledger = whole.sandbox.ledger()
    assert ledger["charged_twice"] == {}, f"FLEET_SEED={seed}"
    assert set(ledger["charged"]) <= set(known), f"FLEET_SEED={seed}"
    assert {entry["outcome"] for entry in ledger["requests"]} <= {"accepted"}, f"FLEET_SEED={seed}"
    stored = {key for key, state in known.items() if state == "stored"}
    assert all(key in ledger["charged"] for key in stored), f"FLEET_SEED={seed}"
    assert set(codes.values()) <= {0, 3, 4, 8}, f"FLEET_SEED={seed}: {codes}"
