"""The commonest ends of a run at a real terminal of 80, 100 and 132 columns: every line fits or breaks at a word."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from campaign_runner.output_folder.folder import Folder
from campaign_runner.text import cells_of
from tests.guard.guarding import RECORD
from tests.processes.machines import PROGRAM, Machine, sandbox_process
from tests.processes.tmux import Terminal, terminal

CAMPAIGN = """\
campaign: spring
model: image3
products: {candle: almond candle, soap: almond hand soap, scrub: almond body scrub}
prompts: {hero: "{product.name} on an oak table, autumn leaves, soft morning light from the left"}
presets: [painting]
sizes: [896x1152]
seeds: [1, 2, 3, 4]
"""
WIDTHS = (80, 100, 132)
REPORT = "spring   "
"""How a report begins, on a line of its own."""


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder with a short name: a path is one word, however long."""
    with TemporaryDirectory(dir="/tmp", prefix="s") as folder:
        yield Path(folder)


def wait(shown: Terminal) -> None:
    """Nothing is done."""


def say_no(shown: Terminal) -> None:
    shown.wait_for(lambda screen: "[y/N]" in screen)
    shown.press("n", "Enter")


def interrupt(shown: Terminal) -> None:
    shown.wait_for(lambda screen: re.search("spring +0% ", screen) is not None)
    shown.press("C-c")


def interrupt_at_the_question(shown: Terminal) -> None:
    shown.wait_for(lambda screen: "[y/N]" in screen)
    shown.press("C-c")


def nothing(home: Path) -> AbstractContextManager[None]:
    return nullcontext()


def another_run(home: Path) -> AbstractContextManager[None]:
    folder = home / "output" / "spring"
    folder.mkdir(parents=True)
    return Folder(folder).locked()


@dataclass(frozen=True)
class End:
    """One way in which a run ends: its exit status, and what brings it about."""

    status: int
    arguments: tuple[str, ...] = ("--yes",)
    faults: tuple[Mapping[str, Any], ...] = ()
    play: Callable[[Terminal], None] = wait
    text: str = CAMPAIGN
    meanwhile: Callable[[Path], AbstractContextManager[None]] = nothing
    settings: Mapping[str, str] = field(default_factory=dict)
    job_seconds: str = "0"
    has_report: bool = True
    runs: int = 1


ENDS = {
    "all is stored": End(0),
    "nothing was due": End(0, runs=2),
    "some were refused": End(3, faults=({"kind": "451", "where": "submit", "nth": 1},)),
    "some failed": End(3, faults=({"kind": "fewer_outputs", "nth": 1},)),
    "some are in doubt": End(4, faults=({"kind": "reset_after", "nth": 1},)),
    "stopped at a limit": End(9, ("--yes", "--max-images", "4")),
    "Adobe asks to come again later": End(8, faults=({"kind": "429", "seconds": 3600.0},)),
    "credentials are refused": End(7, settings={"CUSTOM_MODELS_CLIENT_SECRET": "wrong"}),
    "the file has a mistake": End(2, text=CAMPAIGN.replace("autumn leaves", "{product.scent}"), has_report=False),
    "no": End(9, (), play=say_no),
    "Ctrl-C while it runs": End(130, play=interrupt, job_seconds="600"),
    "Ctrl-C at the question": End(9, (), play=interrupt_at_the_question),
    "another run is at work": End(11, meanwhile=another_run, has_report=False),
}


@contextmanager
def running(home: Path, columns: int, end: End) -> Iterator[Terminal]:
    """`campaign-runner run campaigns/spring.yaml` at a terminal, and what brings its end about."""
    faults = home / "faults.json"
    faults.write_text(json.dumps(end.faults), encoding="utf-8")
    switches = ("--per-minute", "600", "--job-seconds", end.job_seconds, "--faults", str(faults))
    with sandbox_process(*switches) as sandbox:
        machine = Machine.beside(sandbox.origin, home)
        machine.campaign(text=end.text.replace("{", "{{").replace("}", "}}"))
        needed = ("PATH", "PYTHONPATH", RECORD, "CAMPAIGN_RUNNER_", "CUSTOM_MODELS_")
        env = {name: value for name, value in machine.env.items() if name.startswith(needed)}
        command = [*PROGRAM, "run", "campaigns/spring.yaml", "--no-review", *end.arguments]
        for _ in range(end.runs - 1):
            assert machine.run("run", "campaigns/spring.yaml", "--no-review").exit == 0
        with end.meanwhile(home), terminal(home, columns, command, env | {"LANG": "C.UTF-8", **end.settings}) as shown:
            yield shown


@pytest.mark.proof
@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("name", ENDS)
def test_every_line_of_an_end_fits_or_breaks_at_a_word(home: Path, name: str, columns: int) -> None:
    end = ENDS[name]
    with running(home, columns, end) as shown:
        end.play(shown)
        assert shown.exit() == end.status, "\n".join(shown.screen())
        seen, joined = shown.screen(), shown.screen(is_joined=True)
    for line in joined:
        longest = max(map(cells_of, line.split()), default=0)
        assert cells_of(line) <= columns or longest > columns - 16, f"broken within a word: {line}"
    reports = [line for line in seen if line.startswith(REPORT) and "stored and checked" in line]
    assert len(reports) == end.has_report, "\n".join(seen)
    assert not any("|" in line or "% " in line for line in seen[seen.index(reports[0]) :]) if reports else True
