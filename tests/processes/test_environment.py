"""The program where nothing is as at a ui: no terminal, no home, no locale, and names that are not English."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes.machines import CAMPAIGN, PROGRAM, Machine

NEEDED = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "COVERAGE_PROCESS_START", "LD_LIBRARY_PATH")


def test_a_bare_environment_changes_nothing(machine: Machine) -> None:
    file = machine.campaign("weihnacht", CAMPAIGN.replace("almond candle", "キャンドル Öl"))
    ours = {name: value for name, value in machine.env.items() if name.startswith(("CUSTOM_", "CAMPAIGN_"))}
    env = {name: os.environ[name] for name in NEEDED if name in os.environ} | ours | {"LC_ALL": "C", "LANG": "C"}
    done = subprocess.run(
        [*PROGRAM, "run", file, "--no-review"], cwd=machine.home, env=env, stdin=subprocess.DEVNULL, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stdout + done.stderr
    assert b"\x1b" not in done.stdout + done.stderr  # no colour where nobody looks
    prompts = {image["prompt"] for image in machine.manifest("weihnacht")["images"]}
    assert "キャンドル Öl on an oak table" in prompts


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode elsewhere")
def test_a_folder_whose_name_is_not_utf_8_is_refused_and_nothing_is_sent(tmp_path: Path) -> None:
    home = tmp_path / os.fsdecode(b"caf\xe9")
    home.mkdir()
    machine = Machine.beside("http://127.0.0.1:9", home)
    file = machine.campaign(text=CAMPAIGN.replace("[painting, golden_hour]", "[painting]").replace("[1, 2]", "[1]"))
    command = [*PROGRAM, "run", str(file), "--quiet", "--no-review"]
    bought = subprocess.run(command, cwd=home, env=machine.env, stdin=subprocess.DEVNULL, capture_output=True)
    assert (bought.returncode, b"is not UTF-8" in bought.stderr, b"bug" in bought.stderr) == (2, True, False)
    command.append("--sandbox")  # nothing is remembered of it
    tried = subprocess.run(command, cwd=home, env=machine.env, stdin=subprocess.DEVNULL, capture_output=True)
    assert tried.returncode == 0, tried.stderr
