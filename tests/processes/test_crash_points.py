"""kill -9 at every step that outlives the process: the next run goes on, nothing is bought twice, nothing is lost.

The steps are not listed here: a run notes them (`steps.py`), and is then killed at each of them in turn.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.checker import Seen, check
from tests.processes.forks import Done, Forks, Place, SandboxProcess
from tests.processes.machines import Machine

SHARES = 8
AT_ONCE = 16
"""Runs wait most of their time; so many do it together."""
CAMPAIGN = """\
campaign: {name}
model: image3_custom
custom_model: Warm Custom Model
products: {{candle: almond candle, soap: almond soap}}
prompts: {{hero: "{{product.name}} on an oak table"}}
defaults: {{style_reference: look.png}}
sizes: [896x1152]
seeds: [1, 2]
"""


@dataclass(frozen=True)
class Crashing:
    """A machine on which runs are killed, and the service it uses, where it has an account of its own."""

    launcher: Forks
    machine: Machine
    sandbox: SandboxProcess
    account: str

    def run(self, *arguments: object, die_at: int | None = None, power: bool = False) -> tuple[Done, list[str]]:
        """One command, and the places it passed; it dies at the place with the number `die_at`.

        With `power`, what was not synced by then may be lost.
        """
        home = self.machine.home
        place = Place(home / f"places-{len(list(home.iterdir()))}", die_at, self.disk if power else None)
        done = self.launcher.run(*arguments, home=home, env=self.machine.env, place=place)
        return done, place.passed()

    @property
    def disk(self) -> Path:
        """The folder that the output folder lies in."""
        return self.machine.home / "disk"

    def ledger(self) -> dict[str, Any]:
        """What the service has of this machine."""
        return self.sandbox.ledger_of(self.account)

    def spring(self, die_at: int | None = None, *, power: bool = False) -> tuple[Done, list[str]]:
        file = self.machine.home / "campaigns" / "spring.yaml"
        return self.run("run", file, "--output", self.disk / "output", "--concurrency", "1", die_at=die_at, power=power)

    def finish(self, kills: int = 1) -> None:
        """Go on without a kill, and compare what is there with what was charged; each kill may leave one doubt."""
        done, _ = self.spring()
        ledger = self.ledger()
        seen = Seen({"spring": done.exit}, (done.out, done.err), self.machine.home / "state")
        check(self.disk / "output", ledger, seen=seen)
        counts = self.counts()
        assert (ledger["charged_twice"], ledger["refused"]) == ({}, 0)
        outcomes = [(0, 4, 0), (4, 2, 2), (4, 0, 4)][: kills + 1]
        assert (done.exit, counts["stored"], counts["in_doubt"]) in outcomes, done.out + done.err
        if done.exit == 4:
            self.send_again(set(ledger["charged"]))

    def send_again(self, charged: set[str]) -> None:
        """The way out of a doubt: on a person's word it is asked for again."""
        assert self.run("resolve", self.disk / "output" / "spring", "--resubmit")[0].exit == 0
        assert self.spring()[0].exit == 0
        check(self.disk / "output", self.ledger(), resolved=charged)

    def counts(self) -> dict[str, int]:
        manifest = json.loads((self.disk / "output" / "spring" / "manifest.json").read_bytes())
        return dict(manifest["counts"])


Begin = Callable[[str], AbstractContextManager[Crashing]]


@pytest.fixture
def begin(launcher: Forks, quick_disk: Path) -> Iterator[Begin]:
    """`with begin("a-name") as crashing:` a new machine; all of a test share the service, a process of its own.

    What a disk does with what was not synced is played, so it may be any disk.
    """
    with launcher.sandbox(quick_disk, "--per-minute", "600", "--job-seconds", "0") as sandbox:

        @contextmanager
        def begin(name: str) -> Iterator[Crashing]:
            home = quick_disk / name
            home.mkdir()
            crashing = Crashing(launcher, Machine.beside(sandbox.origin, home), sandbox, name)
            crashing.machine.env["CUSTOM_MODELS_CLIENT_ID"] = name
            crashing.machine.campaign(text=CAMPAIGN)
            crashing.disk.mkdir()
            Image.new("RGB", (16, 16), "red").save(home / "campaigns" / "look.png")
            yield crashing
            shutil.rmtree(home)  # a disk in memory is small

        yield begin


@pytest.fixture
def places(begin: Begin) -> list[str]:
    """What a run that nobody kills passes."""
    with begin("undisturbed") as crashing:
        done, places = crashing.spring()
        crashing.finish()
    assert done.exit == 0, done.out + done.err
    return places


def killed(begin: Begin, die_at: int, *, power: bool = False) -> bool:
    """Whether a run was killed there, and was not over before; the run after it went on.

    What is ready at once shares a commit, so a run may have fewer steps than another.
    """
    with begin(f"killed-at-{die_at}") as crashing:
        done, passed = crashing.spring(die_at, power=power)
        is_over = done.exit == 0 and len(passed) <= die_at
        assert is_over or (done.exit, len(passed)) == (-signal.SIGKILL, die_at), done.out + done.err
        crashing.finish()
    return not is_over


def killed_twice(begin: Begin, first: int, second: int) -> bool:
    """Whether the run that was to go on got as far as its own end at `second`."""
    with begin(f"killed-at-{first}-and-{second}") as crashing:
        crashing.spring(die_at=first)
        done, _ = crashing.spring(die_at=second)
        crashing.finish(kills=2)
    return done.exit == -signal.SIGKILL


def forgotten(begin: Begin, die_at: int) -> bool:
    """A first run was killed, and its folder went: whether the run after it held back, or had nothing to fear."""
    with begin(f"forgotten-at-{die_at}") as crashing:
        done, _ = crashing.spring(die_at)
        assert done.exit in (-signal.SIGKILL, 0)
        shutil.rmtree(crashing.disk / "output", ignore_errors=True)
        again, _ = crashing.spring()
        ledger = crashing.ledger()
        assert (again.exit in (0, 2), ledger["charged_twice"]) == (True, {}), again.out + again.err
        assert again.exit == 2 or len(ledger["charged"]) == 4
    return again.exit == 2


def together(work: Callable[[Any], Any], tasks: list[Any]) -> list[Any]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(work, tasks))


def test_a_run_killed_at_a_step_that_outlives_it_is_finished_by_the_next(begin: Begin, places: list[str]) -> None:
    few = range(len(places) // 12, len(places), len(places) // 6)
    assert sum(together(lambda die_at: killed(begin, die_at), list(few))) >= len(few) - 1


@pytest.mark.proof
def test_a_first_run_may_be_killed_at_any_step_and_its_folder_go(
    begin: Begin, places: list[str], record_property: Callable[[str, object], None]
) -> None:
    some = list(range(0, len(places), 8))
    held_back = together(lambda die_at: forgotten(begin, die_at), some)
    assert held_back == sorted(held_back)  # from some step on, and then always
    assert any(held_back)
    record_property("proved", f"folders gone after a kill: {len(some)}, {sum(held_back)} held back, 0 bought twice")


@pytest.mark.proof
@pytest.mark.parametrize("share", range(SHARES))
def test_a_run_may_be_killed_at_every_step_that_outlives_it(
    share: int, begin: Begin, places: list[str], record_property: Callable[[str, object], None]
) -> None:
    mine = list(range(share, len(places), SHARES))
    struck = sum(together(lambda die_at: killed(begin, die_at), mine))
    assert struck >= len(mine) * 9 // 10
    record_property("proved", f"crash points: {struck} of {len(mine)} survived, every {SHARES}th of {len(places)}")


@pytest.mark.proof
@pytest.mark.parametrize("share", range(SHARES))
def test_the_power_may_fail_at_every_step(
    share: int, begin: Begin, places: list[str], record_property: Callable[[str, object], None]
) -> None:
    befores = [number for number, place in enumerate(places) if place.startswith("before")]
    mine = befores[share::SHARES]
    struck = sum(together(lambda die_at: killed(begin, die_at, power=True), mine))
    assert struck >= len(mine) * 9 // 10
    record_property("proved", f"power cuts of a run: {struck} of {len(mine)} survived")


@pytest.mark.proof
@pytest.mark.parametrize("share", range(SHARES))
def test_the_run_that_goes_on_may_be_killed_too(
    share: int, begin: Begin, places: list[str], record_property: Callable[[str, object], None]
) -> None:
    dice = random.Random(share)
    pairs = [(dice.randrange(len(places)), dice.randrange(len(places) // 2)) for _ in range(64 // SHARES)]
    reached = sum(together(lambda pair: killed_twice(begin, *pair), pairs))
    assert reached >= len(pairs) // 2
    record_property("proved", f"double crashes: {len(pairs)} pairs survived, {reached} second kills struck")


def test_the_steps_of_a_run_are_all_seen(places: list[str]) -> None:
    """A guard for the tracing itself: a kind of step that is no longer seen is no longer proved."""
    seen = {place.removeprefix("before ").removeprefix("after ") for place in places}
    assert {"fsync", "replace", "link", "unlink", "mkdir", "send", "sqlite commit", "sqlite script"} <= seen
    assert json.dumps(places).count("sqlite commit") >= 2 * 10
