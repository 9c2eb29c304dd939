"""A campaign that is run on one machine, moved into the fleet, run there and moved out; the sandbox's ledger judges."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet.hosts import FleetMachine, FleetOfMachines, fleet_of_machines
from tests.fleet.postgres import Fleet
from tests.processes.forks import Done

pytestmark = pytest.mark.proof


@pytest.fixture
def whole(fleet: Fleet, tmp_path: Path) -> Iterator[FleetOfMachines]:
    with fleet_of_machines(fleet.server, fleet.prepared, tmp_path, "--job-seconds", "0.2") as found:
        yield found


def alone(machine: FleetMachine, *words: object) -> Done:
    """A command that is not one of the fleet's campaigns."""
    return machine.machine.run(*words)


def test_a_campaign_that_is_complete_has_the_same_manifest_after_import_run_and_export(whole: FleetOfMachines) -> None:
    here, there = whole.machine("here"), whole.machine("there")
    file = here.machine.campaign()
    assert alone(here, "run", file, "--yes").exit == 0
    before = (here.machine.home / "output" / "spring" / "manifest.json").read_bytes()
    moved = alone(here, "fleet", "import", "spring")
    assert (moved.exit, moved.out) == (0, "moved into the fleet: spring, with 12 files\n"), moved
    assert alone(here, "run", file, "--yes").exit == 5
    copy = there.machine.campaign()
    assert there.run("run", copy, "--here", "--yes").exit == 0
    assert "stored=12" in here.run("status", "spring").out
    moved = alone(there, "fleet", "export", "spring")
    assert moved.exit == 0, moved
    back = there.machine.home / "output" / "spring"
    assert (back / "manifest.json").read_bytes() == before
    assert alone(there, "verify", back).exit == 0
    assert there.run("run", copy, "--here", "--yes").exit == 5
    assert alone(there, "run", copy, "--yes").exit == 0
    assert whole.sandbox.ledger()["charged_twice"] == {}
    assert len(whole.sandbox.ledger()["charged"]) == 12


def test_what_was_begun_here_is_gone_on_with_there_and_ended_here(whole: FleetOfMachines) -> None:
    here, there = whole.machine("here"), whole.machine("there")
    file = here.machine.campaign()
    assert alone(here, "run", file, "--yes", "--max-requests", "1").exit == 9
    assert alone(here, "fleet", "import", "spring").exit == 0
    copy = there.machine.campaign()
    assert there.run("run", copy, "--here", "--yes", "--max-requests", "1").exit == 9
    moved = alone(there, "fleet", "export", "spring")
    assert moved.exit == 0, moved
    done = alone(there, "run", copy, "--yes")
    assert done.exit == 0, done
    assert alone(there, "verify", "spring").exit == 0
    ledger = whole.sandbox.ledger()
    assert (len(ledger["charged"]), ledger["charged_twice"]) == (12, {})
