"""`campaign-runner sandbox`"""

from __future__ import annotations

import ast
import asyncio
import inspect
import signal
from collections.abc import Callable, Iterable
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click

from campaign_runner.cli.help import ending
from campaign_runner.errors import StoreError, UsageError
from campaign_runner.sandbox.faults import KINDS, Fault, FaultError, load_faults
from campaign_runner.sandbox.serve import serving
from campaign_runner.sandbox.server import Sandbox
from campaign_runner.sandbox.settings import Settings

PORT = 8080
_FAULTS_HELP = (
    "Errors to simulate: a YAML or JSON list such as [{kind: 429, nth: 2}, {kind: reset_after, rate: 0.1}]. "
    f"Kinds: {', '.join(KINDS)}."
)


def _switches(function: Callable[..., Any]) -> Callable[..., Any]:
    """One option for each setting of the sandbox, with the words that stand beside it there."""
    types, words = get_type_hints(Settings), _field_words()
    for setting in reversed(fields(Settings)):
        flag = f"--{setting.name.replace('_', '-')}"
        help_text = words[setting.name]
        if types[setting.name] is bool:
            flag = f"{flag}/--no-{flag[2:]}"
        kind = _kind(types[setting.name])
        function = click.option(
            flag, setting.name, type=kind, default=setting.default, show_default=True, help=help_text
        )(function)
    return function


def _kind(hint: Any) -> Any:
    return click.Choice(get_args(hint)) if get_origin(hint) is Literal else hint


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


@click.command(epilog=ending("sandbox --port 8080"))
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="0 for any free port.")
@click.option("--faults", "script", type=click.Path(path_type=Path), help=_FAULTS_HELP)
@_switches
def command(port: int, script: Path | None, **switches: Any) -> None:
    """Start a practice server that behaves like Firefly.

    It listens on 127.0.0.1 only, accepts any credentials, shows at /sandbox/ledger what it would have charged, and
    forgets everything when it ends. It draws placeholders and is not Adobe's service: where Adobe's specification
    leaves something open, an option chooses the other reading.
    """
    try:
        faults = load_faults(script) if script is not None else ()
    except FaultError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"--faults {script} cannot be read ({error.strerror})") from error
    asyncio.run(_serve(Settings(**switches), faults, port))


async def _serve(settings: Settings, faults: Iterable[Fault], port: int) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    try:
        async with serving(Sandbox(settings, faults=faults, say=_say), port) as origin:
            click.echo(_welcome(origin))
            await ended.wait()
    except OSError as error:
        raise StoreError(f"port {port} cannot be used ({error.strerror}); choose another with --port") from error


def _say(line: str) -> None:
    click.echo(f"sandbox  {line}", err=True)


def _welcome(origin: str) -> str:
    return (
        f"sandbox  {origin}   (its ledger: {origin}/sandbox/ledger)\n"
        "Use it from another terminal:\n"
        f"  export CAMPAIGN_RUNNER_FIREFLY_URL={origin} CAMPAIGN_RUNNER_IMS_URL={origin}\n"
        "  export CUSTOM_MODELS_CLIENT_ID=me CUSTOM_MODELS_CLIENT_SECRET=secret\n"
        "  campaign-runner run campaigns/first.yaml\n"
        "Ctrl-C ends it."
    )
