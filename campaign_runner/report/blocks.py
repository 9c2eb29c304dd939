"""Images that are in doubt, failed or waiting, grouped by cause: how many, which, why, and what they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.model import Cause, Cell, State
from campaign_runner.plan.selection import Selection

SELECTED = 8
"""How many keys, or names of one axis, a command lists at most."""
LISTED = 8
"""How many causes of each state are shown; the rest is counted."""
_CELLS, _SEEDS = 3, 8
_OPEN = (State.IN_DOUBT, State.FAILED)


@dataclass(frozen=True, slots=True)
class Why:
    """Why images are in a state. What had another picture delivered is apart: that is to be looked at first.

    `is_refused`: Adobe did not take the request, so nothing was charged.
    """

    state: State
    reason: Cause
    is_refused: bool
    has_unexpected: bool

    @classmethod
    def of(cls, entry: Entry, unexpected: Sequence[str]) -> Why:
        is_refused = entry.state == State.FAILED and entry.job_id is None
        return cls(entry.state, entry.reason or Cause("", ""), is_refused, bool(unexpected))

    @property
    def called(self) -> str:
        """The state as people are told it."""
        return "refused" if self.is_refused else self.state.replace("_", " ")


@dataclass(slots=True)
class Block:
    """The images of one cause. With `is_whole` every cell and seed is kept, otherwise the first few.

    `takes` are the first image's key and the seeds shown of each cell; `unexpected` the files of what their jobs
    delivered instead; `first` and `last` when they were requested.
    """

    why: Why
    first: datetime
    last: datetime
    is_whole: bool = False
    images: int = 0
    shown: int = 0
    takes: dict[Cell, tuple[str, list[str]]] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    jobs: set[str] = field(default_factory=set)
    axes: dict[str, set[str]] = field(default_factory=dict)
    unexpected: dict[str, None] = field(default_factory=dict)

    def add(self, entry: Entry, unexpected: Sequence[str]) -> None:
        cell, at = entry.variation.cell, requested_at(entry)
        self.images += 1
        self.first, self.last = min(self.first, at), max(self.last, at)
        self.unexpected |= dict.fromkeys(unexpected)
        for axis, name in cell.axes.items():
            if name is not None:
                self.axes.setdefault(axis, set()).add(name)
        if entry.job_id is not None:
            self.jobs.add(entry.job_id)
        if len(self.keys) < SELECTED:
            self.keys.append(entry.variation.key[:8])
        if self.is_whole or cell in self.takes or len(self.takes) < _CELLS:
            self._show(entry)

    def _show(self, entry: Entry) -> None:
        _, seeds = self.takes.setdefault(entry.cell, (entry.key[:8], []))
        if self.is_whole or len(seeds) < _SEEDS:
            seeds.append(str(entry.seed))
            self.shown += 1

    def only(self, ledger: Ledger) -> list[str] | None:
        """The `--only` that select these images and no others that are open; None where no short ones do."""
        if self.images <= len(self.keys):
            return ["--only", f"key={','.join(self.keys)}"]
        short = {axis: names for axis, names in self.axes.items() if len(names) <= SELECTED}
        selection, unexpected = (
            Selection({axis: frozenset(names) for axis, names in short.items()}),
            ledger.unexpected(),
        )
        left = self.images
        for entry in ledger.in_states(*_OPEN):
            if selection.matches([entry.cell], entry.seed, entry.key):
                left -= 1
                if left < 0 or Why.of(entry, unexpected.get(entry.job_id or "", ())) != self.why:
                    return None
        return [word for axis, names in short.items() for word in ("--only", f"{axis}={','.join(sorted(names))}")]


@dataclass(slots=True)
class Blocks:
    """The blocks of one state; `more` images have causes that are not shown."""

    blocks: dict[Why, Block] = field(default_factory=dict)
    more: int = 0


def blocks_of(ledger: Ledger, state: State, *, is_whole: bool) -> Blocks:
    """What is in a state, grouped by cause, in the order of the first submission."""
    return blocks_among(ledger.in_states(state), ledger.unexpected(), is_whole=is_whole)


def blocks_among(entries: Iterable[Entry], unexpected: Mapping[str, Sequence[str]], *, is_whole: bool) -> Blocks:
    """Images grouped by cause, in their order; `unexpected` are the files that were delivered instead, by job."""
    found = Blocks()
    for entry in entries:
        files = unexpected.get(entry.job_id or "", ())
        why = Why.of(entry, files)
        if why not in found.blocks and len(found.blocks) == LISTED and not is_whole:
            found.more += 1
            continue
        at = requested_at(entry)
        found.blocks.setdefault(why, Block(why, at, at, is_whole)).add(entry, files)
    return found


def requested_at(entry: Entry) -> datetime:
    """When an image was requested."""
    return datetime.fromisoformat(str(entry.submitted_at))
