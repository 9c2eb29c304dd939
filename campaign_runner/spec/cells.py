"""The cells of a campaign, counted and decoded, never listed.

A cell without its seed has a number: its position in product x prompt x preset x market x size,
the last axis fastest, so that a number is decoded by division and memory does not grow with cells.
The `include` entries follow the product.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

from campaign_runner.model import Cell
from campaign_runner.spec.schema import Campaign, Entry, Exclude, Look

AXES = ("product", "prompt", "preset", "market", "size")
Places: TypeAlias = tuple[int, ...]
"""The position on each axis, in the order of AXES."""


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
        self._index = [{value: place for place, value in enumerate(axis)} for axis in self._axes]
        self._size = prod(map(len, self._axes))
        self._limits = [[self._limit(entry) for entry in entries] for entries in _entries(campaign)]
        self._excluded = tuple(self._exclusion(entry) for entry in campaign.exclude)
        self._filtered: dict[tuple[int, ...], Sequence[int]] = {}

    def count(self) -> int:
        """Images to be made, seeds included."""
        if self._excluded or any(map(any, self._limits)):
            return sum(len(self.seeds(number)) for number in self.numbers())
        included = range(self._size, self._size + len(self._campaign.include))
        return self._size * len(self._campaign.seeds) + sum(len(self.seeds(number)) for number in included)

    def numbers(self) -> Iterator[int]:
        """The numbers of the cells, in plan order."""
        everything = tuple(range(len(axis)) for axis in self._axes)
        yield from self._below((), 0, everything, self._excluded)
        yield from range(self._size, self._size + len(self._campaign.include))

    def cell(self, number: int) -> Cell:
        """The cell of a number."""
        if number >= self._size:
            at = number - self._size
            entry = self._campaign.include[at]
            return Cell(entry.product, entry.prompt, entry.preset or "plain", entry.market, entry.size, at)
        product, prompt, preset, market, size = self.places(number)
        products, prompts, presets, markets, sizes = self._axes
        return Cell(products[product], prompts[prompt], presets[preset], markets[market], sizes[size])

    def seeds(self, number: int) -> Sequence[int]:
        """The seeds of a cell, after limits and `exclude`, in file order."""
        if number >= self._size:
            own = self._campaign.include[number - self._size].seeds
            return self._campaign.seeds if own is None else own
        if not self._excluded and not any(map(any, self._limits)):
            return self._campaign.seeds
        path = self.places(number)
        return self._left(path, tuple(rule for rule in self._excluded if rule.matches(path)))

    def places(self, number: int) -> Places:
        """The position on each axis, of a cell of the product."""
        _, prompts, presets, markets, sizes = self._axes
        number, size = divmod(number, len(sizes))
        number, market = divmod(number, len(markets))
        number, preset = divmod(number, len(presets))
        product, prompt = divmod(number, len(prompts))
        return product, prompt, preset, market, size

    def _below(
        self, path: Places, base: int, offered: tuple[Collection[int], ...], rules: tuple[_Filter, ...]
    ) -> Iterator[int]:
        """Numbers below the places of `path`; `offered` is what the entries chosen so far leave of each axis."""
        depth = len(path)
        for place in sorted(offered[depth]):
            limit = self._limits[depth][place]
            if limit and not limit.matches(path):
                continue
            here = (*path, place)
            still = tuple(rule for rule in rules if (own := rule.places[depth]) is None or place in own)
            number = base * len(self._axes[depth]) + place
            if depth + 1 < len(AXES):
                yield from self._below(here, number, _narrowed(offered, limit), still)
            elif not still or self._left(here, still):
                yield number

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
        if not isinstance(entry, Entry):
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


def _narrowed(offered: tuple[Collection[int], ...], limit: _Filter | None) -> tuple[Collection[int], ...]:
    if limit is None:
        return offered
    return tuple(
        places if own is None else own.intersection(places) for places, own in zip(offered, limit.places, strict=True)
    )
