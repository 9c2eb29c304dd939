"""`campaign-runner sandbox`"""

from __future__ import annotations

import ast
import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click

from campaign_runner.cli.help import ending
from campaign_runner.cli.options import Number, WholeNumber
from campaign_runner.cli.signals import ended_by_signal
from campaign_runner.errors import StoreError, UsageError
from campaign_runner.sandbox.catalog import CATALOG, Catalog, CustomModel
from campaign_runner.sandbox.faults import KINDS, FaultError, load_faults
from campaign_runner.sandbox.own_models import ModelsError, named, read_models
from campaign_runner.sandbox.serve import serving
from campaign_runner.sandbox.server import Sandbox
from campaign_runner.sandbox.settings import Settings

PORT = 8080
SHOWN = ("strict", "per_minute", "job_seconds", "expire_seconds", "plain_pictures")
"""Settings that the help shows; `--switches` shows the others."""
_NUMBERS = {int: WholeNumber(min=0), float: Number()}
_FILES = (".json", ".yaml", ".yml")
_MODELS_HELP = (
    "Custom models to play besides the built-in ones: 'any' takes every id, or a name or an id, or a file with names "
    "or with what Adobe's list answered. May be repeated."
)
_FAULTS_HELP = "Errors to simulate: a YAML or JSON list such as [{kind: 429, nth: 2}]; the kinds: --switches."


def _switches(function: Callable[..., Any]) -> Callable[..., Any]:
    """One option for each setting of the sandbox, with the words that are beside it there."""
    types, words = get_type_hints(Settings), _field_words()
    for setting in reversed(fields(Settings)):
        flag, hint = f"--{setting.name.replace('_', '-')}", types[setting.name]
        help_text = words[setting.name]
        if hint is bool:
            flag = f"{flag}/--no-{flag[2:]}"
        function = click.option(
            flag,
            setting.name,
            type=click.Choice(get_args(hint)) if get_origin(hint) is Literal else _NUMBERS.get(hint, hint),
            default=setting.default,
            show_default=True,
            help=help_text,
            hidden=setting.name not in SHOWN,
        )(function)
    return function


def _field_words() -> dict[str, str]:
    """The docstring of each field: the string that follows it in the source."""
    (definition,) = ast.parse(inspect.getsource(Settings)).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    found: dict[str, str] = {}
    for field, text in pairwise(body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(words))):
                found[name] = words
            case _:
                pass
    return found


def _show_switches(context: click.Context, _: click.Parameter, is_asked: bool) -> None:
    """Print what the help leaves out, and end."""
    if not is_asked:
        return
    formatter = context.make_formatter()
    hidden = [copy(each) for each in context.command.params if isinstance(each, click.Option) and each.hidden]
    for option in hidden:
        option.hidden = False
    with formatter.section("Switches: how the server reads what Adobe leaves open"):
        formatter.write_dl([row for option in hidden if (row := option.get_help_record(context)) is not None])
    with formatter.section("Kinds of --faults, and where each may strike, its usual place first"):
        formatter.write_dl([(kind, ", ".join(places)) for kind, places in KINDS.items()])
    click.echo(formatter.getvalue(), nl=False)
    context.exit()


@click.command(epilog=ending("sandbox --port 8080"))
@click.option("--port", default=PORT, show_default=True, type=WholeNumber(0, 65535), help="0 for any free port.")
@click.option("--models", multiple=True, metavar="any|NAME|FILE", help=_MODELS_HELP)
@click.option("--subject", default="", metavar="WORD", help="The concept of --models given by name, or any.")
@click.option("--faults", "script", type=click.Path(path_type=Path), help=_FAULTS_HELP)
@_switches
@click.option(
    "--switches",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_switches,
    help="Show the other options, which change how the server reads what Adobe leaves open.",
)
def command(port: int, models: tuple[str, ...], subject: str, script: Path | None, **switches: Any) -> None:
    """Start a practice server that behaves like Firefly.

    It listens on 127.0.0.1 only, accepts any credentials, shows at /sandbox/ledger what it would have charged, and
    forgets everything when it ends. It draws placeholders and is not Adobe's service. Requests that Adobe documents
    work; what Adobe leaves open works, too, and a line says what --strict would refuse.
    """
    try:
        faults = load_faults(script) if script is not None else ()
    except FaultError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"--faults {script} cannot be read ({error.strerror})") from error
    account = _account(models, subject)
    sandbox = Sandbox(_settings(switches), catalog=account, faults=faults, say=_say)
    asyncio.run(_serve(sandbox, port, _played(account, models)))


def _settings(switches: Mapping[str, Any]) -> Settings:
    try:
        return Settings(**switches)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _account(models: Sequence[str], subject: str) -> Catalog:
    """The built-in custom models and those that are given."""
    own: list[CustomModel] = []
    words = [word for word in models if word != "any"]
    names = [word for word in words if not word.endswith(_FILES)]
    if subject and not (names or "any" in models):
        raise UsageError("--subject is the concept of custom models given by name: add --models NAME, or --models any")
    for file in (Path(word) for word in words if word.endswith(_FILES)):
        try:
            own += read_models(file)
        except ModelsError as error:
            raise UsageError(str(error)) from error
        except OSError as error:
            raise UsageError(f"--models {file} cannot be read ({error.strerror})") from error
    return CATALOG.plus([*own, *named(names, subject)], takes_any="any" in models, concept=subject)


def _played(account: Catalog, models: Sequence[str]) -> str:
    """What is played of custom models."""
    more = ", and any other by its id" if "any" in models else ""
    return f"{sum(model.state == 'published' for model in account)} custom models{more}"


async def _serve(sandbox: Sandbox, port: int, played: str) -> None:
    ended = ended_by_signal()
    try:
        async with serving(sandbox, port) as origin:
            click.echo(_welcome(origin, played))
            await ended.wait()
    except OSError as error:
        raise StoreError(f"port {port} cannot be used ({error.strerror}); choose another with --port") from error


def _say(line: str) -> None:
    click.echo(f"sandbox  {line}", err=True)


def _welcome(origin: str, played: str) -> str:
    return (
        f"sandbox  {origin}   (its ledger: {origin}/sandbox/ledger; {played})\n"
        "Use it from another terminal:\n"
        f"  export CAMPAIGN_RUNNER_FIREFLY_URL={origin} CAMPAIGN_RUNNER_IMS_URL={origin}\n"
        "  export CUSTOM_MODELS_CLIENT_ID=me CUSTOM_MODELS_CLIENT_SECRET=secret\n"
        "  campaign-runner run campaigns/first.yaml\n"
        "Ctrl-C ends it."
    )
