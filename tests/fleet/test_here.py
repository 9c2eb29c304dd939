"""`run --on fleet --here`: several machines, one record; the sandbox's ledger judges."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from tests.fleet.hosts import FleetMachine, FleetOfMachines, ended, fleet_of_machines
from tests.fleet.postgres import Fleet
from tests.processes.forks import Done
from tests.processes.machines import CAMPAIGN

pytestmark = pytest.mark.proof
Begin = Callable[..., FleetOfMachines]


@pytest.fixture
def machines(fleet: Fleet, tmp_path: Path) -> Iterator[Begin]:
    """`machines(*switches of the sandbox, …)`."""
    with ExitStack() as stack:

        def begin(*switches: str, lease: float = 1.0, per_minute: int = 600) -> FleetOfMachines:
            whole: AbstractContextManager[FleetOfMachines] = fleet_of_machines(
                fleet.server, fleet.prepared, tmp_path, *switches, lease=lease, per_minute=per_minute
            )
            return stack.enter_context(whole)

        yield begin


def test_a_campaign_is_made_by_one_machine_and_known_to_all(machines: Begin) -> None:
    fleet = machines("--job-seconds", "0.2")
    here, there = fleet.machine("here"), fleet.machine("there")
    done = here.run("run", here.machine.campaign(), "--here", "--yes")
    assert (done.exit, len(fleet.files())) == (0, 12), done
    assert "stored=12" in there.run("status", "spring").out
    assert there.run("verify", "spring").exit == 0
    assert "12" in there.run("find", "spring", "--json").out
    again = there.run("run", there.machine.campaign(), "--here", "--yes")
    assert again.exit == 0
    ledger = fleet.sandbox.ledger()
    assert (len(ledger["charged"]), ledger["charged_twice"]) == (12, {})


def test_of_two_at_once_one_works_and_the_other_is_told_who(machines: Begin) -> None:
    fleet = machines("--job-seconds", "1", lease=30.0)
    first, second = fleet.machine("first"), fleet.machine("second")
    running = first.here(first.machine.campaign())
    fleet.sandbox.wait_for(1)
    refused = second.run("run", second.machine.campaign(), "--here", "--yes")
    assert refused.exit == 11
    assert "another run is already working on this campaign (on " in refused.err
    assert ended(running).exit == 0
    assert fleet.sandbox.ledger()["charged_twice"] == {}


@pytest.mark.parametrize("accepted", [1, 3])
def test_who_is_killed_is_taken_over_and_nothing_is_bought_twice(accepted: int, machines: Begin) -> None:
    fleet = machines("--job-seconds", "1")
    first, second = fleet.machine("first"), fleet.machine("second")
    running = first.here(first.machine.campaign(), "--concurrency", "2")
    fleet.sandbox.wait_for(accepted)
    running.kill()
    running.communicate()
    done = _taken_over(second)
    states, ledger = fleet.states(), fleet.sandbox.ledger()
    assert ledger["charged_twice"] == {}
    assert set(states.values()) <= {"stored", "in_doubt"}
    assert set(ledger["charged"]) <= set(states)
    assert done.exit == (4 if "in_doubt" in states.values() else 0), done


def test_who_was_killed_while_a_request_was_under_way_leaves_a_doubt(machines: Begin) -> None:
    fleet = machines("--job-seconds", "0.2", "--faults", "[{kind: slow_after, where: submit, nth: 1, seconds: 600}]")
    first, second = fleet.machine("first"), fleet.machine("second")
    running = first.here(first.machine.campaign(), "--concurrency", "1")
    fleet.sandbox.wait_for(1)
    running.kill()
    running.communicate()
    done = _taken_over(second)
    assert done.exit == 4, done
    assert sorted(fleet.states().values()) == ["in_doubt"] * 2 + ["stored"] * 10
    assert fleet.sandbox.ledger()["charged_twice"] == {}
    resolved = second.run("resolve", "spring", "--abandon", "--yes")
    assert "2 images" in resolved.out, resolved


def test_who_was_stopped_past_its_lease_sends_nothing_more_and_leaves(machines: Begin) -> None:
    fleet = machines("--job-seconds", "1")
    first, second = fleet.machine("first"), fleet.machine("second")
    running = first.here(first.machine.campaign(), "--concurrency", "2")
    fleet.sandbox.wait_for(2)
    running.send_signal(signal.SIGSTOP)
    try:
        done = _taken_over(second)
    finally:
        running.send_signal(signal.SIGCONT)
    stopped = ended(running)
    assert stopped.exit == 11, stopped
    ledger, states = fleet.sandbox.ledger(), fleet.states()
    assert ledger["charged_twice"] == {}
    assert set(ledger["charged"]) <= set(states)
    assert done.exit in (0, 4), done


def test_a_database_that_stops_and_starts_is_waited_for(machines: Begin) -> None:
    fleet = machines("--job-seconds", "1", lease=30.0)
    first = fleet.machine("first")
    running = first.here(first.machine.campaign(), "--concurrency", "2")
    fleet.sandbox.wait_for(2)
    fleet.server.stop()
    fleet.server.start()
    done = ended(running)
    assert done.exit in (0, 4), done
    if done.exit == 4:
        assert first.run("resolve", "spring", "--resubmit", "--yes").exit == 0
    states, ledger = fleet.states(), fleet.sandbox.ledger()
    assert ledger["charged_twice"] == {}
    assert set(ledger["charged"]) <= set(states)


SUMMER = CAMPAIGN.replace("seeds: [1, 2]", "seeds: [2, 3]")


def test_overlapping_campaigns_on_two_machines_buy_each_image_once(machines: Begin) -> None:
    fleet = machines("--job-seconds", "0.5", lease=30.0)
    first, second = fleet.machine("first"), fleet.machine("second")
    runs = [
        first.here(first.machine.campaign(), "--concurrency", "2"),
        second.here(second.machine.campaign("summer", SUMMER), "--concurrency", "2"),
    ]
    done = [ended(run) for run in runs]
    ledger = fleet.sandbox.ledger()
    due = set(fleet.states()) | set(fleet.states("summer"))
    assert (set(ledger["charged"]), ledger["charged_twice"]) == (due, {}), done
    assert [each.exit for each in done] == [0, 0], done


def _taken_over(machine: FleetMachine) -> Done:
    """Run the campaign again and again until its holder, of whom nothing is heard, has lost it."""
    file = machine.machine.campaign()
    while (done := machine.run("run", file, "--here", "--yes")).exit == 11:
        pass
    return done
