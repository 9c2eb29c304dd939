"""The examples of campaigns/cron.md are what they say: each is read by a real parser, each command by the program."""

from __future__ import annotations

import configparser
import plistlib
import re
import shlex
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from cronsim import CronSim

from campaign_runner.cli.environment import Environment
from tests.command_line import understood

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "campaigns" / "cron.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
TASK = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
BEGAN = datetime(2026, 9, 4, 12, 0)  # a Friday


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.S)


def commands_in(shell: str) -> list[str | None]:
    """Every call of the program in a piece of shell, each understood."""
    found = re.findall(r"campaign-runner ([a-z]+(?: [^&|>\n]*)?)", shell)
    return [understood(shlex.split(line)).info_name for line in found]


def tables(text: str) -> set[int]:
    """The exit statuses of a table."""
    cells = re.findall(r"^\| ([\d, ]+) \|", text, flags=re.M)
    return {int(number) for cell in cells for number in cell.split(",")}


def test_the_crontab_has_times_and_commands() -> None:
    (crontab,) = blocks("crontab")
    lines = [
        line for line in crontab.splitlines() if line and not line.startswith("#") and not re.match(r"[A-Z]+=", line)
    ]
    nights, called = [], []
    for line in lines:
        *fields, command = line.split(maxsplit=5)
        nights.append(next(CronSim(" ".join(fields), BEGAN)).strftime("%a %H:%M"))
        called += commands_in(command)
        assert "%" not in command  # cron ends the line there
    assert nights == ["Fri 22:00", "Sat 06:30", "Mon 12:00"]
    assert called == ["run", "run", "status"]


def test_the_environment_file_is_what_the_program_needs() -> None:
    (text,) = blocks("ini")
    variables = dict(line.split("=", 1) for line in text.splitlines())
    settings = Environment(variables).settings()
    assert settings.credentials.client_id == variables["CUSTOM_MODELS_CLIENT_ID"]
    assert Environment(variables).rate().per_day == 9000


def unit(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return parser


def test_the_service_runs_a_command_and_knows_which_statuses_are_no_failures() -> None:
    service, timer = map(unit, blocks("systemd"))
    assert service.sections() == ["Unit", "Service"] and service["Service"]["Type"] == "oneshot"
    assert understood(shlex.split(service["Service"]["ExecStart"])[1:]).info_name == "run"
    unattended = {int(status) for status in service["Service"]["SuccessExitStatus"].split()}
    assert unattended == {8, 9, 11, 129, 130, 143} and unattended <= tables(README)
    assert timer.sections() == ["Unit", "Timer", "Install"] and timer["Timer"].getboolean("Persistent")
    times = re.findall(r"^OnCalendar=(.*)$", blocks("systemd")[1], flags=re.M)
    assert [datetime.strptime(time, "*-*-* %H:%M:%S").hour for time in times] == [22, 6]


def test_the_property_list_is_one() -> None:
    job = plistlib.loads(blocks("xml")[0].encode())
    program, *arguments = job["ProgramArguments"]
    assert program.endswith("/campaign-runner") and understood(arguments).info_name == "run"
    assert [(time["Hour"], time["Minute"]) for time in job["StartCalendarInterval"]] == [(22, 0), (6, 30)]
    assert not any("SECRET" in name and not name.endswith("_FILE") for name in job["EnvironmentVariables"])


def test_the_task_is_one() -> None:
    task = ElementTree.fromstring(blocks("xml")[1])
    assert task.tag == f"{TASK}Task"
    (arguments,) = task.iter(f"{TASK}Arguments")
    assert understood((arguments.text or "").split()).info_name == "run"
    (start,) = task.iter(f"{TASK}StartBoundary")
    assert datetime.fromisoformat(start.text or "").hour == 22


WORKFLOW = {"name", "on", "permissions", "jobs"}
JOB = {"runs-on", "steps"}
STEP = {"name", "uses", "with", "run"}


def test_the_workflow_has_the_keys_that_github_knows_and_its_commands_are_the_programs() -> None:
    workflow = yaml.load(blocks("yaml")[0], Loader=yaml.BaseLoader)
    (job,) = workflow["jobs"].values()
    assert workflow.keys() == WORKFLOW and job.keys() == JOB
    assert all(step.keys() <= STEP and ("uses" in step) != ("run" in step) for step in job["steps"])
    called = [name for step in job["steps"] for name in commands_in(step.get("run", ""))]
    assert called == ["check", "plan"]


@pytest.mark.parametrize("block", [*blocks("sh"), *re.findall(r"`(campaign-runner [^`]+)`", PAGE)])
def test_every_command_line_beside_them_can_be_given(block: str) -> None:
    for line in block.splitlines():
        if line.startswith("campaign-runner"):
            commands_in(line)


def test_every_exit_status_of_the_readme_is_explained() -> None:
    assert tables(PAGE) == tables(README)
