"""`campaign-runner find`"""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from campaign_runner.cli import console, options, target
from campaign_runner.cli.decided import decided, parted
from campaign_runner.cli.environment import Environment
from campaign_runner.cli.help import TwoPages, ending
from campaign_runner.cli.memory import memory_of
from campaign_runner.cli.not_found import is_campaign_file, known_names
from campaign_runner.cli.target import Target, every_folder, known_folders
from campaign_runner.errors import UsageError
from campaign_runner.find import history
from campaign_runner.find.history import home_of, lines
from campaign_runner.find.search import Match, by_key, by_picture, files_of, key_in
from campaign_runner.find.slips import LOOKED_FOR, meant, meant_key, names_picture
from campaign_runner.find.words import by_words, guess
from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.model import State
from campaign_runner.output_folder.folder import Folder
from campaign_runner.pictures.likeness import Likeness
from campaign_runner.portions import batched
from campaign_runner.report.next_commands import typed
from campaign_runner.text import did_you_mean, plural

_TOLD_EVERY = 1000
_AT_ONCE = 500
_ELSEWHERE = "; to search elsewhere, add --output DIR"


@click.command(cls=TwoPages, epilog=ending("find tea-cup golden wide", 5))
@click.argument("what", nargs=-1, required=True, metavar="NAME|FILE|KEY8|WORD…")
@options.only
@options.output
@options.on
@options.in_sandbox
@options.as_json
def command(
    what: tuple[str, ...], only: tuple[str, ...], output: Path | None, on: str | None, is_sandbox: bool, as_json: bool
) -> None:
    """Find an image: its file, its prompt, its state and what to do next.

    Searches by at least 8 digits of the image's key, by its file name, by any copy of the picture, even one that was
    resized or saved again, or by words: product, prompt, preset, market, size, campaign or any word of the prompt. The
    name of a campaign lists all of its images, or those of --only, which also takes decision=picked and the like. Every
    known output folder is searched.
    """
    if on is not None:
        target.refuse_beside(on, output, is_sandbox=is_sandbox)
    named = _campaign(what, output, is_sandbox=is_sandbox, on=on)
    if named is not None:
        _list(named, only, as_json=as_json)
        return
    if only:
        raise UsageError("--only goes with the name of a campaign")
    hits, is_by_words = _found(what, output, is_sandbox=is_sandbox, on=on)
    if is_by_words and len(hits) > 1 and not as_json:
        _say_rows(hits, with_campaign=True)
        click.echo(f"{plural(len(hits), 'image')}; all about one of them: campaign-runner find KEY8", err=True)
        return
    _show(hits, as_json=as_json)


def _campaign(what: Sequence[str], output: Path | None, *, is_sandbox: bool, on: str | None) -> Target | None:
    """The campaign that is named; None for a picture, a key, or words. Raises UsageError for a path to nothing."""
    name, path = what[0], Path(what[0])
    if len(what) > 1 or _is_picture(path) or (key_in(name) is not None and not path.is_dir()):
        return None
    try:
        return target.find(name, output=output, is_sandbox=is_sandbox, on=on)
    except UsageError:
        is_picture = names_picture(name) and not path.exists()
        if not is_picture and (path.name != name or is_campaign_file(path) or path.exists()):
            raise
        folders = every_folder(output, on=on)
        if by_words(what, folders):
            return None
        near = did_you_mean(name, known_names(output)) if on is None else ""
        raise _nowhere(name, folders, near, is_picture=is_picture) from None


def _nowhere(name: str, folders: Sequence[Folder], near: str, *, is_picture: bool) -> UsageError:
    """What is said of one word that is in no record; `near` is the campaign that is called nearly so."""
    near = meant(name, folders) or near or guess([name], folders) or f"; {LOOKED_FOR}"
    if is_picture:
        return UsageError(f"there is no file {name}, and no image of a campaign has that name{near}")
    return UsageError(f"no campaign is named '{name}', and no image found has that word{near}")


def _is_picture(path: Path) -> bool:
    return path.is_file() and not is_campaign_file(path) and path.name != "manifest.json"


def _found(what: Sequence[str], output: Path | None, *, is_sandbox: bool, on: str | None) -> tuple[list[Match], bool]:
    """The images that a picture, a key or words mean, and whether it was words. Raises UsageError where there is none.

    By words a rehearsal's images are found only with --sandbox, or where there are no others.
    """
    if len(what) > 1 and all(_is_picture(Path(word)) for word in what):
        raise UsageError(f"find takes one picture at a time, and these are {len(what)}: {typed('find', what[0])}")
    folders, path = known_folders(output, on=on), Path(what[0])
    if len(what) == 1 and _is_picture(path):
        hits = _like(path, folders, on=on)
    elif len(what) == 1 and (key := key_in(what[0])) is not None:
        hits = by_key(key, folders)
        if not hits:
            raise UsageError(f"no image found has the key {key}{meant_key(key, folders) or _ELSEWHERE}")
    else:
        found = by_words(what, folders)
        hits = [hit for hit in found if hit.folder.is_sandbox == is_sandbox] or found
        if not hits:
            raise UsageError(f"no image found that has all of these words: {' '.join(what)}{guess(what, folders)}")
        return hits, True
    if not hits:
        raise UsageError(f"no image found that is or looks like {what[0]}{_ELSEWHERE}")
    return hits, False


def _like(path: Path, folders: Sequence[Folder], *, on: str | None) -> list[Match]:
    """The images that a picture is or looks like, as this machine knows them, or the place `on` which they are."""
    likeness = Likeness(Environment.of_process().state_folder)
    if on is None:
        return asyncio.run(by_picture(path, folders, likeness, _looking))
    hits: list[Match] = importlib.import_module(target.ON_FLEET).by_picture(path, folders, likeness, _looking)
    return hits


def _show(hits: Sequence[Match], *, as_json: bool) -> None:
    """Everything about some images."""
    homes, there = (
        {hit.folder.path: home_of(hit.folder, memory_of(hit.folder)) for hit in hits},
        asyncio.run(files_of(hits)),
    )
    if as_json:
        _print([history.as_json(hit, homes[hit.folder.path], there) for hit in hits])
        return
    for number, hit in enumerate(hits):
        for line in ([""] if number else []) + list(lines(hit, homes[hit.folder.path], there)):
            console.say(line)


def _print(found: Iterable[dict[str, Any]]) -> None:
    """A list for machines, one by one: a campaign may have any number."""
    click.echo("[", nl=False)
    for number, each in enumerate(found):
        click.echo(f"{', ' if number else ''}{json.dumps(each, ensure_ascii=False)}", nl=False)
    click.echo("]")


def _looking(number: int) -> None:
    if number % _TOLD_EVERY == 0:
        click.echo(f"read {number:,} images (needed only once)", err=True)


def _list(named: Target, only: Sequence[str], *, as_json: bool) -> None:
    """Every image of a campaign that was ever asked for and is meant."""
    folder, is_meant = named.folder, _is_meant(named, only)
    with folder.ledger() as ledger:
        keys = [entry.key for entry in ledger.in_states(*State) if is_meant(entry)]
        hits = (Match(folder, entry) for entry in _entries(ledger, keys))
        if as_json:
            home = home_of(folder, memory_of(folder))
            _print(history.as_json(hit, home, there) for hit, there in _with_files(hits))
        elif not _say_rows(hits):
            selects = "--only selects no image that was" if only else "no image of this campaign was"
            click.echo(f"{selects} requested so far", err=True)


def _entries(ledger: Ledger, keys: Sequence[str]) -> Iterator[Entry]:
    """What is recorded of `keys`. No question stays open: who reads in a pager must not keep a run waiting."""
    for some in batched(keys, _AT_ONCE):
        known = ledger.entries(some)
        yield from (known[key] for key in some)


def _is_meant(named: Target, only: Sequence[str]) -> Callable[[Entry], bool]:
    """What `--only` means for what is recorded. Raises UsageError."""
    if not only:
        return lambda entry: True
    with decided(named) as known:
        axes, wanted = parted(only)
        chosen = options.recorded(axes, known.campaign)
        keys = known.keys(wanted) if wanted else None
    return lambda entry: chosen.matches([entry.cell], entry.seed, entry.key) and (keys is None or entry.key in keys)


def _say_rows(hits: Iterable[Match], *, with_campaign: bool = False) -> int:
    """A line for each image; the answer is how many. Whether a file is there is looked at on this disk alone."""
    said = 0
    for hit, there in _with_files(hits, only_here=True):
        console.say(_row(hit, there, with_campaign=with_campaign))
        said += 1
    return said


def _with_files(hits: Iterable[Match], *, only_here: bool = False) -> Iterator[tuple[Match, Container[str]]]:
    """Each with the places of files that are, its own among them if it is; `only_here` looks at this disk alone."""
    for some in batched(hits, _AT_ONCE):
        there = asyncio.run(files_of([hit for hit in some if hit.folder.has_images_here or not only_here]))
        yield from ((hit, there) for hit in some)


def _row(hit: Match, there: Container[str], *, with_campaign: bool) -> str:
    variation = hit.entry.variation
    is_missing = hit.folder.has_images_here and hit.file not in there
    where = f"  {hit.file}{' (missing)' if is_missing else ''}" if hit.file else ""
    state = hit.entry.state.replace("_", " ")
    whose = f"{hit.folder.path.name}: " if with_campaign else ""
    return f"{state:9} {variation.key[:8]} {whose}{variation.cell}, seed {variation.seed}{where}"
