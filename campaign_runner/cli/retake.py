"""`campaign-runner retake`"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import click

from campaign_runner.authoring.draft import Retake, TakeChange
from campaign_runner.authoring.retake import retake
from campaign_runner.campaign_file.loader import load
from campaign_runner.cli import console, options
from campaign_runner.cli.help import ending
from campaign_runner.cli.price import cost_line, price_of, within_budget, write
from campaign_runner.cli.target import find, known_folders
from campaign_runner.errors import UsageError
from campaign_runner.find.search import Match, by_key, key_in
from campaign_runner.output_folder.folder import MADE_AGAIN, Folder
from campaign_runner.plan.cost import Estimate
from campaign_runner.report.next_commands import display_path
from campaign_runner.text import plural

_STANDS_FOR_WORDS = re.compile(r"\s*[.…][\s.…]*")
"""What a printed command has where a person writes."""


class Seeds(click.ParamType[tuple[int, ...] | int]):
    """`+2`: so many further ones; `5,6`: these."""

    name = "+N|SEED[,SEED…]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...] | int:
        text = str(value).replace(" ", "")
        if re.fullmatch(r"\+[1-9][0-9]{0,3}", text):
            return int(text)
        if not re.fullmatch(r"[0-9]{1,10}(,[0-9]{1,10})*", text):
            self.fail(f"'{value}' is not a list of seeds; write +2 for two more, or 5,6", param, ctx)
        return tuple(dict.fromkeys(map(int, text.split(","))))


@click.command(epilog=ending('retake 3f9c2a1b --text "{product.name} alone"', 5, 9))
@click.argument("key", metavar="KEY8")
@click.option("--text", help="A different prompt; placeholders work as in the campaign file.")
@click.option("--preset", help="Another preset of the campaign.")
@click.option("--size", help="Another size of the campaign: another picture, also with the same seed.")
@click.option("--market", help="Another market of the campaign.")
@click.option("--negative-prompt", help="What must not be in the picture.")
@click.option("--seeds", type=Seeds(), help="+2 for two more seeds, or the seeds themselves.")
@click.option("--in", "name", metavar="NAME", help="Which campaign, if several have this image.")
@options.output
@options.in_sandbox
@click.option("--yes", is_flag=True, help="Skip the confirmation.")
def command(
    key: str,
    text: str | None,
    seeds: tuple[int, ...] | int | None,
    name: str | None,
    output: Path | None,
    is_sandbox: bool,
    yes: bool,
    **changed: str | None,
) -> None:
    """Add a new version of one image to the campaign and show its cost.

    KEY8 is at least 8 digits of the image's key, or its file name. Adds one `include` entry to the campaign file and
    changes nothing else in it. Nothing is sent; the next run generates the image.
    """
    if text is None and seeds is None and not any(changed.values()):
        raise UsageError("say what to change: --text, --seeds, --preset, --size, --market or --negative-prompt")
    for typed in (text, *changed.values()):
        if typed is not None and _STANDS_FOR_WORDS.fullmatch(typed):
            raise UsageError(f"'{typed}' stands for your own words: write them in its place; nothing was changed")
    named, further = (seeds, 0) if isinstance(seeds, tuple) else ((), seeds or 0)
    change = TakeChange(text, seeds=named, further=further, **changed)
    folders = [find(name, output=output, is_sandbox=is_sandbox).folder] if name else known_folders(output)
    hit = _only_one(key, folders, is_sandbox=is_sandbox)
    new, figures = _planned(hit, change, asks=not yes and console.is_terminal())
    for line in new.diff():
        click.echo(line)
    if change.size is not None:
        click.echo("\nanother size is another picture: the same seed shows something else there")
    click.echo(f"\n{cost_line(figures)}")
    write(new, hit.folder, yes=yes)


def _only_one(text: str, folders: list[Folder], *, is_sandbox: bool) -> Match:
    key = key_in(text)
    if key is None:
        raise UsageError(
            f"'{text}' is not a key: give at least 8 of its digits; `campaign-runner find NAME` shows them"
        )
    found = [hit for hit in by_key(key, folders) if not _is_rerun(hit.folder)]  # a rerun has no campaign file
    hits = [hit for hit in found if hit.folder.is_sandbox == is_sandbox] or found  # a rehearsal has the same keys
    if not hits:
        raise UsageError(f"no image found whose key begins with {key}; `campaign-runner find NAME` lists the keys")
    if len({hit.entry.variation.key for hit in hits}) > 1:
        raise UsageError(f"{len(hits)} images have a key that begins with {key}: give more of it")
    if len(hits) > 1:
        names = " or ".join(f"--in {hit.folder.path}" for hit in hits)
        raise UsageError(f"{plural(len(hits), 'campaign')} have this image: say {names}")
    return hits[0]


def _is_rerun(folder: Folder) -> bool:
    with folder.ledger() as ledger:
        return ledger.meta(MADE_AGAIN) is not None


def _planned(hit: Match, change: TakeChange, *, asks: bool) -> tuple[Retake, Estimate]:
    """The new text of the campaign's file, with a larger budget where that is needed and agreed to, and what its new
    images cost.
    """
    with hit.folder.ledger() as ledger:
        file = hit.folder.campaign_file(ledger)
        if file is None:
            raise hit.folder.without_file(ledger)
        campaign = load(Path(display_path(file)))
        drafted = partial(
            retake, campaign, hit.entry.variation, change, model=ledger.custom_model, bought=frozenset(ledger.keys())
        )
        new = within_budget(drafted, campaign, ledger, asks=asks)
        return new, price_of(new, new.plan.campaign, ledger)
