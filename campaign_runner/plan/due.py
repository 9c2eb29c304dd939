"""What of a plan is there already and what is due: the plan compared with the ledger, one byte a variation."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import nlargest
from itertools import accumulate, islice
from typing import NamedTuple, Protocol, runtime_checkable

from campaign_runner.errors import UsageError
from campaign_runner.model import Job, State
from campaign_runner.plan.plan import Plan, Planned
from campaign_runner.plan.selection import EVERYTHING, Selection
from campaign_runner.text import plural

_STATES = tuple(State)
_PENDING = _STATES.index(State.PENDING)
_REUSED, _AGAIN, _NOT_SELECTED = 252, 253, 254
_DUE = (_PENDING, _AGAIN)
_ANY_DUE = re.compile(b"[%s]" % re.escape(bytes(_DUE)))
_NONE = -1
_FOUND = {state: number for number, state in enumerate(State)} | {State.PENDING: _AGAIN}
"""How it is noted that the ledger knows a variation in this state."""
_STORED = _FOUND[State.STORED]
_LOOKED_UP_AT_ONCE = 20_000
_MOST_REMEMBERED = 1_000

States = Callable[[Sequence[str]], Mapping[str, State]]


@runtime_checkable
class StatesByRecipe(Protocol):
    """`States` that can tell all that they know: digest of a recipe, seeds of it, their state; the later ones count."""

    def by_recipe(self) -> Iterator[tuple[bytes, Sequence[int], State]]: ...


class Purchase(NamedTuple):
    """How many images are bought, in how many requests."""

    images: int
    requests: int


class PlanStatus:
    """The state of every selected variation of `plan`.

    `states` answers which of some keys were ever submitted and their state (the ledger's `states`);
    None where there is no journal: then everything is new. Raises UsageError where `only` selects nothing.
    """

    def __init__(self, plan: Plan, states: States | None = None, only: Selection = EVERYTHING) -> None:
        self.plan = plan
        self._states = bytearray([_PENDING]) * len(plan)
        self._is_partial = bool(only)
        if only:
            self._select(only)
        if states is not None and plan.knows_keys:
            self._look_up(states)

    def counts(self) -> dict[State, int]:
        """How many of the selected variations are in each state; `pending` are the due ones."""
        counts = {state: self._states.count(number) for number, state in enumerate(State)}
        counts[State.PENDING] += self.again
        return counts

    @property
    def selected(self) -> int:
        """How many variations are selected."""
        return len(self._states) - self._states.count(_NOT_SELECTED)

    @property
    def again(self) -> int:
        """How many are due though they were submitted before: refused at no cost, or ordered by `resolve`."""
        return self._states.count(_AGAIN)

    @property
    def reused(self) -> int:
        """How many would be due, but for an image that exists in another campaign, or that it waits for."""
        return self._states.count(_REUSED)

    @property
    def due(self) -> int:
        return self._states.count(_PENDING) + self.again

    @property
    def requests(self) -> int:
        """How many requests the due variations take, packed."""
        pack = self.plan.campaign.family.pack
        return sum(-(-self._due_of(recipe) // pack) for recipe, _ in self._owing())

    def at_once(self, requests: int) -> int:
        """How many due images the largest `requests` requests have together."""
        pack, full = self.plan.campaign.family.pack, 0
        rests = array("b")
        for due in (self._due_of(recipe) for recipe, _ in self._owing()):
            full += due // pack
            if full >= requests:
                return requests * pack
            rests.append(due % pack)
        return full * pack + sum(nlargest(requests - full, rests))

    def bounded(self, images: int | None, requests: int | None) -> Purchase:
        """What is bought at most by a run that stops after so many images or requests; None means no limit.

        A request that is refused makes room for a later one, which may be larger: `images` counts the largest.
        """
        if images is None and requests is None:
            return Purchase(self.due, self.requests)
        sizes = array("b", (len(positions) for _, positions in self._packed()))
        most = self.due if images is None else min(images, self.due)
        needed = sum(before < most for before in accumulate(sizes[:-1], initial=0)) if sizes else 0
        sent = needed if requests is None else min(requests, needed)
        return Purchase(min(most, sum(nlargest(sent, sizes))), sent)

    def variations(self) -> Iterator[tuple[Planned, State]]:
        """Every selected variation in plan order, with its state."""
        for planned in self.plan:
            state = self._states[planned.position]
            if state != _NOT_SELECTED:
                yield planned, State.PENDING if state in (_AGAIN, _REUSED) else _STATES[state]

    def in_state(self, state: State) -> Iterator[Planned]:
        """The selected variations that are in a state other than pending, recipe by recipe."""
        number, position = _STATES.index(state), -1
        while (position := self._states.find(number, position + 1)) >= 0:
            yield self.plan.at(position)

    def to_make(self) -> Iterator[Planned]:
        """The due variations, recipe by recipe."""
        for recipe, first in self._owing():
            yield from self.plan.planned(recipe, list(self._due_from(recipe, first)))

    def names_to_make(self) -> Iterator[str]:
        """What the files of the due variations will be called."""
        return (planned.variation.name(planned.recipe.accept) for planned in self.to_make())

    def due_keys(self) -> Iterator[tuple[int, str]]:
        """Position and key of every due variation."""
        for recipe, _ in self._owing():
            for position, key in enumerate(self.plan.keys_of(recipe), self.plan.positions_of(recipe)[0]):
                if self._states[position] in _DUE:
                    yield position, key

    def reuse(self, positions: Iterable[int]) -> None:
        """Note that the variations at these positions need not be made: they exist elsewhere, or will."""
        for position in positions:
            self._states[position] = _REUSED

    def jobs(self) -> Iterator[Job]:
        """The due variations as jobs, lazily; a later change of the ledger does not change them.

        Rounds: everything gets its first request before anything gets its second. Within a round, turn k takes
        for each product in turn its k-th due recipe counted from the product's own position, so that a run cut
        short has seen every product, and soon every prompt, preset and size.
        """
        for recipe, positions in self._packed():
            planned = list(self.plan.planned(recipe, positions))
            yield Job(planned[0].recipe, tuple(each.variation for each in planned))

    def _packed(self) -> Iterator[tuple[int, list[int]]]:
        """The recipe of each job, and the positions that share its request."""
        pack = self.plan.campaign.family.pack
        at = array("q", [_NONE]) * self.plan.recipes
        for recipe, first in self._owing():
            at[recipe] = first
        queues = [array("q", (recipe for recipe in queue if at[recipe] != _NONE)) for queue in _queues(self.plan)]
        while queues := [queue for queue in queues if queue]:
            for recipe in _in_turns(queues):
                positions = list(islice(self._due_from(recipe, at[recipe]), pack))
                at[recipe] = positions[-1] + 1
                yield recipe, positions
            queues = [self._still_due(queue, at) for queue in queues]

    def _owing(self) -> Iterator[tuple[int, int]]:
        """The recipes that have something due, each with the position of the first; the others take no time."""
        end = 0
        while (found := _ANY_DUE.search(self._states, end)) is not None:
            recipe = self.plan.recipe_at(found.start())
            yield recipe, found.start()
            _, end = self.plan.positions_of(recipe)

    def _still_due(self, queue: array[int], at: array[int]) -> array[int]:
        """Those recipes of a queue that have something due from their present place on."""
        return array("q", (recipe for recipe in queue if next(self._due_from(recipe, at[recipe]), None) is not None))

    def _due_from(self, recipe: int, position: int) -> Iterator[int]:
        """The positions of a recipe's due variations from `position` on."""
        for each in range(position, self.plan.positions_of(recipe)[1]):
            if self._states[each] in _DUE:
                yield each

    def _due_of(self, recipe: int) -> int:
        start, end = self.plan.positions_of(recipe)
        return self._states.count(_PENDING, start, end) + self._states.count(_AGAIN, start, end)

    def _select(self, only: Selection) -> None:
        plan = self.plan
        if only.needs_keys and not plan.knows_keys:
            raise UsageError("--only key=…: the images of a custom model have keys once a first run looked it up")
        keys = plan.keys() if only.needs_keys else None
        for recipe in range(plan.recipes):
            for position, seed in enumerate(plan.seeds(recipe), plan.positions_of(recipe)[0]):
                if not only.matches(plan.cells_of(recipe, seed), seed, next(keys) if keys else ""):
                    self._states[position] = _NOT_SELECTED
        if not self.selected:
            raise UsageError(f"--only selects none of the {plural(len(plan), 'image')}; nothing was sent")

    def _look_up(self, states: States) -> None:
        if len(self.plan) > _LOOKED_UP_AT_ONCE and isinstance(states, StatesByRecipe):
            self._take(states.by_recipe())
            return
        keys, start = self.plan.keys(), 0
        while taken := self._look_up_next(list(islice(keys, _LOOKED_UP_AT_ONCE)), states, start):
            start += taken

    def _take(self, known: Iterable[tuple[bytes, Sequence[int], State]]) -> None:
        """The states of variations as they are told recipe by recipe; the later ones count."""
        plan, places = self.plan, SeedPlaces()
        for digest, seeds, state in known:
            recipe = plan.recipe_of(digest)
            if recipe is None:
                continue
            (start, end), number = plan.positions_of(recipe), _FOUND[state] if state is not State.STORED else _STORED
            found = places.of(seeds, plan.seeds(recipe))
            if len(found) == end - start and not self._is_partial:
                self._states[start:end] = bytes((number,)) * (end - start)
                continue
            for place in found:
                if self._states[start + place] != _NOT_SELECTED:
                    self._states[start + place] = number

    def _look_up_next(self, keys: list[str], states: States, start: int) -> int:
        """The states of the variations from `start` on; how many that were. None of it stays in memory."""
        found = states(keys) if keys else {}
        for position, key in enumerate(keys, start) if found else ():
            state = found.get(key)
            if state is not None and self._states[position] != _NOT_SELECTED:
                self._states[position] = _STORED if state is State.STORED else _FOUND[state]
        return len(keys)


class SeedPlaces:
    """Where seeds are in a list of them. Most recipes of a campaign have one and the same list."""

    def __init__(self) -> None:
        self._all: Sequence[int] = ()
        self._places: dict[int, int] = {}
        self._found: dict[Sequence[int], tuple[int, ...]] = {}

    def of(self, seeds: Sequence[int], among: Sequence[int]) -> tuple[int, ...]:
        """The places of those of `seeds` that are in `among`."""
        if among is not self._all:
            self._all, self._places = among, {seed: place for place, seed in enumerate(among)}
            self._found.clear()
        known = self._found.get(seeds)
        if known is None:
            known = tuple(self._places[seed] for seed in seeds if seed in self._places)
            if len(self._found) < _MOST_REMEMBERED:
                self._found[seeds] = known
        return known


def _queues(plan: Plan) -> list[array[int]]:
    """The recipes of each product, beginning at the product's own position in the campaign."""
    queues = [array("q") for _ in plan.campaign.products]
    for recipe, product in enumerate(plan.products):
        queues[product].append(recipe)
    begins = [position % len(queue) if queue else 0 for position, queue in enumerate(queues)]
    return [queue[begin:] + queue[:begin] for begin, queue in zip(begins, queues, strict=True)]


def _in_turns(queues: list[array[int]]) -> Iterator[int]:
    """The first of each queue, then the second of each, and so on."""
    turn = 0
    while queues:
        yield from (queue[turn] for queue in queues)
        turn += 1
        queues = [queue for queue in queues if len(queue) > turn]
