"""`worker` and `run --on fleet`: drivers submit and follow, workers carry out; the sandbox's ledger judges."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from PIL import Image

from campaign_runner.quota.shared_quota import account_of
from tests.cli.conftest import ask  # noqa: F401 - a fixture
from tests.cli.typed import Ask
from tests.fleet.hosts import FleetMachine, FleetOfMachines, ended, fleet_of_machines
from tests.fleet.postgres import Fleet
from tests.fleet.test_here import SUMMER
from tests.processes.forks import Done
from tests.processes.machines import CAMPAIGN

pytestmark = pytest.mark.proof
Begin = Callable[..., FleetOfMachines]


@pytest.fixture
def machines(fleet: Fleet, tmp_path: Path) -> Iterator[Begin]:
    """`machines(*switches of the sandbox, …)`."""
    with ExitStack() as stack:

        def begin(*switches: str, lease: float = 1.0) -> FleetOfMachines:
            return stack.enter_context(
                fleet_of_machines(fleet.server, fleet.prepared, tmp_path, *switches, lease=lease)
            )

        yield begin


def run(machine: FleetMachine, *words: object) -> Done:
    """Submit the campaign and follow it to its end."""
    return machine.run("run", machine.machine.campaign(), "--yes", *words)


def check(fleet: FleetOfMachines) -> dict[str, str]:
    """Nothing was charged twice, nothing is lost; the states of the images, by key."""
    ledger, states = fleet.sandbox.ledger(), fleet.states()
    assert ledger["charged_twice"] == {}
    assert set(ledger["charged"]) <= set(states)
    assert {key for key, state in states.items() if state == "stored"} <= set(ledger["charged"])
    assert {entry["outcome"] for entry in ledger["requests"]} <= {"accepted"}
    return states


def test_a_worker_makes_what_a_driver_submits_and_the_driver_reports_it(machines: Begin) -> None:
    fleet = machines("--job-seconds", "0.2")
    driver = fleet.machine("both")
    worker = driver.work()
    done = run(driver)
    assert (done.exit, len(fleet.files())) == (0, 12), done
    assert "stored=12" in done.out.splitlines()[-1], done
    again = run(driver)
    assert (again.exit, "stored=12" in again.out) == (0, True), "there is nothing to submit"
    worker.terminate()
    said = ended(worker)
    assert (said.exit, said.out.splitlines()[0]) == (0, "ready"), said
    assert "spring: ended with 0" in said.out and said.out.count("taken") == 1
    assert set(check(fleet).values()) == {"stored"}


def test_limits_and_only_are_those_that_were_submitted(machines: Begin) -> None:
    fleet = machines("--job-seconds", "0.2")
    fleet.machine("worker").work()
    driver = fleet.machine("driver")
    some = run(driver, "--only", "product=candle", "--max-images", "2")
    assert (some.exit, len(fleet.files())) == (9, 2), some
    rest = run(driver, "--only", "product=candle")
    assert (rest.exit, len(fleet.files())) == (0, 4), rest
    late = run(driver, "--max-runtime", "1s")
    assert late.exit in (0, 9), late
    assert check(fleet)


def test_of_several_files_nothing_is_bought_where_one_has_problems(machines: Begin) -> None:
    fleet = machines("--job-seconds", "0.2")
    fleet.machine("worker").work()
    driver = fleet.machine("driver")
    budget = "budget: 12\n"
    assert driver.run("run", driver.machine.campaign("summer", SUMMER + budget), "--yes").exit == 0
    edited = driver.machine.campaign("summer", SUMMER.replace("[2, 3]", "[7, 8]") + budget)
    refused = driver.run("run", driver.machine.campaign(), edited, "--yes", "--accept-changes")
    assert (refused.exit, len(fleet.sandbox.ledger()["charged"])) == (2, 12), refused
    limited = driver.run(
        "run", driver.machine.campaign(), driver.machine.campaign("summer", SUMMER), "--max-images", "2"
    )
    assert (limited.exit, "go with one file" in limited.err) == (2, True), limited


def test_who_submits_and_leaves_finds_it_made(machines: Begin) -> None:
    fleet = machines("--job-seconds", "0.2")
    driver = fleet.machine("driver")
    done = run(driver, "--detach")
    assert (done.exit, fleet.sandbox.ledger()["charged"]) == (0, {}), done
    assert "to follow it: campaign-runner run " in done.out and "--on fleet" in done.out and "--here" not in done.out
    alone = ended(driver.start("run", driver.machine.campaign(), "--yes", patience=1.0))
    assert (alone.exit, "the fleet goes on once one can" in alone.out) == (8, True), alone
    fleet.machine("worker").work()
    followed = run(driver)
    assert (followed.exit, len(fleet.files())) == (0, 12), followed
    assert check(fleet)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_who_follows_may_leave_or_be_killed_and_the_fleet_goes_on(number: signal.Signals, machines: Begin) -> None:
    fleet = machines("--job-seconds", "3", lease=30.0)
    fleet.machine("worker").work()
    driver = fleet.machine("driver")
    following = driver.start("run", driver.machine.campaign(), "--yes", "--concurrency", "1")
    fleet.sandbox.wait_for(1)
    following.send_signal(number)
    left = ended(following)
    if number is signal.SIGINT:
        assert left.exit == 130 and "the fleet goes on with spring; to follow it again: campaign-runner run" in left.out
    done = run(driver)
    assert (done.exit, len(fleet.files())) == (0, 12), done
    assert check(fleet)


def test_a_second_driver_and_a_second_task_change_nothing_and_another_text_is_refused(machines: Begin) -> None:
    fleet = machines("--job-seconds", "4", lease=30.0)
    workers = [fleet.machine(name).work() for name in ("worker", "other")]
    first, second = fleet.machine("first"), fleet.machine("second")
    following = first.start("run", first.machine.campaign(), "--yes", "--concurrency", "1")
    fleet.sandbox.wait_for(1)
    other = second.run("run", second.machine.campaign(text=SUMMER), "--yes")
    assert other.exit == 11 and "another run is already working on this campaign (on " in other.err, other
    again = "SELECT defer_run(r.id, account) FROM runs r JOIN campaigns c ON c.id = campaign"
    fleet.server.execute(fleet.database, f"SET search_path = campaign_runner; {again}")
    same = run(second)
    assert (same.exit, ended(following).exit) == (0, 0), same
    for worker in workers:
        worker.terminate()
    assert [ended(worker).err for worker in workers] == ["", ""]
    assert set(check(fleet).values()) == {"stored"}


def test_two_drivers_at_once_buy_everything_once(machines: Begin) -> None:
    fleet = machines("--job-seconds", "1", lease=30.0)
    for name in ("worker", "other"):
        fleet.machine(name).work()
    drivers = [fleet.machine("first"), fleet.machine("second")]
    started = [driver.start("run", driver.machine.campaign(), "--yes") for driver in drivers]
    assert [ended(each).exit for each in started] == [0, 0]
    assert set(check(fleet).values()) == {"stored"}


def test_a_worker_that_is_told_to_end_puts_its_work_back_and_another_goes_on(machines: Begin) -> None:
    fleet = machines("--job-seconds", "3", lease=30.0)
    worker = fleet.machine("worker").work()
    driver = fleet.machine("driver")
    following = driver.start("run", driver.machine.campaign(), "--yes", "--concurrency", "1")
    fleet.sandbox.wait_for(1)
    worker.terminate()
    said = ended(worker)
    assert (said.exit, "spring: ended with 143" in said.out) == (0, True), said
    fleet.machine("other").work()
    done = ended(following)
    assert (done.exit, len(fleet.files())) == (0, 12), done
    assert set(check(fleet).values()) == {"stored"}


def test_of_three_workers_one_is_killed_and_the_others_go_on(machines: Begin) -> None:
    fleet = machines("--job-seconds", "1")
    workers = [fleet.machine(name).work() for name in ("one", "two", "three")]
    driver = fleet.machine("driver")
    following = driver.start("run", driver.machine.campaign(), "--yes", "--concurrency", "1")
    fleet.sandbox.wait_for(1)
    killed = _who_works(fleet, workers)
    killed.kill()
    done = ended(following)
    states = check(fleet)
    assert set(states.values()) <= {"stored", "in_doubt"}, states
    assert done.exit == (4 if "in_doubt" in states.values() else 0), done


def test_a_worker_that_was_stopped_past_its_lease_sends_nothing_more(machines: Begin) -> None:
    fleet = machines("--job-seconds", "1")
    workers = [fleet.machine(name).work() for name in ("one", "two")]
    driver = fleet.machine("driver")
    following = driver.start("run", driver.machine.campaign(), "--yes", "--concurrency", "1")
    fleet.sandbox.wait_for(1)
    for worker in workers:
        worker.send_signal(signal.SIGSTOP)
    other = fleet.machine("other").work()
    done = ended(following)
    for worker in workers:
        worker.send_signal(signal.SIGCONT)
        worker.terminate()
        assert ended(worker).exit in (0, 143), "143: it took longer than a signal leaves it"
    states = check(fleet)
    assert done.exit == (4 if "in_doubt" in states.values() else 0), done
    other.terminate()
    assert ended(other).exit == 0


def test_a_database_that_stops_and_starts_ends_no_worker(machines: Begin) -> None:
    fleet = machines("--job-seconds", "1", lease=30.0)
    worker = fleet.machine("worker").work()
    driver = fleet.machine("driver")
    following = driver.start("run", driver.machine.campaign(), "--yes", "--concurrency", "1")
    fleet.sandbox.wait_for(1)
    fleet.server.stop()
    fleet.server.start()
    done = ended(following)
    states = check(fleet)
    assert done.exit == (4 if "in_doubt" in states.values() else 0), done
    summer = driver.run("run", driver.machine.campaign("summer", SUMMER), "--yes")
    assert summer.exit in (0, 8), "its loop was started again"
    worker.terminate()
    said = ended(worker)
    assert (said.exit, said.err) == (0, ""), said


def test_what_is_told_to_stop_buys_nothing_more_by_any_worker_until_it_is_run_again(machines: Begin) -> None:
    fleet = machines("--job-seconds", "3", lease=30.0)
    worker = fleet.machine("worker").work()
    driver = fleet.machine("driver")
    following = driver.start("run", driver.machine.campaign(), "--yes", "--concurrency", "1")
    fleet.sandbox.wait_for(1)
    worker.terminate()
    assert ended(worker).exit == 0
    assert driver.command("fleet", "stop", "spring").exit == 0
    bought = len(fleet.sandbox.ledger()["charged"])
    fleet.machine("other").work()
    stopped = ended(following)
    assert (stopped.exit, len(fleet.sandbox.ledger()["charged"])) == (9, bought), stopped
    assert "stopped by `fleet stop`" in stopped.out and len(fleet.files()) == bought, "what was paid for is fetched"
    again = run(driver)
    assert (again.exit, len(fleet.files())) == (0, 12), again
    assert check(fleet)


def test_a_worker_works_for_every_account_that_it_has_credentials_of_with_their_reference_images(
    machines: Begin,
) -> None:
    fleet = machines("--job-seconds", "0.2")
    acme = account_of(fleet.sandbox.origin, "acme")
    fleet.server.execute(fleet.database, f"SELECT campaign_runner.set_allowance('{acme}', 600, 9000)")
    usual, both, driver = fleet.machine("usual"), fleet.machine("both"), fleet.machine("driver")
    for machine in (both, driver):
        machine.machine.env |= {"CUSTOM_MODELS_CLIENT_ID__ACME": "acme", "CUSTOM_MODELS_CLIENT_SECRET__ACME": "theirs"}
    usual.work()
    both.work()
    file = driver.machine.campaign(text=CAMPAIGN + "account: acme\ndefaults: {{style_reference: look.png}}\n")
    Image.new("RGB", (16, 16), "red").save(file.with_name("look.png"))
    done = driver.run("run", file, "--yes")
    assert done.exit == 0, done
    assert [made.relative_to(fleet.home / "shared").parts[0] for made in fleet.files()] == ["acme"] * 12
    assert fleet.sandbox.ledger()["charged_twice"] == {}
    assert "spring" in recorded(fleet) and "theirs" not in recorded(fleet)


def recorded(fleet: FleetOfMachines) -> str:
    """All that the tables hold, ours and those of the queue."""
    schemas = "('campaign_runner'::regnamespace, 'campaign_queue'::regnamespace)"
    tables = f"SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace IN {schemas}".encode()
    with psycopg.connect(fleet.server.url(fleet.database)) as connection:
        names = [name for (name,) in connection.execute(tables).fetchall()]
        rows = [connection.execute(f"SELECT t::text FROM {name} t".encode()).fetchall() for name in names]
    return str(rows)


@pytest.fixture
def variables(fleet: Fleet, tmp_path: Path) -> dict[str, str]:
    """A fleet that was prepared, for a worker of this process."""
    url = fleet.server.url(fleet.server.prepared_database(fleet.prepared))
    return {
        "CAMPAIGN_RUNNER_DATABASE_URL": url,
        "CAMPAIGN_RUNNER_STORE": str(tmp_path / "images"),
        "CAMPAIGN_RUNNER_STATE_DIR": str(tmp_path / "state"),
    }


def test_a_worker_that_cannot_work_says_so_before_it_takes_anything(
    ask: Ask,  # noqa: F811
    variables: dict[str, str],
    tmp_path: Path,
) -> None:
    lost = variables | {"CAMPAIGN_RUNNER_DATABASE_URL": f"{variables['CAMPAIGN_RUNNER_DATABASE_URL']}x"}
    assert ask("worker", **lost).status == 6
    assert ask("fleet", "init", **variables).status == 0
    nobody = ask("worker", **variables)
    assert (nobody.status, "CUSTOM_MODELS_CLIENT_ID is not set" in nobody.err) == (7, True), nobody
    (tmp_path / "images" / ".campaign-runner" / "lock").unlink()
    (tmp_path / "images" / ".campaign-runner" / "lock").mkdir()
    assert ask("worker", **variables).status in (5, 6)


def _who_works(fleet: FleetOfMachines, workers: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    """The worker that took the campaign last."""
    query = b"SELECT worker FROM campaign_runner.entries WHERE kind = 'opened' ORDER BY seq DESC LIMIT 1"
    with psycopg.connect(fleet.server.url(fleet.database)) as connection:
        ((name,),) = connection.execute(query).fetchall()
    return next(worker for worker in workers if name.endswith(f":{worker.pid}"))
