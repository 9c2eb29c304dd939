"""Streams that are closed, full or without a reader: the run goes on all the same."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.checker import check
from tests.processes.forks import Forks
from tests.processes.machines import PROGRAM, Machine

FULL = Path("/dev/full")
"""Whatever is written there finds no room."""
CAMPAIGN = """\
campaign: {name}
model: image3
products: {{candle: almond candle}}
prompts: {{hero: "{{product.name}} on an oak table"}}
sizes: [896x1152]
seeds: [1]
"""


STREAMS = [
    # streams, exit status: 6 where the report did not arrive for want of room
    ({"closed": (0,)}, 0),
    ({"closed": (1,)}, 0),
    ({"closed": (2,)}, 0),
    ({"closed": (0, 1, 2)}, 0),
    ({"out": FULL}, 6),
    ({"err": FULL}, 0),
    ({"out": FULL, "err": FULL}, 6),
    ({"out": FULL, "closed": (2,)}, 6),
]


@pytest.mark.parametrize(("streams", "exit_status"), STREAMS, ids=str)
def test_a_run_needs_no_streams(streams: dict[str, Any], exit_status: int, launcher: Forks, tmp_path: Path) -> None:
    with launcher.sandbox(tmp_path, "--per-minute", "600", "--job-seconds", "0") as sandbox:
        machine = Machine.beside(sandbox.origin, tmp_path)
        file = machine.campaign(text=CAMPAIGN)
        done = launcher.run("run", file, home=tmp_path, env=machine.env, **streams)
        assert (done.exit, machine.manifest()["counts"]["stored"]) == (exit_status, 1), done.err
        check(tmp_path / "output", sandbox.ledger())
    assert not (tmp_path / "state" / "traces").exists()


def test_no_file_of_ours_stands_where_a_message_would_be_written(machine: Machine) -> None:
    """Started without streams, the journal must not be what the system calls stderr."""
    file = machine.campaign(text=CAMPAIGN)
    shell = 'exec "$@" <&- >&- 2>&-'
    done = subprocess.run(["sh", "-c", shell, "sh", *PROGRAM, "run", str(file)], cwd=machine.home, env=machine.env)
    assert (done.returncode, machine.manifest()["counts"]["stored"]) == (0, 1)


@pytest.mark.parametrize("command", ["plan", "status", "check", "resolve"])
def test_what_a_command_was_asked_to_tell_is_not_lost_in_silence(
    command: str, launcher: Forks, machine: Machine
) -> None:
    file = machine.campaign(text=CAMPAIGN)
    told: dict[str, Any] = {"home": machine.home, "env": machine.env}
    assert launcher.run("run", file, **told).exit == 0
    done = launcher.run(command, file, out=FULL, **told)
    assert done.exit == 6
    assert "could not be written (No space left on device)" in done.err


def test_a_mistake_is_told_by_the_exit_status_where_nothing_can_be_said(launcher: Forks, machine: Machine) -> None:
    told: dict[str, Any] = {"home": machine.home, "env": machine.env, "out": FULL, "err": FULL}
    assert launcher.run("run", "nowhere.yaml", **told).exit == 2
    assert launcher.run("run", "--no-such-option", **told).exit == 2
