"""`campaign-runner init`"""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import click

from campaign_runner import schemas
from campaign_runner.authoring.new import SCHEMA, Answers, write_new
from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.ids import derived
from campaign_runner.cli import console
from campaign_runner.cli.help import ending
from campaign_runner.cli.interview import asked
from campaign_runner.disk.regular_files import text_of
from campaign_runner.errors import UsageError
from campaign_runner.plan.cost import product_of_lists
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.report import next_commands

_FOLDER = "campaigns"
_LARGEST_SCHEMA = 1 << 20


@click.command(epilog=ending("init campaigns/spring.yaml"))
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
def command(file: Path | None) -> int:
    """Write a first campaign file, ready to run.

    Asks seven questions at a terminal and uses the defaults elsewhere. A sheet in the same folder may hold the
    products. Also writes the schema that lets your editor complete and check the file. Never overwrites a file.
    """
    if file is not None:
        _refuse(file)
    answers = Answers(name=derived(file.stem) or Answers().name) if file is not None else Answers()
    answers = replace(answers, folder=(file or _usual_place(answers.name)).parent)
    if console.is_terminal():
        try:
            answers = asked(answers)
        except click.Abort:
            click.echo("\ncancelled; nothing was written", err=True)
            return 130
    path = file or _usual_place(answers.name)
    if not write_new(path, answers.text().encode()):
        _refuse(path)
    campaign = load(path)
    click.echo(f"{path}   {product_of_lists(PlanStatus(Plan(campaign)))}; budget {campaign.budget:,}")
    click.echo(_schema_beside(path))
    click.echo(f"next: {next_commands.typed('run', '--sandbox', str(path.absolute()))}")
    return 0


def _refuse(file: Path) -> None:
    """Refuse a file that is there already, or that no other command would take for a campaign."""
    if file.suffix not in (".yaml", ".yml"):
        raise UsageError(f"a campaign file ends in .yaml: {next_commands.typed('init', f'{file.absolute()}.yaml')}")
    if file.exists():
        raise UsageError(f"{file} is there already and stays as it is; see what it makes: {next_commands.plan(file)}")


def _usual_place(name: str) -> Path:
    return Path(f"{name}.yaml") if Path.cwd().name == _FOLDER else Path(_FOLDER) / f"{name}.yaml"


def _schema_beside(file: Path) -> str:
    """Put the schema where the file's first line says it is; one that is there stays."""
    path = file.with_name(SCHEMA)
    text = schemas.shipped("campaign")
    if write_new(path, text.encode()) or _holds(path, text):
        return f"{path}   with it, your editor completes and checks the file"
    present = f"campaign-runner schema > {shlex.quote(str(path.absolute()))}"
    return f"{path}   is of another version and stays; the present one: {present}"


def _holds(path: Path, text: str) -> bool:
    try:
        return text_of(path, _LARGEST_SCHEMA) == text
    except OSError:
        return False
