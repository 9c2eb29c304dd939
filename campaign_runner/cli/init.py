"""`campaign-runner init`"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from campaign_runner import schemas
from campaign_runner.authoring.new import SCHEMA, Answers, write_new
from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.ids import derived
from campaign_runner.campaign_file.sheets.suggestion import sheets_in
from campaign_runner.cli import console
from campaign_runner.cli.help import ending
from campaign_runner.disk.regular_files import text_of
from campaign_runner.errors import UsageError
from campaign_runner.plan.cost import product_of_lists
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.text import joined

_FOLDER = "campaigns"
_LARGEST_SCHEMA = 1 << 20


@click.command(epilog=ending("init campaigns/spring.yaml"))
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
def command(file: Path | None) -> None:
    """Write a first campaign file, ready to run.

    Asks five questions at a terminal and uses the defaults elsewhere. A sheet in the same folder may hold the
    products. Also writes the schema that lets your editor
    complete and check the file. Never overwrites a file.
    """
    if file is not None:
        _refuse(file)
    answers = Answers(name=derived(file.stem) or Answers().name) if file is not None else Answers()
    answers = replace(answers, folder=(file or _usual_place(answers.name)).parent)
    if console.is_terminal():
        answers = _asked(answers)
    path = file or _usual_place(answers.name)
    if not write_new(path, answers.text().encode()):
        _refuse(path)
    click.echo(f"{path}   {product_of_lists(PlanStatus(Plan(load(path))))}")
    click.echo(_schema_beside(path))
    click.echo(f"next: campaign-runner run --sandbox {shlex.quote(str(path))}")


def _refuse(file: Path) -> None:
    """Refuse a file that is there already, or that no other command would take for a campaign."""
    if file.suffix not in (".yaml", ".yml"):
        raise UsageError(f"a campaign file ends in .yaml: campaign-runner init {file}.yaml")
    if file.exists():
        raise UsageError(f"{file} is there already and stays as it is; see what it makes: campaign-runner plan {file}")


def _usual_place(name: str) -> Path:
    return Path(f"{name}.yaml") if Path.cwd().name == _FOLDER else Path(_FOLDER) / f"{name}.yaml"


def _schema_beside(file: Path) -> str:
    """Put the schema where the file's first line says it is; one that is there stays."""
    path = file.with_name(SCHEMA)
    text = schemas.shipped("campaign")
    if write_new(path, text.encode()) or _holds(path, text):
        return f"{path}   with it, your editor completes and checks the file"
    return f"{path}   is of another version and stays; the present one: campaign-runner schema > {path}"


def _holds(path: Path, text: str) -> bool:
    try:
        return text_of(path, _LARGEST_SCHEMA) == text
    except OSError:
        return False


def _asked(answers: Answers) -> Answers:
    """The five answers of a person; Enter takes what is in brackets."""
    answers = _ask("What is the campaign called?", answers, "name", _name)
    answers = _ask_for_products(answers)
    answers = _ask("What do the pictures show? {product.name} is the product.", answers, "prompt", _one)
    answers = _ask("Which custom model? Its name, or - for Adobe's own Image 4.", answers, "custom_model", _model)
    return _ask("Which sizes? square, landscape, portrait, wide, 16:9…", answers, "sizes", _several)


def _ask_for_products(answers: Answers) -> Answers:
    """Names, or a sheet: one that is beside the campaign is what Enter takes."""
    sheets = sheets_in(answers.folder)
    if not sheets:
        return _ask("Which products, with commas between them?", answers, "products", _several)
    offered = replace(answers, products=(sheets[0],))
    if offered.flaw() is None:
        answers = offered
    question = f"Which products, with commas between them, or which sheet ({joined(sheets)})?"
    return _ask(question, answers, "products", _several)


def _ask(question: str, answers: Answers, field: str, read: Callable[[str], Any]) -> Answers:
    """The answers with one more; asked again, with the reason, until it makes a campaign that runs."""

    def checked(given: str) -> Answers:
        changed = replace(answers, **{field: read(given)})
        if flaw := changed.flaw():
            raise click.UsageError(flaw)
        return changed

    known = getattr(answers, field)
    shown = ", ".join(known) if isinstance(known, tuple) else known or "-"
    found: Answers = click.prompt(question, default=shown, value_proc=checked, err=True)
    return found


def _name(given: str) -> str:
    return derived(given) or given


def _one(given: str) -> str:
    return " ".join(given.split())


def _several(given: str) -> tuple[str, ...]:
    return tuple(part for part in map(_one, given.split(",")) if part)


def _model(given: str) -> str:
    return "" if given.strip() == "-" else _one(given)
