"""All variations of a campaign, lazily, in file order: cells with equal recipes are one.

What is kept is a digest and two numbers a recipe; cells, prompts and requests are composed
again whenever they are asked for, so that a million cells fit into a hundred megabytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from campaign_runner.model import Cell, CustomModel, Recipe, Variation
from campaign_runner.plan.body import Recipes
from campaign_runner.spec.cells import Cells
from campaign_runner.spec.schema import Campaign

_DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class Planned:
    """A variation with its recipe and the other cells that come out as the very same image.

    `position` counts variations over all recipes, as `Plan.span` does.
    """

    position: int
    variation: Variation
    recipe: Recipe
    also: tuple[Cell, ...]


class Plan:
    """The variations of `campaign`.

    `model` is what the custom model's name meant when it was looked up; without it the keys of a
    custom family are not known yet (`knows_keys` is False) and everything else is.
    """

    def __init__(self, campaign: Campaign, model: CustomModel | None = None) -> None:
        self.campaign = campaign
        self.knows_keys = model is not None or not campaign.family.is_custom
        self._cells = Cells(campaign)
        self._recipes = Recipes(campaign, model)
        self._firsts = array("q")  # the first cell of each recipe, in plan order
        self._ends = array("q")  # where the seeds of each recipe end, counted over all recipes
        self._digests = bytearray()
        self._repeats: dict[int, list[int]] = {}  # recipe → its further cells
        self._repeat_of: dict[int, int] = {}  # a further cell → its recipe
        self._index()

    def __len__(self) -> int:
        """How many variations: images that are different."""
        return self._ends[-1] if self._ends else 0

    @property
    def recipes(self) -> int:
        """How many recipes; they are numbered from 0 in plan order."""
        return len(self._firsts)

    @property
    def cells(self) -> int:
        """How many images the lists make, equal ones counted as often as they stand there."""
        return self._cells.count()

    def product(self, recipe: int) -> str:
        """The product under which a recipe stands first."""
        return self._cells.cell(self._firsts[recipe]).product

    def span(self, recipe: int) -> tuple[int, int]:
        """The positions of a recipe's variations, counted over all recipes: from, and up to but without."""
        return (self._ends[recipe - 1] if recipe else 0), self._ends[recipe]

    def seeds(self, recipe: int) -> Sequence[int]:
        """All seeds of a recipe, in file order."""
        first = self._cells.seeds(self._firsts[recipe])
        if recipe not in self._repeats:
            return first
        return list(dict.fromkeys(seed for number in self._numbers(recipe) for seed in self._cells.seeds(number)))

    def keys(self, recipe: int) -> list[str]:
        """The keys of a recipe's variations, in the order of `seeds`."""
        start = recipe * _DIGEST_BYTES
        stem = self._digests[start : start + _DIGEST_BYTES].hex()
        return [sha256(f"{stem}:{seed}".encode()).hexdigest() for seed in self.seeds(recipe)]

    def cells_of(self, recipe: int, seed: int) -> list[Cell]:
        """The cells in which an image stands, in plan order."""
        return [self._cells.cell(number) for number in self._numbers(recipe) if seed in self._cells.seeds(number)]

    def compose(self, recipe: int, seeds: Sequence[int]) -> tuple[Recipe, list[Variation]]:
        """A recipe in full, and its variations for `seeds`, each under its first cell."""
        words, composed = self._recipes.of(self._cells.cell(self._firsts[recipe]))
        variations = [
            Variation(words.key(seed), seed, self.cells_of(recipe, seed)[0], composed.prompt_template) for seed in seeds
        ]
        return words, variations

    def __iter__(self) -> Iterator[Planned]:
        """Every variation, in plan order."""
        recipe = -1
        for number in self._cells.numbers():
            again = self._repeat_of.get(number)
            if again is None:
                recipe += 1
            yield from self._planned(recipe if again is None else again, number)

    def _planned(self, recipe: int, number: int) -> Iterator[Planned]:
        """The variations of a recipe that stand in cell `number` for the first time."""
        seeds = self._cells.seeds(number)
        if number != self._firsts[recipe]:
            earlier = self._numbers(recipe)
            earlier = earlier[: earlier.index(number)]
            seeds = [seed for seed in seeds if not any(seed in self._cells.seeds(other) for other in earlier)]
        if not seeds:
            return
        positions = dict(zip(self.seeds(recipe), range(*self.span(recipe)), strict=True))
        words, variations = self.compose(recipe, seeds)
        for variation in variations:
            also = self.cells_of(recipe, variation.seed)[1:] if recipe in self._repeats else []
            yield Planned(positions[variation.seed], variation, words, tuple(also))

    def _numbers(self, recipe: int) -> list[int]:
        return [self._firsts[recipe], *self._repeats.get(recipe, ())]

    def _index(self) -> None:
        """One pass over the cells: which are the same image, and how many seeds each recipe has."""
        known: dict[bytes, int] = {}
        for number in self._cells.numbers():
            recipe, _ = self._recipes.of(self._cells.cell(number))
            digest = sha256(recipe.text.encode()).digest()
            group = known.setdefault(digest, len(self._firsts))
            if group == len(self._firsts):
                self._firsts.append(number)
                self._digests += digest
            else:
                self._repeats.setdefault(group, []).append(number)
                self._repeat_of[number] = group
        end = 0
        for group in range(len(self._firsts)):
            end += len(self.seeds(group))
            self._ends.append(end)
