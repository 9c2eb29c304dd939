"""The program where nothing is as at a desk: no terminal, no home, no locale, and names that are not English."""

from __future__ import annotations

import os
import subprocess

from tests.processes.machines import CAMPAIGN, PROGRAM, Machine

NEEDED = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "COVERAGE_PROCESS_START", "LD_LIBRARY_PATH")


def test_a_bare_environment_changes_nothing(machine: Machine) -> None:
    file = machine.campaign("weihnacht", CAMPAIGN.replace("almond candle", "キャンドル Öl"))
    ours = {name: value for name, value in machine.env.items() if name.startswith(("CUSTOM_", "CAMPAIGN_"))}
    env = {name: os.environ[name] for name in NEEDED if name in os.environ} | ours | {"LC_ALL": "C", "LANG": "C"}
    done = subprocess.run(
        [*PROGRAM, "run", file], cwd=machine.home, env=env, stdin=subprocess.DEVNULL, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stdout + done.stderr
    assert b"\x1b" not in done.stdout + done.stderr  # no colour where nobody looks
    prompts = {image["prompt"] for image in machine.manifest("weihnacht")["images"]}
    assert "キャンドル Öl on an oak table" in prompts
