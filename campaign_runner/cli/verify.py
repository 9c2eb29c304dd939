"""`campaign-runner verify`"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click

from campaign_runner.cli import options
from campaign_runner.cli.access import memory_of
from campaign_runner.cli.target import locate
from campaign_runner.errors import IntegrityError
from campaign_runner.verify.verification import verify


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@options.output
@options.in_sandbox
@options.as_json
def command(names: tuple[str, ...], output: Path | None, is_sandbox: bool, as_json: bool) -> int:
    """Hold every image against the record: present, size, digest.

    Journal and manifest are checked too, and files that no record knows are named; each difference comes with the
    command that mends it. Nothing is changed and nobody is asked.
    """
    status = 0
    for name in names:
        folder = locate(name, output=output, is_sandbox=is_sandbox)
        verdict = asyncio.run(verify(folder, memory_of(folder)))
        code = 0 if verdict.is_ok else IntegrityError.exit_code
        status = max(status, code)
        if as_json:
            click.echo(json.dumps(verdict.as_json()))
            continue
        for line in verdict.lines(code):
            click.echo(line)
    return status
