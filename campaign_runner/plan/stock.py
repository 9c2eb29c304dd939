"""What of a plan is there already and what is due: the plan held against the ledger, one byte a variation."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from campaign_runner.model import Job
from campaign_runner.plan.only import EVERYTHING, Only
from campaign_runner.plan.plan import Plan, Planned

STATES = ("pending", "stored", "accepted", "in_doubt", "failed", "abandoned")
_PENDING, _NOT_SELECTED, _AGAIN = 0, 254, 253
_LOOKED_UP_AT_ONCE = 400

States = Callable[[Sequence[str]], Mapping[str, str]]


class Stock:
    """The state of every selected variation of `plan`.

    `states` answers which of some keys were ever submitted and their state (the ledger's `states`);
    None where there is no journal: then everything is new.
    """

    def __init__(self, plan: Plan, states: States | None = None, only: Only = EVERYTHING) -> None:
        self.plan = plan
        self._states = bytearray(len(plan))
        if only:
            self._select(only)
        if states is not None and plan.knows_keys:
            self._look_up(states)

    def counts(self) -> dict[str, int]:
        """How many of the selected variations are in each state; `pending` are the due ones."""
        counts = {state: self._states.count(number) for number, state in enumerate(STATES)}
        counts["pending"] += self._states.count(_AGAIN)
        return counts

    @property
    def again(self) -> int:
        """How many are due though they were submitted before: refused at no cost, or ordered by `resolve`."""
        return self._states.count(_AGAIN)

    @property
    def due(self) -> int:
        return self.counts()["pending"]

    @property
    def requests(self) -> int:
        """How many requests the due variations take, packed."""
        pack = self.plan.campaign.family.pack
        return sum(-(-number // pack) for number in map(self._due_of, range(self.plan.recipes)))

    def variations(self) -> Iterator[tuple[Planned, str]]:
        """Every selected variation in plan order, with its state."""
        for planned in self.plan:
            state = self._states[planned.position]
            if state != _NOT_SELECTED:
                yield planned, "pending" if state == _AGAIN else STATES[state]

    def jobs(self) -> Iterator[Job]:
        """The due variations as jobs, lazily; a later change of the ledger does not change them.

        Rounds: everything gets its first request before anything gets its second. Within a round, turn k takes
        for each product in turn its k-th recipe counted from the product's own position, so that a run cut
        short has seen every product, and soon every prompt, preset and size.
        """
        rotation = _rotation(self.plan)
        pack = self.plan.campaign.family.pack
        most = max(map(self._due_of, rotation), default=0)
        for first in range(0, most, pack):
            for recipe in (recipe for recipe in rotation if self._due_of(recipe) > first):
                seeds = list(islice(self._due_seeds(recipe), first, first + pack))
                words, variations = self.plan.compose(recipe, seeds)
                yield Job(words, tuple(variations))

    def _due_of(self, recipe: int) -> int:
        start, end = self.plan.span(recipe)
        return self._states.count(_PENDING, start, end) + self._states.count(_AGAIN, start, end)

    def _due_seeds(self, recipe: int) -> Iterator[int]:
        start, _ = self.plan.span(recipe)
        for position, seed in enumerate(self.plan.seeds(recipe), start):
            if self._states[position] in (_PENDING, _AGAIN):
                yield seed

    def _select(self, only: Only) -> None:
        for recipe in range(self.plan.recipes):
            start, _ = self.plan.span(recipe)
            keys = self.plan.keys(recipe) if only.needs_keys else [""] * len(self.plan.seeds(recipe))
            for position, (seed, key) in enumerate(zip(self.plan.seeds(recipe), keys, strict=True), start):
                if not only.matches(self.plan.cells_of(recipe, seed), seed, key):
                    self._states[position] = _NOT_SELECTED

    def _look_up(self, states: States) -> None:
        recipes = iter(range(self.plan.recipes))
        while chunk := list(islice(recipes, _LOOKED_UP_AT_ONCE)):
            keys = [key for recipe in chunk for key in self.plan.keys(recipe)]
            found = states(keys)
            if not found:
                continue
            start, _ = self.plan.span(chunk[0])
            for position, key in enumerate(keys, start):
                if key in found and self._states[position] != _NOT_SELECTED:
                    self._states[position] = STATES.index(found[key]) or _AGAIN


def _rotation(plan: Plan) -> array[int]:
    """The recipes in the order of one round."""
    queues = {product: array("q") for product in plan.campaign.products}
    for recipe in range(plan.recipes):
        queues[plan.product(recipe)].append(recipe)
    longest = max(map(len, queues.values()), default=0)
    return array(
        "q",
        (
            queue[(position + turn) % len(queue)]
            for turn in range(longest)
            for position, queue in enumerate(queues.values())
            if turn < len(queue)
        ),
    )
