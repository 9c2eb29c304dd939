"""`campaign-runner find`"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from campaign_runner.cli import options, target
from campaign_runner.cli.decided import decided, parted
from campaign_runner.cli.environment import Environment
from campaign_runner.cli.help import ending
from campaign_runner.cli.target import Target, known_folders
from campaign_runner.errors import UsageError
from campaign_runner.find import history
from campaign_runner.find.history import home_of, lines
from campaign_runner.find.search import Match, by_key, by_picture, files_of, key_in
from campaign_runner.journal.ledger import Entry
from campaign_runner.model import State
from campaign_runner.pictures.likeness import Likeness

_TOLD_EVERY = 1000


@click.command(epilog=ending("find picture.jpg", 5))
@click.argument("what", metavar="NAME|FILE|KEY8")
@options.only
@options.output
@options.in_sandbox
@options.as_json
def command(what: str, only: tuple[str, ...], output: Path | None, is_sandbox: bool, as_json: bool) -> None:
    """Find an image: its file, its prompt, its state and what to do next.

    Searches by at least 8 digits of the image's key, by its file name, or by any copy of the picture, even one that was
    resized or saved again. The name of a campaign lists all of its images, or those of --only, which also takes
    decision=picked and the like. Every known output folder is searched.
    """
    path = Path(what)
    if path.is_file() and path.suffix not in target.YAML and path.name != "manifest.json":
        likeness = Likeness(Environment.of_process().state_folder)
        hits = asyncio.run(by_picture(path, known_folders(output), likeness, _looking))
    elif (key := key_in(what)) is not None and not path.is_dir():
        hits = by_key(key, known_folders(output))
    else:
        _list(target.find(what, output=output, is_sandbox=is_sandbox), only, as_json=as_json)
        return
    if only:
        raise UsageError("--only goes with the name of a campaign")
    if not hits:
        raise UsageError(f"no image found that is or looks like {what}; to search elsewhere, add --output DIR")
    homes, there = {hit.folder.path: home_of(hit.folder) for hit in hits}, asyncio.run(files_of(hits))
    if as_json:
        _print([history.as_json(hit, homes[hit.folder.path], there) for hit in hits])
        return
    for number, hit in enumerate(hits):
        click.echo("\n" * bool(number) + "\n".join(lines(hit, homes[hit.folder.path], there)))


def _print(found: list[dict[str, Any]]) -> None:
    click.echo(json.dumps(found, ensure_ascii=False))


def _looking(number: int) -> None:
    if number % _TOLD_EVERY == 0:
        click.echo(f"read {number:,} images (needed only once)", err=True)


def _list(named: Target, only: Sequence[str], *, as_json: bool) -> None:
    """Every image of a campaign that was ever asked for and is meant."""
    folder, is_meant = named.folder, _is_meant(named, only)
    with folder.ledger() as ledger:
        hits = [Match(folder, entry) for entry in ledger.in_states(*State) if is_meant(entry)]
    if as_json:
        home, there = home_of(folder), asyncio.run(files_of(hits))
        _print([history.as_json(hit, home, there) for hit in hits])
        return
    if not hits:
        selects = "--only selects no image that was" if only else "no image of this campaign was"
        click.echo(f"{selects} requested so far", err=True)
    for line in _rows(hits):
        click.echo(line)


def _is_meant(named: Target, only: Sequence[str]) -> Callable[[Entry], bool]:
    """What `--only` means for what is recorded. Raises UsageError."""
    if not only:
        return lambda entry: True
    with decided(named) as known:
        axes, wanted = parted(only)
        chosen = options.recorded(axes, known.campaign)
        keys = known.keys(wanted) if wanted else None
    return lambda entry: chosen.matches([entry.cell], entry.seed, entry.key) and (keys is None or entry.key in keys)


def _rows(hits: list[Match]) -> Iterator[str]:
    for hit in hits:
        variation = hit.entry.variation
        where = f"  {hit.file}" if hit.file else ""
        state = hit.entry.state.replace("_", " ")
        yield f"{state:9} {variation.key[:8]} {variation.cell}, seed {variation.seed}{where}"
