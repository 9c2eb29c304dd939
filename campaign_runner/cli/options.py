"""The options that several commands share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import click

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.campaign_file.schema.spellings import both
from campaign_runner.cli.help import rarely
from campaign_runner.disk.regular_files import is_there
from campaign_runner.plan.selection import Selection, read_only

FLEET = "fleet"
_SHOWN = 40  # characters of a value that does not fit


class FolderPath(click.Path):
    """A folder that exists, or is made; with `exists` it has to be there."""

    def __init__(self, *, exists: bool = False) -> None:
        super().__init__(exists=exists, path_type=Path, file_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(value)
        if is_there(path) and not path.is_dir():
            self.fail(f"{path} is a file: name a folder; one that is not there is made", param, ctx)
        if self.exists and not path.is_dir():
            self.fail(f"there is no folder {path}: make it, or name another", param, ctx)
        return super().convert(value, param, ctx)


class WholeNumber(click.IntRange):
    """A whole number; without `max` there is no largest one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            most = f"to {self.max:,}" if self.max is not None else "or more"
            said = f"write a whole number, {self.min or 0} {most}: digits only, without a comma or point"
            self.fail(f"'{str(value)[:_SHOWN]}' does not fit; {said}", param, ctx)


class Number(click.ParamType[float]):
    """A number, with a fraction or without."""

    name = "float"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not 0 <= number < math.inf:
            self.fail(f"'{str(value)[:_SHOWN]}' does not fit; write a number such as 5 or 0.5", param, ctx)
        return number


output = click.option("--output", type=FolderPath(), help="Folder that holds the output folders.")
only = click.option(
    "--only",
    "only",
    multiple=True,
    metavar="AXIS=VALUE[,VALUE…]",
    help="Only these images, by product, prompt, preset, market, size, seed or key. Repeatable.",
)
link = click.option(
    "--link",
    is_flag=True,
    help="Let reused images share one file instead of copying them: saves room, but editing one edits both.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
on = rarely("--on", type=click.Choice([FLEET]), help="Use the record and the images of the fleet, not of this machine.")
in_sandbox = click.option("--sandbox", "is_sandbox", is_flag=True, help="Use the folder of `run --sandbox`.")


def selection(values: Sequence[str], campaign: Campaign) -> Selection:
    """What `--only` means for a campaign; a size may be given by its name, an id as earlier versions spelt it.

    Raises UsageError.
    """
    names = {name: size for name, size in _size_names(campaign).items() if size in map(str, campaign.sizes)}
    known = {
        "product": [*campaign.products, *campaign.spellings.get("products", ())],
        "prompt": list(campaign.prompts),
        "preset": [*campaign.presets, *campaign.spellings.get("presets", ())],
        "market": list(campaign.markets),
        "size": [*map(str, campaign.sizes), *names],
    }
    if any(value.startswith("seed=") for value in values):
        included = (entry.seeds or () for entry in campaign.include)
        known["seed"] = list(dict.fromkeys(map(str, chain(campaign.seeds, *included))))
    return _spelt(read_only(values, known), campaign).sized(names)


def recorded(values: Sequence[str], campaign: Campaign) -> Selection:
    """The same for what is recorded: it may have names that have left the campaign. Raises UsageError."""
    return _spelt(read_only(values), campaign).sized(_size_names(campaign))


def _spelt(only: Selection, campaign: Campaign) -> Selection:
    """The same with every spelling of an id: a record may have the earlier one."""
    return Selection({axis: both(axis, names, campaign.spellings) for axis, names in only.values.items()})


def _size_names(campaign: Campaign) -> dict[str, str]:
    return {name: str(size) for name, size in campaign.family.names.items()}
