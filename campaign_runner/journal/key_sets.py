"""Keys by the million, compared on a disk and not in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from campaign_runner.disk import sqlite
from campaign_runner.journal.tables import reading
from campaign_runner.model import State
from campaign_runner.portions import batched

_AT_ONCE = 500
_MOST_ASIDE = 10_000
_NOT_STORED = (*(str(state) for state in State if state is not State.STORED), "submitting")
_NEWEST = "SELECT max(seq) FROM events"
Ask = Callable[..., Sequence[tuple[Any, ...]]]
Each = Callable[..., Iterator[tuple[Any, ...]]]
_ROWS = "SELECT number, recipe, seed, state FROM variations WHERE"
_SINCE = "(SELECT {} FROM events WHERE seq > ? AND {} IS NOT NULL)"


class RecordedStates:
    """The states of the variations that a journal, at `path`, knows: of some by their keys, or all of them.

    `ask` reads rows from there, `each` reads them by and by, `meaning` says what their word for a state is now.
    Raises IntegrityError, StoreError.
    """

    def __init__(self, path: Path, ask: Ask, each: Each, meaning: Callable[[str], State]) -> None:
        self._path = path
        self._ask = ask
        self._each = each
        self._meaning = meaning

    def __call__(self, keys: Sequence[str]) -> dict[str, State]:
        """The state of those of `keys` that were ever submitted."""
        with reading(self._path):
            return recorded_states(keys, self._ask, self._meaning)

    def by_recipe(self) -> Iterator[tuple[bytes, Sequence[int], State]]:
        """Every variation, as the digest of its recipe, some of its seeds, and their state. What comes later counts.

        Most are stored, and many share a request: so all requests are told as stored, then what is not. That takes a
        tenth of the time of looking the keys up. Whatever is recorded meanwhile comes last.
        """
        with reading(self._path):
            ((newest,),) = self._ask(_NEWEST)
            for digest, seeds in self._each("SELECT number, recipe, seeds FROM attempts ORDER BY number"):
                yield bytes.fromhex(digest), _seeds(seeds), State.STORED
            marks = _marks(_NOT_STORED)
            yield from self._rows("attempt IS NULL")
            yield from self._rows(f"state IN ({marks})", *_NOT_STORED)
            of_attempts, of_keys = _SINCE.format("attempt", "attempt"), _SINCE.format("key", "key")
            yield from self._rows(f"attempt IN {of_attempts} OR key IN {of_keys}", newest or 0, newest or 0)

    def _rows(self, which: str, *values: object) -> Iterator[tuple[bytes, Sequence[int], State]]:
        for digest, seed, state in self._each(f"{_ROWS} {which} ORDER BY number", *values):
            yield bytes.fromhex(digest), (seed,), self._meaning(state)


@lru_cache(maxsize=64)
def _seeds(text: str) -> tuple[int, ...]:
    """The seeds of a request as they were recorded: those of many requests are the same."""
    return tuple(json.loads(text))


def without(keys: Iterable[str], taken: Iterable[str]) -> Iterator[list[str]]:
    """Those of `keys` that are not among `taken`, in their order, a few hundred at a time.

    `taken` are read once, before the first of `keys` is.
    """
    with sqlite.scratch("CREATE TABLE taken (key TEXT PRIMARY KEY) WITHOUT ROWID") as aside:
        for some in batched(taken, _AT_ONCE):
            aside.executemany("INSERT OR IGNORE INTO taken VALUES (?)", ((key,) for key in some))
        for some in batched(keys, _AT_ONCE):
            marks = ",".join("?" * len(some))
            found = {key for (key,) in aside.execute(f"SELECT key FROM taken WHERE key IN ({marks})", some)}
            if left := [key for key in some if key not in found]:
                yield left


def recorded_states(keys: Sequence[str], ask: Ask, meaning: Callable[[str], State]) -> dict[str, State]:
    """Those of `keys` that are in a journal's table, each with the `meaning` of its state; `ask` reads rows from there.

    Of many keys most are stored. So those that are not are read first, and the others are only looked for in the
    index of keys, in its order: their rows, which are scattered over the whole file, are not read. Where anything
    was recorded meanwhile, all rows are read after all.
    """
    if len(keys) > _AT_ONCE:
        newest = ask(_NEWEST)
        states = f"SELECT key, state FROM variations WHERE state IN ({_marks(_NOT_STORED)}) LIMIT {_MOST_ASIDE}"
        aside: dict[str, str] = dict(ask(states, *_NOT_STORED))
        if len(aside) < _MOST_ASIDE:
            found = dict.fromkeys(_in_index(sorted(keys), ask), State.STORED)
            if ask(_NEWEST) == newest:
                found.update((key, meaning(state)) for key, state in aside.items() if key in found)
                return found
    return {key: meaning(state) for some in batched(keys, _AT_ONCE) for key, state in _rows("key, state", some, ask)}


def _in_index(keys: Sequence[str], ask: Ask) -> Iterator[str]:
    """Those of `keys` that are in the table. Where some hundreds are, all of them, nothing but their number is read."""
    for some in batched(keys, _AT_ONCE):
        ((known,),) = _rows("count(*)", some, ask)
        yield from some if known == len(some) else (key for (key,) in _rows("key", some, ask))


def _rows(columns: str, keys: Sequence[str], ask: Ask) -> Sequence[tuple[Any, ...]]:
    return ask(f"SELECT {columns} FROM variations WHERE key IN ({_marks(keys)})", *keys)


def _marks(values: Sequence[str]) -> str:
    return ",".join("?" * len(values))
