"""The cells of a campaign, counted and decoded, never listed.

A cell without its seed has a number: its position in product x prompt x preset x market x size,
the last axis fastest, so that a number is decoded by division and memory does not grow with cells.
The `include` entries follow the product.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from operator import itemgetter
from typing import Any, TypeAlias

from campaign_runner.campaign_file.schema.schema import Campaign, Exclude, Look, NamedEntry
from campaign_runner.model import Cell

AXES = ("product", "prompt", "preset", "market", "size")
Places: TypeAlias = tuple[int, ...]
"""The position on each axis, in the order of AXES."""
_Offer: TypeAlias = tuple[frozenset[int] | None, ...]
"""The positions that are left of each axis, None where all of them are."""
_Block: TypeAlias = tuple[range, Sequence[int]]
"""Numbers in a row, and the seeds that each of them has."""


@dataclass(frozen=True, slots=True)
class _Filter:
    """What a limit permits or an `exclude` entry matches: positions by axis and seeds, None where all of them."""

    places: tuple[frozenset[int] | None, ...]
    seeds: Collection[int] | None

    def matches(self, path: Places) -> bool:
        """Whether the positions chosen so far are all among its own."""
        return all(own is None or place in own for own, place in zip(self.places, path, strict=False))


class Cells:
    """The cells of `campaign` that are to be made, after limits and `exclude`."""

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        markets: Iterable[Any] = campaign.markets or (None,)
        axes = (campaign.products, campaign.prompts, campaign.presets, markets, campaign.sizes)
        self._axes: tuple[tuple[Any, ...], ...] = tuple(tuple(axis) for axis in axes)
        self._lengths = tuple(map(len, self._axes))
        self._index = [{value: place for place, value in enumerate(axis)} for axis in self._axes]
        self._widths = [prod(map(len, self._axes[depth:])) for depth in range(len(AXES) + 1)]
        self._size = self._widths[0]
        self._limits = [[self._limit(entry) for entry in entries] for entries in _entries(campaign)]
        self._limited = [any(map(any, self._limits[depth:])) for depth in range(len(AXES) + 1)]
        self._excluded = tuple(self._exclusion(entry) for entry in campaign.exclude)
        limits = (limit for axis in self._limits for limit in axis if limit)
        self._narrows_seeds = any(narrow.seeds is not None for narrow in (*limits, *self._excluded))
        self._filtered: dict[tuple[int, ...], Sequence[int]] = {}

    def count(self) -> int:
        """Images to be made, seeds included."""
        included = range(self._size, self._size + len(self._campaign.include))
        made = sum(len(numbers) * len(seeds) for numbers, seeds in self._blocks())
        return made + sum(len(self.seeds(number)) for number in included)

    def numbers(self) -> Iterator[int]:
        """The numbers of the cells, in plan order."""
        for numbers, _ in self._blocks():
            yield from numbers
        yield from range(self._size, self._size + len(self._campaign.include))

    def cell(self, number: int) -> Cell:
        """The cell of a number."""
        if number >= self._size:
            at = number - self._size
            entry = self._campaign.include[at]
            return Cell(entry.product, entry.prompt, entry.preset or "plain", entry.market, entry.size, at)
        return self._named(self.places(number))

    def seeds(self, number: int) -> Sequence[int]:
        """The seeds of a cell that is to be made, after limits and `exclude`, in file order."""
        if number >= self._size:
            own = self._campaign.include[number - self._size].seeds
            return self._campaign.seeds if own is None else own
        if not self._narrows_seeds:
            return self._campaign.seeds
        path = self.places(number)
        return self._left(path, tuple(rule for rule in self._excluded if rule.matches(path)))

    def places(self, number: int) -> Places:
        """The position on each axis, of a cell of the product."""
        _, prompts, presets, markets, sizes = self._lengths
        number, size = divmod(number, sizes)
        number, market = divmod(number, markets)
        number, preset = divmod(number, presets)
        product, prompt = divmod(number, prompts)
        return product, prompt, preset, market, size

    def _named(self, path: Places) -> Cell:
        product, prompt, preset, market, size = path
        products, prompts, presets, markets, sizes = self._axes
        return Cell(products[product], prompts[prompt], presets[preset], markets[market], sizes[size])

    def distinct(self, axes: Collection[str]) -> Iterator[Cell]:
        """One cell for each combination on `axes` (at least one) that is to be made, and every `include` cell."""
        chosen = itemgetter(*(depth for depth, axis in enumerate(AXES) if axis in axes))
        stride = self._stride(axes)
        seen: set[Any] = set()
        block = product = -1
        for number in self.numbers():
            if number >= self._size:
                yield self.cell(number)
                continue
            if number // stride == block:
                continue
            block = number // stride
            path = self.places(number)
            if path[0] != product and "product" in axes:
                product = path[0]
                seen.clear()
            if (key := chosen(path)) not in seen:
                seen.add(key)
                yield self._named(path)

    def _stride(self, axes: Collection[str]) -> int:
        """How many numbers in a row have the same places on `axes`."""
        stride = 1
        for axis, values in zip(reversed(AXES), reversed(self._axes), strict=True):
            if axis in axes and len(values) > 1:
                break
            stride *= len(values)
        return stride

    def _blocks(self) -> Iterator[_Block]:
        return self._below((), 0, (None,) * len(AXES), self._excluded)

    def _below(self, path: Places, base: int, offered: _Offer, rules: tuple[_Filter, ...]) -> Iterator[_Block]:
        """What is made below the places of `path`; `offered` is what the entries chosen so far leave of each axis."""
        depth = len(path)
        is_whole = not rules and not self._limited[depth] and all(left is None for left in offered[depth:])
        if is_whole or depth == len(AXES):
            if seeds := self._left(path, rules):
                yield range(base * self._widths[depth], (base + 1) * self._widths[depth]), seeds
            return
        for place in self._open(depth, offered[depth], path):
            still = tuple(rule for rule in rules if (own := rule.places[depth]) is None or place in own)
            number = base * len(self._axes[depth]) + place
            yield from self._below((*path, place), number, _narrowed(offered, self._limits[depth][place]), still)

    def _open(self, depth: int, offered: frozenset[int] | None, path: Places) -> Iterator[int]:
        """The places of an axis that are offered, and that themselves permit the places of `path`."""
        for place in range(len(self._axes[depth])) if offered is None else sorted(offered):
            limit = self._limits[depth][place]
            if limit is None or limit.matches(path):
                yield place

    def _left(self, path: Places, rules: tuple[_Filter, ...]) -> Sequence[int]:
        """The seeds that the limits of a cell's entries permit and the `exclude` entries matching it leave."""
        if any(rule.seeds is None for rule in rules):
            return ()
        limits = [self._limits[depth][place] for depth, place in enumerate(path)]
        kept = [limit.seeds for limit in limits if limit and limit.seeds is not None]
        dropped = [rule.seeds for rule in rules if rule.seeds is not None]
        if not kept and not dropped:
            return self._campaign.seeds
        key = (*map(id, kept), 0, *map(id, dropped))
        if key not in self._filtered:
            self._filtered[key] = tuple(
                seed
                for seed in self._campaign.seeds
                if all(seed in seeds for seeds in kept) and not any(seed in seeds for seeds in dropped)
            )
        return self._filtered[key]

    def _limit(self, entry: Look | None) -> _Filter | None:
        if not isinstance(entry, NamedEntry):
            return None
        wanted = (entry.products, entry.prompts, entry.presets, entry.markets, entry.sizes)
        return self._filter(wanted, entry.seeds)

    def _exclusion(self, entry: Exclude) -> _Filter:
        wanted = (entry.product, entry.prompt, entry.preset, entry.market, entry.size)
        return self._filter(wanted, entry.seed) or _Filter((None,) * len(AXES), None)

    def _filter(self, wanted: Sequence[Iterable[Any] | None], seeds: Sequence[int] | None) -> _Filter | None:
        if seeds is None and all(values is None for values in wanted):
            return None
        places = tuple(
            None if values is None else frozenset(index[value] for value in values if value in index)
            for values, index in zip(wanted, self._index, strict=True)
        )
        return _Filter(places, seeds if seeds is None or isinstance(seeds, range) else frozenset(seeds))


def _entries(campaign: Campaign) -> tuple[Iterable[Look | None], ...]:
    """The entries of each axis; a size has none, nor has the one market of a campaign without markets."""
    markets: Iterable[Look | None] = campaign.markets.values() if campaign.markets else (None,)
    axes = campaign.products.values(), campaign.prompts.values(), campaign.presets.values()
    return *axes, markets, [None] * len(campaign.sizes)


def _narrowed(offered: _Offer, limit: _Filter | None) -> _Offer:
    if limit is None:
        return offered
    both = zip(offered, limit.places, strict=True)
    return tuple(own if left is None else left if own is None else left & own for left, own in both)
