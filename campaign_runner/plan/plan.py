"""All variations of a campaign, lazily, in file order: cells with equal recipes are one.

What is kept is a digest and three numbers a recipe; cells, prompts and requests are composed
again whenever they are asked for, so that a million cells fit into a hundred megabytes.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from campaign_runner.campaign_file.schema.cells import Cells
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.model import Cell, CustomModel, Recipe, Variation
from campaign_runner.plan.digests import Digests
from campaign_runner.plan.recipes import RecipeBuilder


@dataclass(frozen=True, slots=True)
class Planned:
    """A variation with its recipe and the other cells that come out as the very same image.

    `position` counts variations over all recipes, from 0, as `Plan.span` does.
    """

    position: int
    variation: Variation
    recipe: Recipe
    other_cells: tuple[Cell, ...]


class Plan:
    """The variations of `campaign`.

    `model` is what the custom model's name meant when it was looked up; without it the keys of a
    custom family are not known yet (`knows_keys` is False) and everything else is. Nor is any key
    known of a campaign whose words no one knows: it has no image.
    Raises UsageError for a reference image that cannot be read, IntegrityError for one that is not remembered.
    """

    def __init__(self, campaign: Campaign, model: CustomModel | None = None) -> None:
        self.campaign = campaign
        self._cells = Cells(campaign)
        self._recipes = RecipeBuilder(campaign, model)
        self._firsts = array("q")  # the first cell of each recipe; ascending, since recipes are numbered as met
        self._ends = array("q")  # where the seeds of each recipe end, counted over all recipes
        self._digests = Digests()
        self._products = array("i")  # of each recipe the first product that has it, by its position in the campaign
        self._repeats: dict[int, array[int]] = {}  # recipe → its further cells
        self._further: dict[int, list[int]] = {}  # recipe → seeds that only its further cells bring
        self._brought: dict[int, tuple[int, int]] = {}  # such a cell → its recipe, and how many seeds it brings
        self._index()
        self.knows_keys = len(self) > 0 and (model is not None or not campaign.family.is_custom)

    def __len__(self) -> int:
        """How many variations: images that are different."""
        return self._ends[-1] if self._ends else 0

    @property
    def recipes(self) -> int:
        """How many recipes; they are numbered from 0 in plan order."""
        return len(self._firsts)

    @property
    def cells(self) -> int:
        """How many images the lists make, equal ones counted each time."""
        return self._cells.count()

    @property
    def references(self) -> Mapping[str, Path]:
        """The files of the campaign that must be uploaded, by the SHA-256 of their content."""
        return self._recipes.references

    @property
    def digests(self) -> Mapping[Path, str]:
        """The SHA-256 of those files, by path."""
        return self._recipes.digests

    @property
    def products(self) -> Sequence[int]:
        """Of each recipe the first product that has it, by its position in the campaign."""
        return self._products

    def positions_of(self, recipe: int) -> tuple[int, int]:
        """The positions of a recipe's variations, counted over all recipes: from, and up to but without."""
        return (self._ends[recipe - 1] if recipe else 0), self._ends[recipe]

    def seeds(self, recipe: int) -> Sequence[int]:
        """All seeds of a recipe, in file order."""
        own = self._cells.seeds(self._firsts[recipe])
        further = self._further.get(recipe)
        return own if further is None else [*own, *further]

    def recipe_of(self, digest: bytes) -> int | None:
        """The recipe of this digest; None where the campaign has no such recipe."""
        return self._digests.find(digest)

    def recipe_at(self, position: int) -> int:
        """The recipe of the variation at a position."""
        return bisect_right(self._ends, position)

    def keys(self) -> Iterator[str]:
        """The keys of all variations, by position."""
        for recipe in range(self.recipes):
            yield from self.keys_of(recipe)

    def keys_of(self, recipe: int) -> Iterator[str]:
        """The keys of a recipe's variations, by position."""
        stem = sha256(f"{self._digests[recipe].hex()}:".encode())
        for seed in self.seeds(recipe):
            key = stem.copy()
            key.update(b"%d" % seed)
            yield key.hexdigest()

    def cells_of(self, recipe: int, seed: int) -> list[Cell]:
        """The cells of an image, in plan order."""
        numbers = [self._firsts[recipe], *self._repeats.get(recipe, ())]
        if len(numbers) > 1:
            numbers = [number for number in numbers if seed in self._cells.seeds(number)]
        return [self._cells.cell(number) for number in numbers]

    def at(self, position: int) -> Planned:
        """The variation at a position."""
        (planned,) = self.planned(self.recipe_at(position), [position])
        return planned

    def planned(self, recipe: int, positions: Iterable[int]) -> Iterator[Planned]:
        """The variations of a recipe that stand at `positions`, each under its first cell."""
        words, composed = self._recipes.of(self._cells.cell(self._firsts[recipe]))
        seeds, (start, _) = self.seeds(recipe), self.positions_of(recipe)
        for position in positions:
            seed = seeds[position - start]
            first, *also = self.cells_of(recipe, seed)
            variation = Variation(words.key(seed), seed, first, composed.prompt_template)
            yield Planned(position, variation, words, tuple(also))

    def __iter__(self) -> Iterator[Planned]:
        """Every variation, in plan order: an image is where the first of its cells is."""
        recipe, told = -1, dict.fromkeys(self._further, 0)
        for number in self._cells.numbers():
            if recipe + 1 < self.recipes and number == self._firsts[recipe + 1]:
                recipe += 1
                start, _ = self.positions_of(recipe)
                yield from self.planned(recipe, range(start, start + len(self._cells.seeds(number))))
            elif number in self._brought:
                owner, more = self._brought[number]
                start = self.positions_of(owner)[1] - len(self._further[owner]) + told[owner]
                told[owner] += more
                yield from self.planned(owner, range(start, start + more))

    def _index(self) -> None:
        """One pass over the cells: which are the same image, and how many seeds each recipe has."""
        places = {product: place for place, product in enumerate(self.campaign.products)}
        for number in self._cells.numbers():
            cell = self._cells.cell(number)
            recipe, _ = self._recipes.of(cell)
            group = self._digests.number_of(sha256(recipe.text.encode()).digest())
            if group == self.recipes:
                self._firsts.append(number)
                self._products.append(places[cell.product])
            else:
                self._repeated(group, number)
        end = 0
        for group in range(self.recipes):
            end += len(self.seeds(group))
            self._ends.append(end)

    def _repeated(self, recipe: int, number: int) -> None:
        """Note that a cell is a recipe met before, and which seeds it brings that the recipe had not."""
        self._repeats.setdefault(recipe, array("q")).append(number)
        seeds, known = self._cells.seeds(number), self.seeds(recipe)
        if seeds is known:
            return
        had = set(known)
        if more := [seed for seed in seeds if seed not in had]:
            self._further.setdefault(recipe, []).extend(more)
            self._brought[number] = recipe, len(more)
