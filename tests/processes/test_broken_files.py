"""A campaign file that cannot be loaded keeps no paid image at the service: it is fetched, and nothing is bought.

One run is stopped with everything accepted and nothing fetched; each test goes on with a copy of what it left.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.checker import Seen, check
from tests.processes.forks import Done, SandboxProcess, shared
from tests.processes.machines import Machine, held, sandbox_process

CAMPAIGN = """\
campaign: {name}
model: image3
defaults: {{style_reference: look.png}}
products: {{candle: {name} candle, soap: {name} soap}}
prompts:
  hero: "{{product.name}} on an oak table"
sizes: [896x1152]
seeds: [1, 2]
budget: 8
"""
NAMES = ("spring", "autumn")


@dataclass(frozen=True)
class Left:
    """What the stopped runs left: the folder, and the sandbox that goes on."""

    home: Path
    sandbox: SandboxProcess


@dataclass
class Place:
    """A copy of it. `exits` and `texts` are for the checker."""

    left: Left
    machine: Machine
    exits: dict[str, int] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    def file(self, name: str = "spring") -> Path:
        return self.machine.home / "campaigns" / f"{name}.yaml"

    def edit(self, old: str, new: str, name: str = "spring") -> None:
        text = self.file(name).read_bytes()
        assert old.encode() in text
        self.file(name).write_bytes(text.replace(old.encode(), new.encode()))

    def run(self, *arguments: object) -> Done:
        done = shared().run(*arguments, home=self.machine.home, env=self.machine.env)
        self.texts += [done.out, done.err]
        return done

    def manifest(self, name: str = "spring") -> dict[str, Any]:
        return self.machine.manifest(name)

    def check(self) -> None:
        seen = Seen(self.exits, self.texts, self.machine.home / "state")
        check(self.machine.home / "output", self.left.sandbox.ledger(), seen=seen)


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Left]:
    """Two campaigns of four images each, two requests each: accepted, and nothing fetched."""
    home = tmp_path_factory.mktemp("left")
    with shared().sandbox(home, *held(home.parent)) as sandbox:
        machine = Machine.beside(sandbox.origin, home)
        files = [machine.campaign(name, CAMPAIGN) for name in NAMES]
        files[0].write_bytes(files[0].read_bytes().replace(b"\n", b"\r\n"))  # as some editors write it
        Image.new("RGB", (8, 8)).save(home / "campaigns" / "look.png")
        run = machine.start("run", *files)
        sandbox.wait_for(4, poll=4)
        run.kill(15)
        assert machine.ended(run).exit == 143
        sandbox.release()
        yield Left(home, sandbox)


@pytest.fixture
def place(left: Left, tmp_path: Path) -> Iterator[Place]:
    """When the test is over, the checker looks at what every run left: nothing was bought in any of them."""
    home = tmp_path / "home"
    shutil.copytree(left.home, home)
    before = left.sandbox.ledger()["requests"]
    place = Place(left, Machine.beside(left.sandbox.origin, home))
    yield place
    assert left.sandbox.ledger()["requests"] == before
    place.check()


def gone(place: Place) -> None:
    place.file().unlink()


def picture_gone(place: Place) -> None:
    (place.machine.home / "campaigns" / "look.png").unlink()


def edited(old: str, new: str) -> Callable[[Place], None]:
    return lambda place: place.edit(old, new)


BROKEN = [
    pytest.param(edited("seeds:", "seedz:"), "unknown key 'seedz'; did you mean 'seeds'?", id="a misspelt key"),
    pytest.param(edited('table"', "table"), "quote", id="a quote left open"),
    pytest.param(edited("image3", "image9"), "image9", id="an unknown model"),
    pytest.param(edited("budget: 8", "budget: 3"), "1 over its budget of 3", id="a budget too small"),
    pytest.param(edited("spring candle", "\t"), "tab", id="a tab"),
    pytest.param(picture_gone, "there is no file look.png", id="a reference image gone"),
    pytest.param(gone, "file not found", id="the file gone"),
]


@pytest.mark.parametrize(("break_it", "said"), BROKEN)
def test_what_is_paid_for_is_fetched_though_the_file_cannot_be_loaded(
    break_it: Callable[[Place], None], said: str, place: Place
) -> None:
    digest = hashlib.sha256(place.file().read_bytes()).hexdigest()
    break_it(place)
    done = place.run("run", place.file())
    place.exits["spring"] = done.exit
    assert (done.exit, said in done.err) == (2, True), done
    assert done.out.splitlines()[0] == f"output  {place.machine.home / 'output' / 'spring'}"
    assert done.out.splitlines()[-1] == (
        "attention planned=4 stored=4 accepted=0 in_doubt=0 failed=0 abandoned=0 pending=0 requests=2 exit=2"
    )
    manifest = place.manifest()
    assert [(image["state"], image["in_campaign"]) for image in manifest["images"]] == [("stored", True)] * 4
    assert manifest["campaign_sha256"] == digest
    again = place.run("run", place.file())
    assert (again.exit, again.out) == (2, "attention exit=2\n")


@pytest.mark.parametrize("named", ["spring", "output/spring", "output/spring/manifest.json"])
def test_it_is_found_under_each_of_its_names(named: str, place: Place) -> None:
    place.edit("seeds:", "seedz:")
    assert place.run("run", named).exit == 2
    assert place.manifest()["counts"]["stored"] == 4


@pytest.mark.parametrize("named", ["spring", "output/spring", "output/spring/manifest.json"])
def test_a_file_that_is_gone_is_not_needed_to_fetch(named: str, place: Place) -> None:
    place.file().unlink()
    done = place.run("run", named)
    assert (done.exit, place.manifest()["counts"]["stored"]) == (2, 4)
    assert f"spring is gone: it was {place.file()}. Put it back" in done.err or "no such file" in done.err


def test_one_broken_file_keeps_the_others_from_buying_and_none_from_fetching(place: Place) -> None:
    place.edit("seeds:", "seedz:")
    place.edit("seeds: [1, 2]", "seeds: [1, 2, 3]", "autumn")  # two images more are due
    place.machine.campaign("summer", CAMPAIGN)  # a new one, of which nothing waits
    done = place.run("run", place.file("autumn"), place.file(), place.file("summer"))
    assert done.exit == 2 and "unknown key 'seedz'" in done.err
    assert done.out.splitlines()[-1] == "attention campaigns=2 exit=2 autumn=2 spring=2"
    assert done.out.count("spring.yaml has problems: nothing was bought for any file of this command") == 1
    assert [place.manifest(name)["counts"]["stored"] for name in NAMES] == [4, 4]
    assert place.manifest("autumn")["counts"]["pending"] == 2
    assert not (place.machine.home / "output" / "summer").exists()


def test_a_budget_that_only_the_run_finds_too_small_is_told_in_full_after_the_report(place: Place) -> None:
    place.edit("on an oak table", "on a stone")
    place.edit("budget: 8", "budget: 6")
    done = place.run("run", place.file())
    counts = place.manifest()["counts"]
    assert (done.exit, counts["stored"], counts["pending"]) == (2, 0, 4)  # what is fetched was made for the old words
    assert [image["state"] for image in place.manifest()["images"]] == ["pending"] * 4 + ["stored"] * 4
    problem = f"{place.file()}:9:9: this run would buy 4 images, but the budget has room for 2"
    assert f"  stopped: {problem}" in done.out and "\ufffd" not in done.out
    used = "4 of 6 were bought, in doubt or failed after Adobe accepted them"
    assert f"{problem}: {used}\n9 | budget: 6\n            ^\nraise the budget" in done.err


def test_a_selection_that_names_nobody_any_more_keeps_nothing_at_the_service(place: Place) -> None:
    place.edit("soap: spring soap", "scrub: spring soap")
    done = place.run("run", place.file(), "--only", "product=soap")
    assert (done.exit, "no product 'soap'" in done.err or "product=soap" in done.err) == (2, True)
    assert place.manifest()["counts"]["stored"] == 4


def test_a_campaign_under_a_new_name_fetches_what_waits_under_the_old_one(left: Left, place: Place) -> None:
    remember(place)
    place.edit("campaign: spring", "campaign: easter")
    done = place.run("run", place.file())
    assert (done.exit, place.manifest()["counts"]["stored"]) == (2, 4)
    assert "--start-over" in done.err


def test_the_folder_is_the_one_that_the_state_folder_remembers(place: Place) -> None:
    elsewhere = place.machine.home / "elsewhere"
    elsewhere.mkdir()
    (place.machine.home / "output" / "spring").rename(elsewhere / "spring")
    journal = elsewhere / "spring" / "journal.sqlite"
    with closing(sqlite3.connect(journal)) as db, db:
        assert db.execute("SELECT value FROM meta WHERE name = 'file'").fetchone() == ("../../campaigns/spring.yaml",)
    remember(place, elsewhere / "spring")
    place.edit("seeds:", "seedz:")
    assert place.run("run", place.file()).exit == 2
    assert {path.suffix for path in (elsewhere / "spring" / "images").rglob("*.*")} == {".jpg"}
    (elsewhere / "spring").rename(place.machine.home / "output" / "spring")


def test_another_output_is_where_it_is_looked_for_if_that_is_given(place: Place) -> None:
    place.edit("seeds:", "seedz:")
    nothing = place.run("run", place.file(), "--output", place.machine.home)
    assert (nothing.exit, nothing.out) == (2, "attention exit=2\n")
    assert place.run("run", place.file(), "--output", place.machine.home / "output").exit == 2
    assert place.manifest()["counts"]["stored"] == 4


def test_the_log_has_what_was_fetched_and_why_nothing_was_bought(place: Place) -> None:
    place.edit("seeds:", "seedz:")
    log = place.machine.home / "log.jsonl"
    place.run("run", place.file(), "--log-file", log, "--log-format", "json", "--quiet")
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [event["event"] for event in events].count("stored") == 4
    assert [(event["due"], event["waiting"]) for event in events if event["event"] == "started"] == [(0, 4)]
    assert any("unknown key 'seedz'" in event["why"] for event in events if event["event"] == "stopping")


def test_a_folder_of_another_service_is_left_alone_and_that_is_the_exit_status(place: Place) -> None:
    place.edit("seeds:", "seedz:")
    place.machine.env["CAMPAIGN_RUNNER_FIREFLY_URL"] = "http://127.0.0.1:9"
    done = place.run("run", place.file())
    assert (done.exit, done.out.splitlines()[-1]) == (5, "attention exit=5")
    assert "seedz" in done.err and "Use another --output" in done.err


def test_without_credentials_that_is_the_exit_status(place: Place) -> None:
    place.edit("seeds:", "seedz:")
    del place.machine.env["CUSTOM_MODELS_CLIENT_SECRET"]
    done = place.run("run", place.file())
    assert (done.exit, done.out.splitlines()[-1][-6:]) == (7, "exit=7")
    assert "seedz" in done.err


def remember(place: Place, folder: Path | None = None) -> None:
    """What the state folder of the machine that ran it remembers, here as there."""
    with closing(sqlite3.connect(place.machine.home / "state" / "campaigns.sqlite")) as db, db:
        ours, theirs = str(place.machine.home), str(place.left.home)
        for table in ("ran", "begun"):
            db.execute(f"UPDATE {table} SET file = replace(file, ?, ?)", (theirs, ours))
            db.execute(f"UPDATE {table} SET folder = replace(folder, ?, ?)", (theirs, ours))
            if folder is not None:
                db.execute(f"UPDATE {table} SET folder = ? WHERE file LIKE '%spring.yaml'", (str(folder),))


def test_cancel_needs_no_file_that_can_be_loaded(tmp_path: Path) -> None:
    with sandbox_process("--per-minute", "600", "--job-seconds", "600") as sandbox:
        machine = Machine.beside(sandbox.origin, tmp_path)
        file = machine.campaign(text=CAMPAIGN.replace("defaults: {{style_reference: look.png}}\n", ""))
        process = machine.start("run", file)
        sandbox.wait_for(2)
        process.kill(2)
        machine.ended(process)
        file.write_text("campaign: [", encoding="utf-8")
        cancelled = machine.run("cancel", "spring", "--only", "product=candle")
        machine.check()
    assert (cancelled.exit, "2 images cancelled" in cancelled.out) == (0, True), cancelled
    states = [image["state"] for image in machine.manifest()["images"]]
    assert states == ["failed", "failed", "accepted", "accepted"]
