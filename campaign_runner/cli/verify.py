"""`campaign-runner verify`"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click

from campaign_runner.cli import options
from campaign_runner.cli.help import TwoPages, ending
from campaign_runner.cli.memory import memory_of
from campaign_runner.cli.refused import for_each, with_last_line
from campaign_runner.cli.target import locate
from campaign_runner.errors import IntegrityError
from campaign_runner.model import State
from campaign_runner.output_folder.folder import Folder
from campaign_runner.text import plural
from campaign_runner.verify.verification import verify


@click.command(cls=TwoPages, epilog=ending("verify spring", 5))
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@options.output
@options.on
@options.in_sandbox
@options.as_json
@with_last_line
def command(names: tuple[str, ...], output: Path | None, on: str | None, is_sandbox: bool, as_json: bool) -> int:
    """Check that every stored image is still there and unchanged.

    Also checks the journal and the manifest and names files that are not part of the campaign. Differences are grouped
    by kind, with the command that repairs them; --json lists every one. Works offline and changes nothing.
    """

    def verify_one(name: str) -> int:
        folder = locate(name, output=output, is_sandbox=is_sandbox, on=on)
        if on is not None:
            _say_size(folder)
        return _verify(folder, as_json=as_json)

    return for_each(names, verify_one, as_json=as_json)


def _verify(folder: Folder, *, as_json: bool) -> int:
    verdict = asyncio.run(verify(folder, memory_of(folder)))
    code = 0 if verdict.is_ok else IntegrityError.exit_code
    for line in [json.dumps(verdict.as_json())] if as_json else verdict.lines(code):
        click.echo(line)
    return code


def _say_size(folder: Folder) -> None:
    """How much is about to be read over the network, before it is."""
    with folder.ledger() as ledger:
        sizes = [entry.bytes or 0 for entry in ledger.in_states(State.STORED)]
    click.echo(f"reading {plural(len(sizes), 'image')}, {sum(sizes):,} bytes", err=True)
