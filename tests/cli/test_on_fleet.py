"""`--on fleet` on the command line: what is refused before anything is reached; without it nothing of it is loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.campaigns import SPRING
from tests.cli.typed import Ask

NEEDED = "CAMPAIGN_RUNNER_DATABASE_URL is not set"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run", "spring.yaml", "--here"), "--here and --detach go with --on fleet"),
        (("run", "spring.yaml", "--detach"), "--here and --detach go with --on fleet"),
        (("run", "spring.yaml", "--on", "fleet", "--here", "--detach"), "--here and --detach do not go together"),
        (("run", "spring.yaml", "--on", "fleet"), NEEDED),
        (("worker",), NEEDED),
        (("run", "spring.yaml", "--on", "fleet", "--here", "--sandbox"), "--on fleet and --sandbox do not go together"),
        (("run", "spring.yaml", "--on", "fleet", "--here", "--output", "x"), "--output do not go together"),
        (("run", "spring.yaml", "--on", "fleet", "--here", "--start-over"), "fleet export NAME"),
        (("run", "spring.yaml", "--on", "fleet", "--here"), NEEDED),
        (("status", "spring", "--on", "fleet"), NEEDED),
        (("status", "spring", "--on", "fleet", "--sandbox"), "--sandbox do not go together"),
        (("find", "spring", "--on", "fleet", "--output", "x"), "--output do not go together"),
        (("deliver", "spring", "--on", "fleet"), "--on fleet needs --to DIR"),
        (("resolve", "spring", "--now"), "--now and --release go with --on fleet"),
        (("keep", "spring", "--on", "fleet"), "fleet export NAME"),
        (("rerun", "manifest.json", "--on", "fleet"), "fleet export NAME"),
        (("status", "spring", "--on", "moon"), "'moon' is not"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_does_not_go_with_a_fleet_is_refused_with_the_way_out(
    words: tuple[str, ...], told: str, ask: Ask, tmp_path: Path
) -> None:
    (tmp_path / "spring.yaml").write_text(SPRING, encoding="utf-8")
    said = ask(*words)
    assert (said.status, told in said.err) == (2, True), said


def test_commands_for_many_machines_are_not_on_the_first_page_of_help(ask: Ask) -> None:
    first = ask("--help").out.split()
    assert "worker" not in first and "fleet" not in first


@pytest.mark.parametrize("command", ["status", "resolve", "verify", "review", "deliver", "find", "cancel"])
def test_the_first_page_of_help_says_nothing_of_it_and_the_second_does(command: str, ask: Ask) -> None:
    assert "--on" not in ask(command, "--help").out.replace("--only", "") and "--help-all" not in ask(command, "-h").out
    assert "--on [fleet]" in ask(command, "--help-all").out


WITHOUT = """import sys
sys.modules["psycopg"] = None
from campaign_runner.cli import run_command
sys.exit(run_command(["status", "spring", "--on", "fleet"]))"""
LOADED = """import sys
import campaign_runner.cli.fleet, campaign_runner.cli.run, campaign_runner.cli.status, campaign_runner.cli.worker
print(*sys.modules)"""


@pytest.mark.proof
def test_without_its_libraries_one_sentence_says_how_to_get_them() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "attention exit=2\n")
    assert "psycopg is missing" in done.stderr and "pip install 'campaign-runner[fleet]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.proof
def test_who_has_no_fleet_loads_nothing_of_it() -> None:
    loaded = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True).stdout.split()
    assert not {name for name in loaded if name.split(".")[0] in ("psycopg", "obstore", "procrastinate")}
    assert not {name for name in loaded if name.startswith("campaign_runner.fleet")}
