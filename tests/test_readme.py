"""What the README says is what the program does."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from campaign_runner import errors
from campaign_runner.campaign_file.loader import load
from campaign_runner.cli import COMMANDS, commands, run_command
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.review.thumbnails import workers
from campaign_runner.sandbox import downloads
from campaign_runner.sandbox.images import render
from tests.command_line import understood

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.S)


def lines_with(*words: str) -> list[str]:
    return [line for line in README.splitlines() if all(word in line for word in words)]


def test_the_first_command_is_one_line_from_a_bare_python() -> None:
    first = lines_with("campaign-runner run", "--sandbox")[0]
    assert first.startswith("python3 -m venv .venv && .venv/bin/pip install")
    assert (ROOT / shlex.split(first)[-1]).exists()


def test_the_test_command_is_one_line_and_runs_every_check() -> None:
    (command,) = lines_with("python3 -m venv", "pytest")
    for check in ("'.[test]'", "ruff check", "ruff format --check", "mypy", "pytest"):
        assert check in command
    assert (
        command in (ROOT / ".ci" / "run").read_text(encoding="utf-8") or "README.md" in (ROOT / ".ci/run").read_text()
    )


def test_the_first_example_is_first_yaml_and_makes_what_the_text_says(tmp_path: Path) -> None:
    (tmp_path / "first.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    status = PlanStatus(Plan(load(tmp_path / "first.yaml")))
    shipped = PlanStatus(Plan(load(ROOT / "campaigns" / "first.yaml")))
    assert (status.due, status.requests) == (32, 8) == (shipped.due, shipped.requests)
    assert [job.keys for job in status.jobs()] == [job.keys for job in shipped.jobs()]


def test_the_help_block_is_the_help() -> None:
    shown = CliRunner().invoke(commands, ["--help"], prog_name="campaign-runner", terminal_width=100)
    assert blocks("text")[0].strip() == shown.output.strip()


@pytest.mark.parametrize("name", [name for section in COMMANDS.values() for name in section])
def test_the_short_help_of_a_command_is_its_own_first_sentence_and_the_long_one_ends_with_an_example(name: str) -> None:
    command = commands.get_command(click.Context(commands), name)
    assert command is not None
    words = {name: text for section in COMMANDS.values() for name, text in section.items()}
    assert command.help is not None
    assert command.help.split("\n\n")[0].replace("\n", " ") == words[name]
    assert command.epilog is not None
    example, statuses = command.epilog.removeprefix("\b\nExample: campaign-runner ").split("\n\n")
    assert understood(shlex.split(example)).command is command and statuses.startswith("Exit status: 0 done, ")


def test_every_command_line_in_it_can_be_given() -> None:
    found = [line.partition("campaign-runner ")[2] for line in re.findall(r"`?(campaign-runner [^`\n#]*)", README)]
    used = 0
    for line in found:
        words = shlex.split(line.split("&&")[0])
        if not words or words[0] not in commands.list_commands(click.Context(commands)) or "NAME" in words:
            continue
        understood(words)
        used += 1
    assert used >= 8


def test_the_exit_statuses_are_those_of_the_errors() -> None:
    table = {int(number) for cell in re.findall(r"^\| ([\d, ]+) \|", README, flags=re.M) for number in cell.split(",")}
    assert {kind.exit_code for kind in vars(errors).values() if hasattr(kind, "exit_code")} <= table


def test_what_the_text_shows_of_the_sample_is_what_it_plans() -> None:
    (shown,) = re.findall(r"^ok planned=(\d+) stored=(\d+) .* requests=(\d+) exit=0$", README, flags=re.M)
    status = PlanStatus(Plan(load(ROOT / "campaigns" / "almond-autumn.yaml")))
    assert tuple(map(int, shown)) == (len(status.plan), len(status.plan), status.requests)


def typed(folder: Path) -> str:
    """What a shell shows of the first command, typed in `folder`."""
    command = [sys.executable, "-m", "campaign_runner", "run", "--sandbox", "first.yaml"]
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


@pytest.mark.proof
def test_the_first_example_is_typed_and_prints_what_the_text_shows(tmp_path: Path) -> None:
    (tmp_path / "first.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    as_the_text_shows(typed(tmp_path).splitlines())


def test_the_first_example_runs_in_the_sandbox_and_prints_what_the_text_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(downloads, "render", lambda picture, kind: render(replace(picture, is_plain=True), kind))
    monkeypatch.setattr(workers, "_FEW", 100)
    monkeypatch.setenv("CAMPAIGN_RUNNER_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "first.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    assert run_command(["run", "--sandbox", "first.yaml"]) == 0
    as_the_text_shows(capsys.readouterr().out.splitlines())


def as_the_text_shows(shown: list[str]) -> None:
    assert shown[-1] == (
        "ok planned=32 stored=32 accepted=0 in_doubt=0 failed=0 abandoned=0 pending=0 requests=8 exit=0"
    )
    files, look, choose = (Path(line.split()[1]) for line in shown[-4:-1])
    assert len(list(files.rglob("*.jpg"))) == 32
    assert look.name == "contact-sheet.jpg" and look.is_absolute() and look.exists()
    assert choose.name == "review.html" and choose.is_absolute() and choose.exists()


def test_the_console_script_is_the_program() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"campaign-runner": "campaign_runner.__main__:main"}


def test_the_top_level_holds_what_it_should_and_nothing_else() -> None:
    expected = {"pyproject.toml", "README.md", "campaign_runner", "campaigns", "tests", "output"}
    git = ["git", "-c", f"safe.directory={ROOT}", "ls-files"]  # root may test somebody else's clone
    tracked = subprocess.run(git, cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout
    assert {line.split("/")[0] for line in tracked.splitlines() if not line.startswith(".")} == expected
