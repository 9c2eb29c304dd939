"""`worker` and `run --on fleet`: drivers submit and follow, workers carry out; the sandbox's ledger judges."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from PIL import Image

from campaign_runner.quota.shared_quota import account_of
from tests.cli.conftest import ask  # noqa: F401 - a fixture
from tests.cli.typed import Ask
from tests.fleet.hosts import PATIENCE, FleetMachine, FleetOfMachines, FleetProcess, ended, fleet_of_machines
from tests.fleet.postgres import Fleet
from tests.fleet.test_here import SUMMER
from tests.processes.forks import Done
from tests.processes.machines import CAMPAIGN, held

pytestmark = pytest.mark.proof
Begin = Callable[..., FleetOfMachines]
LONG = 30.0
"""Seconds of a lease that no one loses, however busy the machine is."""


@pytest.fixture
def machines(fleet: Fleet, tmp_path: Path) -> Iterator[Begin]:
    """`machines(*switches of the sandbox, …)`."""
    with ExitStack() as stack:

        def begin(*switches: str, lease: float = 1.0) -> FleetOfMachines:
            return stack.enter_context(
                fleet_of_machines(fleet.server, fleet.prepared, tmp_path, *switches, lease=lease)
            )

        yield begin


def following(driver: FleetMachine, *words: object) -> FleetProcess:
    """A driver that has submitted the campaign, or found it submitted, and follows it."""
    started = driver.start("run", driver.machine.campaign(), "--yes", "--log-format", "json", *words)
    started.forked.wait_for('"event": "started"')
    return started


@dataclass(frozen=True)
class Followed:
    """A run whose first request was accepted, and that does not go on before the sandbox is released."""

    fleet: FleetOfMachines
    workers: list[FleetProcess]
    driver: FleetMachine
    following: FleetProcess


Follow = Callable[..., Followed]


@pytest.fixture
def follow(machines: Begin, tmp_path: Path) -> Follow:
    """`follow(*names of workers, …)`: they are there, and a driver submits the campaign and follows it."""

    def begun(*names: str, lease: float = 1.0) -> Followed:
        fleet = machines(*held(tmp_path), lease=lease)
        workers = [fleet.machine(name).work() for name in names]
        driver = fleet.machine("driver")
        run = following(driver, "--concurrency", "1")
        fleet.sandbox.wait_for(1)
        return Followed(fleet, workers, driver, run)

    return begun


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


@pytest.mark.parametrize(("limit", "bought"), [(("--max-images", "5"), 5), (("--max-requests", "3"), 6)])
def test_the_limits_of_a_command_are_kept_by_its_campaigns_together(
    limit: tuple[str, str], bought: int, machines: Begin
) -> None:
    """Whichever workers make them: requests have two images each, and the last one what is left."""
    fleet = machines("--job-seconds", "0.2", lease=LONG)
    for name in ("worker", "other"):
        fleet.machine(name).work()
    driver = fleet.machine("driver")
    files = [driver.machine.campaign(name, CAMPAIGN.replace("oak", name)) for name in ("spring", "summer")]
    some = driver.run("run", *files, "--yes", *limit)
    assert (some.exit, len(fleet.sandbox.ledger()["charged"])) == (9, bought), some
    assert "as requested" in some.out and some.out.count("stopped after ") == 2, some
    rest = driver.run("run", *files, "--yes")
    assert (rest.exit, len(fleet.files())) == (0, 24), rest


def test_a_run_that_waits_for_a_doubt_of_another_campaign_ends(machines: Begin, tmp_path: Path) -> None:
    """Only a person ends that doubt; until then no worker would ever be done with it."""
    faults = tmp_path / "faults.json"
    faults.write_text('[{"kind": "reset_after", "nth": 1}]', encoding="utf-8")
    fleet = machines("--job-seconds", "0.2", "--faults", str(faults), lease=LONG)
    driver = fleet.machine("both")
    driver.work()
    assert run(driver, "--concurrency", "1").exit == 4
    summer = driver.machine.campaign("summer", SUMMER)
    waits = driver.run("run", summer, "--yes")
    assert (waits.exit, "Run or resolve that campaign first" in waits.out) == (8, True), waits
    assert driver.run("resolve", "spring", "--resubmit", "--now").exit == 0
    assert [driver.run("run", file, "--yes").exit for file in (driver.machine.campaign(), summer)] == [0, 0]
    assert set(fleet.states("summer").values()) == {"stored"}


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
def test_who_follows_may_leave_or_be_killed_and_the_fleet_goes_on(number: signal.Signals, follow: Follow) -> None:
    begun = follow("worker", lease=LONG)
    begun.following.send_signal(number)
    left = ended(begun.following)
    if number is signal.SIGINT:
        assert left.exit == 130 and "the fleet goes on with spring; to follow it again: campaign-runner run" in left.out
    begun.fleet.sandbox.release()
    done = run(begun.driver)
    assert (done.exit, len(begun.fleet.files())) == (0, 12), done
    assert check(begun.fleet)


def test_a_second_driver_and_a_second_task_change_nothing_and_another_text_is_refused(
    follow: Follow,
) -> None:
    begun = follow("worker", "other", lease=LONG)
    fleet, second = begun.fleet, begun.fleet.machine("second")
    other = second.run("run", second.machine.campaign(text=SUMMER), "--yes")
    assert other.exit == 11 and "another run is already working on this campaign (on " in other.err, other
    again = "SELECT defer_run(r.id, account) FROM runs r JOIN campaigns c ON c.id = campaign"
    fleet.server.execute(fleet.database, f"SET search_path = campaign_runner; {again}")
    same = following(second)
    _wait_until_taken(fleet)
    fleet.sandbox.release()
    assert (ended(same).exit, ended(begun.following).exit) == (0, 0), same
    for worker in begun.workers:
        worker.terminate()
    assert [ended(worker).err for worker in begun.workers] == ["", ""]
    assert set(check(fleet).values()) == {"stored"}


def test_two_drivers_at_once_buy_everything_once(machines: Begin) -> None:
    fleet = machines("--job-seconds", "1", lease=LONG)
    for name in ("worker", "other"):
        fleet.machine(name).work()
    drivers = [fleet.machine("first"), fleet.machine("second")]
    started = [driver.start("run", driver.machine.campaign(), "--yes") for driver in drivers]
    assert [ended(each).exit for each in started] == [0, 0]
    assert set(check(fleet).values()) == {"stored"}


def test_a_worker_that_is_told_to_end_puts_its_work_back_and_another_goes_on(follow: Follow) -> None:
    begun = follow("worker", lease=LONG)
    begun.workers[0].terminate()
    said = ended(begun.workers[0])
    assert (said.exit, "spring: ended with 143" in said.out) == (0, True), said
    begun.fleet.sandbox.release()
    begun.fleet.machine("other").work()
    done = ended(begun.following)
    assert (done.exit, len(begun.fleet.files())) == (0, 12), done
    assert set(check(begun.fleet).values()) == {"stored"}


def test_of_three_workers_one_is_killed_and_the_others_go_on(follow: Follow) -> None:
    begun = follow("one", "two", "three")
    _who_works(begun.fleet, begun.workers).kill()
    begun.fleet.sandbox.release()
    done = ended(begun.following)
    states = check(begun.fleet)
    assert set(states.values()) <= {"stored", "in_doubt"}, states
    assert done.exit == (4 if "in_doubt" in states.values() else 0), done


def test_a_worker_that_was_stopped_past_its_lease_sends_nothing_more(follow: Follow) -> None:
    begun = follow("one", "two")
    for worker in begun.workers:
        worker.send_signal(signal.SIGSTOP)
    begun.fleet.sandbox.release()
    other = begun.fleet.machine("other").work()
    done = ended(begun.following)
    for worker in begun.workers:
        worker.send_signal(signal.SIGCONT)
        worker.terminate()
        assert ended(worker).exit in (0, 143), "143: it took longer than a signal leaves it"
    states = check(begun.fleet)
    assert done.exit == (4 if "in_doubt" in states.values() else 0), done
    other.terminate()
    assert ended(other).exit == 0


def test_a_database_that_stops_and_starts_ends_no_worker(follow: Follow) -> None:
    begun = follow("worker", lease=LONG)
    begun.fleet.server.stop()
    begun.fleet.server.start()
    begun.fleet.sandbox.release()
    done = ended(begun.following)
    states = check(begun.fleet)
    assert done.exit == (4 if "in_doubt" in states.values() else 0), done
    summer = begun.driver.run("run", begun.driver.machine.campaign("summer", SUMMER), "--yes")
    assert summer.exit in (0, 8), "its loop was started again"
    begun.workers[0].terminate()
    said = ended(begun.workers[0])
    assert (said.exit, said.err) == (0, ""), said


def test_what_is_told_to_stop_buys_nothing_more_by_any_worker_until_it_is_run_again(
    follow: Follow,
) -> None:
    begun = follow("worker", lease=LONG)
    fleet = begun.fleet
    begun.workers[0].terminate()
    assert ended(begun.workers[0]).exit == 0
    assert begun.driver.command("fleet", "stop", "spring").exit == 0
    bought = len(fleet.sandbox.ledger()["charged"])
    fleet.sandbox.release()
    fleet.machine("other").work()
    stopped = ended(begun.following)
    assert (stopped.exit, len(fleet.sandbox.ledger()["charged"])) == (9, bought), stopped
    assert "stopped by `fleet stop`" in stopped.out and len(fleet.files()) == bought, "what was paid for is fetched"
    again = run(begun.driver)
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


def _wait_until_taken(fleet: FleetOfMachines) -> None:
    """Until no task waits for a worker."""
    query = b"SELECT count(*) FROM campaign_queue.procrastinate_jobs WHERE status = 'todo'"
    deadline = time.monotonic() + PATIENCE
    with psycopg.connect(fleet.server.url(fleet.database), autocommit=True) as connection:
        while connection.execute(query).fetchall() != [(0,)]:
            assert time.monotonic() < deadline, "no worker takes it"
            time.sleep(0.05)


def _who_works(fleet: FleetOfMachines, workers: list[FleetProcess]) -> FleetProcess:
    """The worker that took the campaign last."""
    query = b"SELECT worker FROM campaign_runner.entries WHERE kind = 'opened' ORDER BY seq DESC LIMIT 1"
    with psycopg.connect(fleet.server.url(fleet.database)) as connection:
        ((name,),) = connection.execute(query).fetchall()
    return next(worker for worker in workers if name.endswith(f":{worker.forked.process}"))
