"""Two plans of one campaign, before and after an edit: which images come, which go, and which edit is the reason.

The figures are exact: an image comes if nothing with its key was planned before. Each image has one
reason, the first that applies: a model, an entry that was not there, an entry that changed, a word, a seed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from campaign_runner.campaign_file.schema.compose import Composer, MissingText
from campaign_runner.campaign_file.schema.look import REFERENCES, layers
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.campaign_file.schema.templates import slots
from campaign_runner.model import Cell, State
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan, Planned
from campaign_runner.portions import batched

ENTRIES = {"product": "products", "prompt": "prompts", "preset": "presets", "market": "markets"}
"""The axes whose values are entries of the file, and the key they are under."""
ROW = "row"
"""What a product is called where both campaigns read it from a sheet."""
_KEYS = ("model", "custom_model", "defaults", "exclude")
_LOOKED_UP_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Edit:
    """One thing that was done to a campaign: `what` is an axis, `var` or a top-level key; `name` is empty for keys."""

    what: str
    how: str  # added, changed or removed
    name: str = ""


@dataclass(slots=True)
class Group:
    """What edits of one kind amount to: images due, in how many requests, and stored ones that left."""

    what: str
    how: str
    names: tuple[str, ...] = ()
    due: int = 0
    requests: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True)
class Renamed:
    """An entry under another id, with nothing else about it changed: no image is concerned."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What an edit amounts to. `due` and `requests` are what it costs, `left` the stored images it takes out of the
    campaign, `kept` those that are in the campaign now, whenever they were bought.
    """

    edits: tuple[Group, ...]
    renamed: tuple[Renamed, ...]
    due: int
    requests: int
    kept: int
    left: int
    picked: tuple[str, ...] = ()
    """The picked images among those that leave, by their names; looked for only where the edit takes much."""

    @property
    def takes_much(self) -> bool:
        """Whether more than a quarter of what is stored is left behind."""
        return self.left * 4 > self.kept + self.left


def compare(
    old: Plan,
    status: PlanStatus,
    states: Callable[[Sequence[str]], Mapping[str, State]],
    *,
    kept: Collection[tuple[str, str]] = (),
) -> Changes:
    """What happened to `old`. `status` is the new plan with its states, `states` tells those of any keys.

    `kept` are images that stand for changed words: the key of `old` and the key of the new plan.
    """
    tally = _Tally(status.plan.campaign.family.pack)
    coming = Reasons(status.plan.campaign, old.campaign, "added")
    known = set(old.keys())
    for planned in status.to_make():
        if planned.variation.key not in known:
            tally.comes(coming.of(planned), planned)
    known = set(status.plan.keys())
    while stands_on := {before for before, after in kept if after in known} - known:  # kept, and kept once more
        known |= stands_on
    going = Reasons(old.campaign, status.plan.campaign, "removed")
    for position, key in _stored(old, states):
        if key not in known:
            tally.goes(going.of(old.at(position)))
    groups = tally.groups()
    if old.campaign.rows is not None and status.plan.campaign.rows is not None:
        groups = tuple(replace(group, what=ROW) if group.what == "product" else group for group in groups)
    renamed = tuple(_renamed(old.campaign, status.plan.campaign, groups))
    return Changes(groups, renamed, tally.due, tally.requests, status.counts()[State.STORED], tally.left)


def _stored(plan: Plan, states: Callable[[Sequence[str]], Mapping[str, State]]) -> Iterator[tuple[int, str]]:
    """Position and key of everything planned that is stored."""
    for chunk in batched(enumerate(plan.keys()), _LOOKED_UP_AT_ONCE):
        found = states([key for _, key in chunk])
        yield from ((position, key) for position, key in chunk if found.get(key) == State.STORED)


class Reasons:
    """Why an image of the campaign `here` is not one of `there`. `only_here` is the word for what `there` lacks."""

    def __init__(self, here: Campaign, there: Campaign, only_here: str) -> None:
        self._here = here
        self._there = there
        self._only_here = only_here
        self._seeds = there.seeds if isinstance(there.seeds, range) else frozenset(there.seeds)
        self._keys = {key for key in _KEYS if _differ(getattr(here, key), getattr(there, key))}
        self._words = {name for name in {*here.vars, *there.vars} if here.vars.get(name) != there.vars.get(name)}
        self._names_used = cache(self._find_names_used)
        self._composer = Composer(there)
        self._with_ours = cache(self._composer_with_ours)

    def of(self, planned: Planned) -> Edit:
        """The first edit that explains the image."""
        return next(self._found(planned))

    def _found(self, planned: Planned) -> Iterator[Edit]:
        cell = planned.variation.cell
        yield from (Edit(key, "changed") for key in ("model", "custom_model") if key in self._keys)
        if cell.include is not None:
            yield Edit("include", "changed")
        yield from self._missing(cell)
        changed = list(self._changed(cell))
        yield from (edit for edit in changed if self._asks_differently(edit, cell))
        yield from self._of_words(planned)
        if "defaults" in self._keys:
            yield Edit("defaults", "changed")
        if planned.variation.seed not in self._seeds:
            yield Edit("seed", self._only_here, str(planned.variation.seed))
        if "exclude" in self._keys:
            yield Edit("exclude", "changed")
        yield from changed  # a limit lets it in or keeps it out
        yield Edit("reference image", "changed")

    def _missing(self, cell: Cell) -> Iterator[Edit]:
        """The places of a cell that the other campaign does not have."""
        for what, key in ENTRIES.items():
            name = getattr(cell, what)
            if name is not None and name not in getattr(self._there, key):
                yield Edit(what, self._only_here, name)
        if cell.market is None and self._there.markets:
            yield Edit("markets", "changed")
        if cell.size not in self._there.sizes:
            yield Edit("size", self._only_here, str(cell.size))

    def _changed(self, cell: Cell) -> Iterator[Edit]:
        for what, key in ENTRIES.items():
            name = getattr(cell, what)
            if name is not None and _differ(getattr(self._here, key)[name], getattr(self._there, key)[name]):
                yield Edit(what, "changed", name)

    def _asks_differently(self, edit: Edit, cell: Cell) -> bool:
        """Whether our entry alone, put into the campaign there, makes another request of a cell that both have."""
        return _request(self._with_ours(edit.what, edit.name), cell) != _request(self._composer, cell)

    def _composer_with_ours(self, what: str, name: str) -> Composer:
        key = ENTRIES[what]
        entries = getattr(self._there, key) | {name: getattr(self._here, key)[name]}
        return Composer(self._there.model_copy(update={key: entries}))

    def _of_words(self, planned: Planned) -> Iterator[Edit]:
        """The vars, or the campaign's own name, that are different words there and stand in this image's texts."""
        if not self._words and self._here.campaign == self._there.campaign:
            return
        used = self._names_used(planned.variation.prompt_template, planned.variation.cell)
        yield from (Edit("var", "changed", name) for name in sorted(used & self._words))
        if "campaign" in used and self._here.campaign != self._there.campaign:
            yield Edit("campaign", "changed")

    def _find_names_used(self, template: str, cell: Cell) -> set[str]:
        """Every name that the texts of a cell use, also through vars."""
        names: set[str] = set()
        texts = [template, *_texts(self._here, cell)]
        while texts:
            new = {slot.name for slot in slots(texts.pop())} - names
            names |= new
            texts += [text for name in new for text in self._here.vars.get(name, {}).values()]
        return names


def _request(composer: Composer, cell: Cell) -> tuple[str, Mapping[str, object]] | None:
    """What is asked for a cell; None where a text of ours needs a word that the other campaign does not have."""
    try:
        composed = composer.compose(cell)
    except MissingText:
        return None
    return composed.prompt, composed.look


def _texts(campaign: Campaign, cell: Cell) -> Iterator[str]:
    """The texts of a cell's look that may hold placeholders."""
    for _, look in layers(campaign, cell):
        yield from (look.negative_prompt or {}).values()
        yield from filter(None, (getattr(look, name) for name in REFERENCES))


def _differ(ours: object, theirs: object) -> bool:
    """Whether two values or entries are different; in an entry, a field that is set to null counts as written."""
    written = [getattr(each, "model_fields_set", None) for each in (ours, theirs)]
    return ours != theirs or written[0] != written[1]


class _Tally:
    """Images and requests by the edit that explains them."""

    def __init__(self, pack: int) -> None:
        self._pack = pack
        self._groups: dict[tuple[str, str], Group] = {}
        self._names: dict[tuple[str, str], dict[str, None]] = {}
        self._recipe = ""  # the recipe of the images that come now: they come recipe by recipe
        self._in_recipe = 0
        self._in_group: dict[str, int] = {}
        self.due = self.requests = self.left = 0

    def comes(self, edit: Edit, planned: Planned) -> None:
        group = self._group(edit)
        if planned.recipe.text != self._recipe:
            self._recipe, self._in_recipe = planned.recipe.text, 0
            self._in_group.clear()
        before = self._in_group.get(f"{edit.what} {edit.how}", 0)
        self._in_group[f"{edit.what} {edit.how}"] = before + 1
        group.due += 1
        group.requests += before % self._pack == 0
        self.due += 1
        self.requests += self._in_recipe % self._pack == 0
        self._in_recipe += 1

    def goes(self, edit: Edit) -> None:
        self._group(edit).left += 1
        self.left += 1

    def groups(self) -> tuple[Group, ...]:
        """The kinds of edits, as they were met."""
        return tuple(replace(group, names=tuple(self._names.get(kind, ()))) for kind, group in self._groups.items())

    def _group(self, edit: Edit) -> Group:
        kind = edit.what, edit.how
        if edit.name:
            self._names.setdefault(kind, {})[edit.name] = None
        return self._groups.setdefault(kind, Group(*kind))


def _renamed(old: Campaign, new: Campaign, groups: Collection[Group]) -> Iterator[Renamed]:
    """Entries that have only another id now, as far as no image came or went with that."""
    concerned = {("product" if group.what == ROW else group.what, name) for group in groups for name in group.names}
    for what, key in ENTRIES.items():
        before, after = getattr(old, key), getattr(new, key)
        came = [name for name in after if name not in before and (what, name) not in concerned]
        for name in (name for name in before if name not in after and (what, name) not in concerned):
            same = next((other for other in came if after[other] == before[name]), None)
            if same is not None:
                came.remove(same)
                yield Renamed(what, name, same)
