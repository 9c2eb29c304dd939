"""Another take of one image: an `include` entry in the campaign's file, proved before anything is written.

The file with the entry is read and planned in memory. It is written only if it has no problem, keeps
every image it had, and adds exactly the images that were asked for.
"""

from __future__ import annotations

import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from difflib import unified_diff
from itertools import islice
from pathlib import Path

from campaign_runner.authoring.splice import in_braces, on_one_line, with_entry
from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.look import FIELDS
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.campaign_file.schema.spellings import spelt
from campaign_runner.campaign_file.syntax.parser import quoted
from campaign_runner.campaign_file.syntax.source import Pairs
from campaign_runner.disk import files
from campaign_runner.errors import CampaignFileError, UsageError
from campaign_runner.model import Cell, CustomModel, Recipe, Variation
from campaign_runner.plan.plan import Plan
from campaign_runner.plan.recipes import RecipeBuilder
from campaign_runner.text import joined, plural

_HIGHEST_SEED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class TakeChange:
    """What shall be different: another prompt, another preset, these seeds, or so many further ones."""

    text: str | None = None
    preset: str | None = None
    seeds: tuple[int, ...] = ()
    further: int = 0


@dataclass(frozen=True, slots=True)
class Retake:
    """A campaign file with one more entry: its bytes before and after, the new plan, and the keys that it adds."""

    path: Path
    before: bytes
    after: bytes
    plan: Plan
    added: tuple[str, ...]

    def diff(self) -> Iterator[str]:
        """What changes in the file, as `diff -u` shows it."""
        old, new = (content.decode("utf-8-sig").splitlines() for content in (self.before, self.after))
        yield from unified_diff(old, new, str(self.path), str(self.path), lineterm="")

    def write(self) -> None:
        """Put the new text in the file's place. Raises UsageError if it was edited meanwhile, StoreError."""
        path = self.path.resolve()
        with files.translating(path):
            mode = stat.S_IMODE(path.stat().st_mode)
            if path.read_bytes() != self.before:
                raise UsageError(f"{self.path} was edited meanwhile: nothing was written")
        files.write_durably(path, self.after)
        with files.translating(path):
            path.chmod(mode)


def retake(
    campaign: Campaign,
    image: Variation,
    wish: TakeChange,
    *,
    model: CustomModel | None = None,
    bought: Collection[str] = (),
) -> Retake:
    """Another take of `image`, which is or was in the campaign.

    `model` is what the custom model's name was found to mean, `bought` are the keys ever asked for: further seeds are
    the next ones of which nobody asked. Raises UsageError where the file cannot say so, or
    would be wrong.
    """
    plan = Plan(campaign, model)
    if not plan.knows_keys:
        raise UsageError("the images of a custom model have keys once a first run looked it up: run the campaign first")
    planned = set(plan.keys())
    fields = _fields(campaign, *_where(plan, image, wish))
    draft = _Draft(campaign, fields, model)
    recipe = draft.recipe(image.seed)
    seeds = wish.seeds or (image.seed,)
    if wish.further:
        seeds = _further(recipe, image.seed, wish.further, planned | set(bought))
    if twice := [seed for seed in seeds if recipe.key(seed) in planned]:
        raise UsageError(f"the campaign already has that image, with seed {joined(list(map(str, twice)))}")
    before, after = draft.content, draft.with_seeds(seeds)
    new = Plan(_read(campaign.path, after), model)
    expected = tuple(recipe.key(seed) for seed in seeds)
    keys = set(new.keys())
    if keys - planned != set(expected) or not planned <= keys:
        raise UsageError("nothing was written: the entry would also change other images of the campaign")
    return Retake(campaign.path, before, after, new, expected)


def _where(plan: Plan, image: Variation, wish: TakeChange) -> tuple[Cell, TakeChange]:
    """Where the image stands now, else where it stood; one that left the campaign keeps the words it had."""
    position = next((at for at, key in enumerate(plan.keys()) if key == image.key), None)
    if position is not None:
        return plan.at(position).variation.cell, wish
    cell = spelt(image.cell, plan.campaign.spellings)
    return cell, wish if wish.text is not None else replace(wish, text=image.prompt_template)


def _fields(campaign: Campaign, cell: Cell, wish: TakeChange) -> dict[str, str]:
    """The entry but for its seeds, as it is written: every axis the campaign has, and what an entry before it says."""
    root, own = campaign.source.root, {}
    if cell.include is not None:
        _, entry = campaign.source.find(("include", cell.include))
        own = {name: on_one_line(node) for name, (_, node) in entry.entries.items()} if isinstance(entry, Pairs) else {}
    fields = {"product": cell.product, "prompt": cell.prompt}
    if wish.text is not None:
        fields["text"] = quoted(" ".join(wish.text.split()))
    elif "text" in own:
        fields["text"] = own["text"]
    axes = root.entries if isinstance(root, Pairs) else {}
    if "presets" in axes or wish.preset is not None:
        fields["preset"] = wish.preset or cell.preset
    if cell.market is not None:
        fields["market"] = cell.market
    fields["size"] = str(cell.size)
    return fields | {name: value for name, value in own.items() if name in FIELDS}


class _Draft:
    """The file with one more entry, with any seeds."""

    def __init__(self, campaign: Campaign, fields: dict[str, str], model: CustomModel | None) -> None:
        self._campaign = campaign
        self._fields = fields
        self._model = model
        with files.translating(campaign.path):
            self.content = campaign.path.read_bytes()

    def with_seeds(self, seeds: Collection[int]) -> bytes:
        entry = in_braces(self._fields | {"seeds": f"[{', '.join(map(str, seeds))}]"})
        try:
            return with_entry(self._campaign.source, self.content, entry)
        except ValueError as error:
            raise UsageError(f"{self._campaign.path} cannot take another entry: {error}") from error

    def recipe(self, seed: int) -> Recipe:
        """The recipe of the entry. Raises UsageError where the file would be wrong with it."""
        campaign = _read(self._campaign.path, self.with_seeds([seed]))
        at = len(campaign.include) - 1
        entry = campaign.include[at]
        cell = Cell(entry.product, entry.prompt, entry.preset or "plain", entry.market, entry.size, at)
        return RecipeBuilder(campaign, self._model).of(cell)[0]


def _further(recipe: Recipe, seed: int, number: int, taken: Collection[str]) -> tuple[int, ...]:
    """The next seeds after `seed` of which no image was planned or asked for yet."""
    seeds = tuple(
        islice((next for next in range(seed + 1, _HIGHEST_SEED + 1) if recipe.key(next) not in taken), number)
    )
    if len(seeds) < number:
        raise UsageError(f"there are no {plural(number, 'further seed')} after {seed}: name them with --seeds")
    return seeds


def _read(path: Path, content: bytes) -> Campaign:
    try:
        return load(path, content)
    except CampaignFileError as error:
        problem = error.problems[0]
        why = "; ".join(part for part in (problem.message, problem.advice) if part)
        raise UsageError(
            f"{problem.place()}: nothing was written, with this entry the file would have a problem: {why}"
        ) from error
