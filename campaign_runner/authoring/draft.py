"""A campaign file with more `include` entries: drafted and read in memory before a byte of it is written."""

from __future__ import annotations

import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from campaign_runner.authoring.splice import in_braces, on_one_line, text_as_yaml, with_entries
from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.look import FIELDS
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.campaign_file.syntax.opening import LARGEST_BYTES
from campaign_runner.campaign_file.syntax.parser import quoted
from campaign_runner.campaign_file.syntax.source import Loc, Pairs
from campaign_runner.disk import files
from campaign_runner.disk.regular_files import content_of
from campaign_runner.errors import CampaignFileError, UsageError
from campaign_runner.model import Cell, CustomModel, Recipe
from campaign_runner.plan.plan import Plan
from campaign_runner.plan.recipes import RecipeBuilder
from campaign_runner.text import followed


@dataclass(frozen=True, slots=True)
class TakeChange:
    """What shall be different: another prompt, preset, size or market, what must not be seen, these seeds, or so many
    further ones.
    """

    text: str | None = None
    preset: str | None = None
    size: str | None = None
    market: str | None = None
    negative_prompt: str | None = None
    seeds: tuple[int, ...] = ()
    further: int = 0


@dataclass(frozen=True, slots=True)
class Retake:
    """A campaign file with more entries: its bytes before and after, the new plan, and the keys that it adds."""

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
            if content_of(path, LARGEST_BYTES) != self.before:
                raise UsageError(f"{self.path} was edited meanwhile: nothing was written")
        files.write_durably(path, self.after)
        with files.translating(path):
            path.chmod(mode)


def entry_fields(campaign: Campaign, cell: Cell, change: TakeChange) -> dict[str, str]:
    """The entry but for its seeds, as it is written: every axis the campaign has, and what an entry before it says."""
    root, own = campaign.source.root, {}
    if cell.include is not None:
        _, entry = campaign.source.find(("include", cell.include))
        own = {name: on_one_line(node) for name, (_, node) in entry.entries.items()} if isinstance(entry, Pairs) else {}
    fields = {"product": cell.product, "prompt": cell.prompt}
    if change.text is not None:
        fields["text"] = quoted(" ".join(change.text.split()))
    elif "text" in own:
        fields["text"] = own["text"]
    axes = root.entries if isinstance(root, Pairs) else {}
    if "presets" in axes or change.preset is not None:
        fields["preset"] = change.preset or cell.preset
    if (market := change.market or cell.market) is not None:
        fields["market"] = market if change.market is None else text_as_yaml(market)
    fields["size"] = str(cell.size) if change.size is None else text_as_yaml(change.size)
    fields |= {name: value for name, value in own.items() if name in FIELDS}
    if change.negative_prompt is not None:
        fields["negative_prompt"] = quoted(" ".join(change.negative_prompt.split()))
    return fields


class Draft:
    """The file with more entries, with any seeds; `fields` are those of each entry, `budget` a new one."""

    def __init__(
        self,
        campaign: Campaign,
        fields: Sequence[dict[str, str]],
        model: CustomModel | None,
        budget: int | None = None,
    ) -> None:
        self._campaign = campaign
        self._fields = fields
        self._model = model
        self._numbers: dict[Loc, int] = {} if budget is None else {("budget",): budget}
        with files.translating(campaign.path):
            self.content = content_of(campaign.path, LARGEST_BYTES)

    def with_seeds(self, seeds: Sequence[Collection[int]]) -> bytes:
        """The file, each entry with its seeds. Raises UsageError where it cannot take another entry."""
        entries = [
            in_braces(fields | {"seeds": f"[{', '.join(map(str, own))}]"})
            for fields, own in zip(self._fields, seeds, strict=True)
        ]
        try:
            return with_entries(self._campaign.source, self.content, entries, self._numbers)
        except ValueError as error:
            raise UsageError(f"{self._campaign.path} cannot take another entry: {error}") from error

    def recipes(self, seed: int) -> list[Recipe]:
        """The recipe of each entry. Raises UsageError where the file would be wrong with them."""
        campaign = read_again(self._campaign.path, self.with_seeds([[seed]] * len(self._fields)))
        builder = RecipeBuilder(campaign, self._model)
        added = range(len(campaign.include) - len(self._fields), len(campaign.include))
        return [builder.of(_cell_of(campaign, at))[0] for at in added]

    def added(self, seeds: Sequence[Collection[int]], keys: Collection[str]) -> Retake:
        """The change of the file, proved: it keeps every image, and adds those of `keys` alone. Raises UsageError."""
        planned = set(Plan(self._campaign, self._model).keys())
        after = self.with_seeds(seeds)
        new = Plan(read_again(self._campaign.path, after), self._model)
        now = set(new.keys())
        if now - planned != set(keys) or not planned <= now:
            raise UsageError("nothing was written: the entry would also change other images of the campaign")
        return Retake(self._campaign.path, self.content, after, new, tuple(dict.fromkeys(keys)))


def _cell_of(campaign: Campaign, at: int) -> Cell:
    entry = campaign.include[at]
    return Cell(entry.product, entry.prompt, entry.preset or "plain", entry.market, entry.size, at)


def read_again(path: Path, content: bytes) -> Campaign:
    """What the file would say. Raises UsageError where it would have a problem."""
    try:
        return load(path, content)
    except CampaignFileError as error:
        problem = error.problems[0]
        why = followed(problem.message, problem.advice, ";")
        raise UsageError(
            f"{problem.place()}: nothing was written, with this entry the file would have a problem: {why}"
        ) from error
