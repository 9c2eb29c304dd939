"""`run --on fleet --here`: several machines, one record; the sandbox's ledger judges."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from PIL import Image

from campaign_runner.model import Cell, Size
from campaign_runner.quota.shared_quota import account_of
from campaign_runner.review.decisions_file import encoded
from campaign_runner.review.decisions_format import mark_line
from campaign_runner.review.marks import Mark, Reviewer, Vote
from tests.fleet import s3
from tests.fleet.hosts import PATIENCE, FleetMachine, FleetOfMachines, ended, fleet_of_machines
from tests.fleet.postgres import Fleet
from tests.many_images import copy_of
from tests.processes.forks import Done
from tests.processes.machines import CAMPAIGN, held

pytestmark = pytest.mark.proof
Begin = Callable[..., FleetOfMachines]
SUMMER = CAMPAIGN.replace("seeds: [1, 2]", "seeds: [2, 3]")
"""Shares half of its images with the other campaign."""


@pytest.fixture
def machines(fleet: Fleet, tmp_path: Path) -> Iterator[Begin]:
    """`machines(*switches of the sandbox, …)`."""
    with ExitStack() as stack:

        def begin(*switches: str, lease: float = 1.0, bucket: str | None = None) -> FleetOfMachines:
            whole = fleet_of_machines(fleet.server, fleet.prepared, tmp_path, *switches, lease=lease, bucket=bucket)
            return stack.enter_context(whole)

        yield begin


def test_a_campaign_is_made_by_one_machine_and_known_to_all(machines: Begin, tmp_path: Path) -> None:
    fleet = machines("--job-seconds", "0.2")
    here, there = fleet.machine("here"), fleet.machine("there")
    done = here.run("run", here.machine.campaign(), "--here", "--yes")
    assert (done.exit, len(fleet.files())) == (0, 12), done
    del there.machine.env["CUSTOM_MODELS_CLIENT_SECRET"], there.machine.env["CUSTOM_MODELS_CLIENT_ID"]  # to read
    assert "stored=12" in there.run("status", "spring").out
    verified = there.run("verify", "spring")
    assert (verified.exit, "reading 12 images, " in verified.err) == (0, True), verified
    assert "12" in there.run("find", "spring", "--json").out
    assert there.run("run", there.machine.campaign(), "--here", "--yes").exit == 7
    again = here.run("run", here.machine.campaign(), "--here", "--yes")
    assert again.exit == 0
    ledger = fleet.sandbox.ledger()
    assert (len(ledger["charged"]), ledger["charged_twice"]) == (12, {})
    copy = copy_of(fleet.files()[0], tmp_path / "copy.jpg")
    for file in fleet.files():
        file.unlink()
    assert json.loads(there.run("find", copy, "--json").out), "how an image looks is on record"


def test_several_campaigns_of_one_command_share_the_record(machines: Begin) -> None:
    fleet = machines("--job-seconds", "0.2")
    here = fleet.machine("here")
    files = (here.machine.campaign(), here.machine.campaign("summer", SUMMER))
    some = here.run("run", *files, "--here", "--yes", "--max-images", "5")
    bought = len(fleet.sandbox.ledger()["charged"])
    assert (some.exit, 0 < bought <= 5) == (9, True), some  # what is left to the other counts as asked for
    done = here.run("run", *files, "--here", "--yes")
    ledger = fleet.sandbox.ledger()
    assert (done.exit, len(ledger["charged"]), ledger["charged_twice"]) == (0, 18, {}), done


def test_what_is_paid_for_is_fetched_though_the_file_is_broken(machines: Begin, tmp_path: Path) -> None:
    fleet = machines(*held(tmp_path))
    here = fleet.machine("here")
    file = here.machine.campaign()
    running = here.here(file)
    fleet.sandbox.wait_for(6, poll=6)
    running.terminate()
    assert ended(running).exit == 143
    fleet.sandbox.release()
    file.write_text("campaign: spring\nseedz: [1]\n", encoding="utf-8")
    done = here.run("run", file, "--here", "--yes")
    assert (done.exit, len(fleet.files())) == (2, 12), done


def test_images_may_be_in_a_bucket(machines: Begin) -> None:
    fleet = machines("--job-seconds", "0.2", bucket=s3.new_bucket())
    here, there = fleet.machine("here"), fleet.machine("there")
    done = here.run("run", here.machine.campaign(), "--here", "--yes")
    assert done.exit == 0, done
    manifest = json.loads(asyncio.run(fleet.images().content("default/spring/manifest.json")) or b"")
    assert [image["state"] for image in manifest["images"]] == ["stored"] * 12
    checked = there.run("verify", "spring")
    assert (checked.exit, "images=12 differing=0" in checked.out) == (0, True), checked
    assert "s3://" in there.run("find", "candle", "painting").out


def test_marks_and_deliveries_are_known_on_all_machines(machines: Begin) -> None:
    fleet = machines("--job-seconds", "0.2")
    here, there = fleet.machine("here"), fleet.machine("there")
    text = CAMPAIGN.replace("seeds:", "channels: [{{name: small, size: 400x500}}]\nseeds:")
    assert here.run("run", here.machine.campaign(text=text), "--here", "--yes", "--only", "product=candle").exit == 0
    key = next(key for key, state in fleet.states().items() if state == "stored")
    picked = here.run("review", "spring", "--pick", key[:8], "--as", "anna")
    assert picked.exit == 0, picked
    assert key[:8] in there.run("review", "spring", "--list").out
    assert there.run("review", "spring", "--reject", key[:8], "--as", "ben").exit == 0
    assert "ben" in here.run("review", "spring", "--list", "--json").out
    target = fleet.home / "delivered"
    assert here.run("deliver", "spring", "--all").exit == 2
    delivered = here.run("deliver", "spring", "--all", "--only", "preset=painting", "--to", target)
    assert delivered.exit == 0, delivered
    number = len(list(target.glob("**/*.jpg")))
    again = there.run("deliver", "spring", "--all", "--only", "preset=painting", "--to", target)
    assert (again.exit, len(list(target.glob("**/*.jpg")))) == (0, number), again
    assert number > 0
    withdrawn = there.run("deliver", "spring", "--only", "preset=painting", "--to", target)
    assert f"moved to {target}-old/: " in withdrawn.out, withdrawn
    assert len(list(target.with_name("delivered-old").glob("**/*.jpg"))) == number
    delivery = next(target.with_name("delivered-old").glob("**/*.jpg"))
    found = fleet.machine("third").run("find", delivery)
    assert "cut for small, version 01, withdrawn" in found.out, found


def test_a_mark_of_a_served_review_is_known_elsewhere_before_the_page_is_closed(machines: Begin) -> None:
    fleet = machines("--job-seconds", "0.2")
    here, there = fleet.machine("here"), fleet.machine("there")
    assert here.run("run", here.machine.campaign(), "--here", "--yes", "--only", "product=candle").exit == 0
    image = next(image for image in fleet.manifest()["images"] if image["state"] == "stored")
    review = here.start("review", "spring", "--no-open", "--as", "anna")
    review.forked.wait_for(".html\n")
    at, led = review.forked.out.read_text(encoding="utf-8").splitlines()
    origin = at.split()[4].rstrip(";")
    entrance = Path(led.split(": ")[1]).read_text(encoding="utf-8")
    address = entrance[entrance.index(f"{origin}/") : entrance.index('"><title>')]
    cell = Cell(image["product"], "hero", image["preset"], None, Size(896, 1152))
    anna, moment = Reviewer("anna", "anna"), "2030-01-01T00:00:00Z"
    pick = Mark("0" * 16, image["key"], image["sha256"], cell, "verdict", Vote("pick"), (), moment, anna)
    body = json.dumps({"marks": [json.loads(encoded(mark_line(pick)))]}).encode()
    asked = Request(f"{address}marks", body, {"Origin": origin, "Content-Type": "application/json"})
    with build_opener(ProxyHandler({})).open(asked, timeout=PATIENCE) as answer:
        assert answer.status == 200
    while "1 picked" not in there.run("review", "spring", "--list").out:
        assert not review.forked.has_ended()
    assert not review.forked.has_ended()
    review.send_signal(signal.SIGINT)
    assert ended(review).exit == 0


def test_a_named_account_pays_for_its_campaign_and_keeps_it_apart(machines: Begin) -> None:
    fleet = machines("--job-seconds", "0.2")
    acme = account_of(fleet.sandbox.origin, "acme")
    fleet.server.execute(fleet.database, f"SELECT campaign_runner.set_allowance('{acme}', 600, 9000)")
    here, there = fleet.machine("here"), fleet.machine("there")
    file = here.machine.campaign(text=CAMPAIGN + "account: acme\n")
    assert here.run("run", file, "--here", "--yes").exit == 7  # the usual credentials are another account's
    here.machine.env |= {"CUSTOM_MODELS_CLIENT_ID__ACME": "acme", "CUSTOM_MODELS_CLIENT_SECRET__ACME": "theirs"}
    assert here.run("run", file, "--here", "--yes").exit == 0
    assert (fleet.home / "shared" / "acme" / "spring" / "manifest.json").exists()
    assert [file.relative_to(fleet.home / "shared").parts[0] for file in fleet.files()] == ["acme"] * 12
    assert "stored=12" in there.run("status", "spring").out
    assert there.run("run", there.machine.campaign(), "--here", "--yes", "--only", "seed=1").exit == 0
    assert "stored=6" in there.run("status", "spring").out
    assert "stored=12" in there.run("status", "acme/spring").out
    assert there.run("verify", "acme/spring").exit == 0
    assert len(json.loads(there.run("find", "candle", "painting", "--json").out)) == 3
    assert "acme/spring" in there.run("status", "acme/spring", "--all").out + there.run("find", "spring", "soap").out
    assert there.command("fleet", "stop", "acme/spring").exit == 0
    here.machine.env["CUSTOM_MODELS_CLIENT_ID__ACME"] = "another"
    assert here.run("run", file, "--here", "--yes", "--accept-changes").exit == 5


def test_reference_images_are_put_beside_the_images_and_go_along(machines: Begin) -> None:
    fleet = machines("--job-seconds", "0.2")
    here, there = fleet.machine("here"), fleet.machine("there")
    file = here.machine.campaign(text=CAMPAIGN + "defaults: {{style_reference: look.png}}\n")
    Image.new("RGB", (16, 16), "red").save(file.with_name("look.png"))
    picture = file.with_name("look.png").read_bytes()
    name = f"references/{hashlib.sha256(picture).hexdigest()}"
    assert here.run("run", file, "--here", "--yes").exit == 0
    assert (fleet.home / "shared" / "default" / "spring" / name).read_bytes() == picture
    assert there.run("verify", "spring").exit == 0
    exported = there.command("fleet", "export", "spring")
    assert (exported.exit, "13 files" in exported.out) == (0, True), exported
    assert (there.machine.home / "output" / "spring" / name).read_bytes() == picture
    assert "images=12 differing=0" in there.command("verify", "spring").out


def test_of_two_at_once_one_works_and_the_other_is_told_who(machines: Begin) -> None:
    fleet = machines("--job-seconds", "600", lease=30.0)
    first, second = fleet.machine("first"), fleet.machine("second")
    running = first.here(first.machine.campaign())
    fleet.sandbox.wait_for(6)
    refused = second.run("run", second.machine.campaign(), "--here", "--yes")
    assert refused.exit == 11
    assert "another run is already working on this campaign (on " in refused.err
    running.terminate()
    assert ended(running).exit == 143
    assert fleet.sandbox.ledger()["charged_twice"] == {}


@pytest.mark.parametrize("accepted", [1, 3])
def test_who_is_killed_is_taken_over_and_nothing_is_bought_twice(accepted: int, machines: Begin) -> None:
    fleet = machines("--job-seconds", "1")
    first, second = fleet.machine("first"), fleet.machine("second")
    running = first.here(first.machine.campaign(), "--concurrency", "2")
    fleet.sandbox.wait_for(accepted)
    running.kill()
    done = _taken_over(second)
    states, ledger = fleet.states(), fleet.sandbox.ledger()
    assert ledger["charged_twice"] == {}
    assert set(states.values()) <= {"stored", "in_doubt"}
    assert set(ledger["charged"]) <= set(states)
    assert done.exit == (4 if "in_doubt" in states.values() else 0), done


def test_who_was_killed_while_a_request_was_under_way_leaves_a_doubt(machines: Begin, tmp_path: Path) -> None:
    faults = tmp_path / "faults.yaml"
    faults.write_text("[{kind: slow_after, where: submit, nth: 1, seconds: 600}]", encoding="utf-8")
    fleet = machines("--job-seconds", "0.2", "--faults", str(faults))
    first, second = fleet.machine("first"), fleet.machine("second")
    running = first.here(first.machine.campaign(), "--concurrency", "1")
    fleet.sandbox.wait_for(1)
    running.kill()
    done = _taken_over(second)
    assert done.exit == 4, done
    assert sorted(fleet.states().values()) == ["in_doubt"] * 2 + ["stored"] * 10
    assert fleet.sandbox.ledger()["charged_twice"] == {}
    young = second.run("resolve", "spring", "--resubmit")
    assert young.exit == 2 and "requested less than an hour ago" in young.err, young
    resolved = second.run("resolve", "spring", "--resubmit", "--now")
    assert "2 images will be requested again" in resolved.out, resolved
    assert second.run("run", second.machine.campaign(), "--here", "--yes").exit == 0
    assert sorted(fleet.sandbox.ledger()["charged"].values()) == [1] * 10 + [2] * 2


def test_who_was_stopped_past_its_lease_sends_nothing_more_and_leaves(machines: Begin, tmp_path: Path) -> None:
    fleet = machines(*held(tmp_path))
    first, second = fleet.machine("first"), fleet.machine("second")
    running = first.here(first.machine.campaign(), "--concurrency", "2")
    fleet.sandbox.wait_for(2)
    running.send_signal(signal.SIGSTOP)
    fleet.sandbox.release()
    try:
        done = _taken_over(second)
    finally:
        running.send_signal(signal.SIGCONT)
    stopped = ended(running)
    assert stopped.exit == 11, stopped.out + stopped.err
    ledger, states = fleet.sandbox.ledger(), fleet.states()
    assert ledger["charged_twice"] == {}
    assert set(ledger["charged"]) <= set(states)
    assert done.exit in (0, 4), done


def test_a_database_that_stops_and_starts_is_waited_for(machines: Begin, tmp_path: Path) -> None:
    fleet = machines(*held(tmp_path), lease=30.0)
    first = fleet.machine("first")
    running = first.here(first.machine.campaign(), "--concurrency", "2")
    fleet.sandbox.wait_for(2)
    fleet.server.stop()
    fleet.server.start()
    fleet.sandbox.release()
    done = ended(running)
    assert done.exit in (0, 4), done
    if done.exit == 4:
        assert "images" in first.run("resolve", "spring", "--abandon", "--yes").out
    states, ledger = fleet.states(), fleet.sandbox.ledger()
    assert ledger["charged_twice"] == {}
    assert set(ledger["charged"]) <= set(states)


def test_who_looks_on_the_machine_that_works_is_in_no_ones_way(machines: Begin, tmp_path: Path) -> None:
    fleet = machines(*held(tmp_path), lease=30.0)
    here = fleet.machine("here")
    running = here.here(here.machine.campaign(), "--concurrency", "1")
    fleet.sandbox.wait_for(1)
    looks = [here.run("status", "spring") for _ in range(3)]
    fleet.sandbox.release()
    assert ended(running).exit == 0
    assert [look.exit for look in looks] == [0, 0, 0], looks


def test_a_campaign_that_is_told_to_stop_buys_nothing_until_it_is_run_again(machines: Begin, tmp_path: Path) -> None:
    fleet = machines(*held(tmp_path), lease=30.0)
    here, there = fleet.machine("here"), fleet.machine("there")
    running = here.here(here.machine.campaign(), "--concurrency", "1")
    fleet.sandbox.wait_for(1)
    told = there.command("fleet", "stop", "spring")
    assert told.exit == 0 and "buys nothing more until its next run" in told.out, told
    fleet.sandbox.release()
    stopped = ended(running)
    assert stopped.exit == 9, stopped
    bought = len(fleet.sandbox.ledger()["charged"])
    assert 0 < bought < 12
    assert here.run("run", here.machine.campaign(), "--here", "--yes").exit == 0
    assert (len(fleet.files()), fleet.sandbox.ledger()["charged_twice"]) == (12, {})


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


def test_who_is_done_waits_for_what_another_machine_still_has_under_way(machines: Begin, tmp_path: Path) -> None:
    fleet = machines(*held(tmp_path), lease=600.0)
    first, second = fleet.machine("first"), fleet.machine("second")
    working = first.here(first.machine.campaign())
    fleet.sandbox.wait_for(6, poll=6)
    working.send_signal(signal.SIGSTOP)
    try:
        fleet.sandbox.release()
        waiting = second.here(second.machine.campaign("summer", SUMMER), "--log-format", "json")
        waiting.forked.wait_for('"event": "stored"', 6)  # all that the other does not have
    finally:
        working.send_signal(signal.SIGCONT)
    assert [ended(run).exit for run in (working, waiting)] == [0, 0]
    assert (len(fleet.files()), fleet.sandbox.ledger()["charged_twice"]) == (24, {})


def _taken_over(machine: FleetMachine) -> Done:
    """Run the campaign again and again until its holder, of whom nothing is heard, has lost it."""
    file = machine.machine.campaign()
    while (done := machine.run("run", file, "--here", "--yes")).exit == 11:
        pass
    return done
