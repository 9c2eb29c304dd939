"""Which variations a command means: `--only AXIS=VALUE[,VALUE…]`.

Values of one axis are alternatives, axes must all match; a variation that stands in several
cells is meant if one of them matches.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from campaign_runner.errors import UsageError
from campaign_runner.model import Cell

AXES = ("product", "prompt", "preset", "market", "size", "seed", "key")
_SHORTEST_KEY = 8


@dataclass(frozen=True, slots=True)
class Only:
    """The values asked for, per axis; an axis that is not named matches everything."""

    values: Mapping[str, frozenset[str]]

    def __bool__(self) -> bool:
        return bool(self.values)

    @property
    def needs_keys(self) -> bool:
        return "key" in self.values

    def matches(self, cells: Sequence[Cell], seed: int, key: str) -> bool:
        """Whether the image that stands in `cells` is meant."""
        wanted = self.values
        if "seed" in wanted and str(seed) not in wanted["seed"]:
            return False
        if "key" in wanted and not any(key.startswith(start) for start in wanted["key"]):
            return False
        return any(self._names(cell) for cell in cells)

    def _names(self, cell: Cell) -> bool:
        names = {"product": cell.product, "prompt": cell.prompt, "preset": cell.preset}
        names |= {"market": cell.market or "", "size": str(cell.size)}
        return all(axis not in self.values or name in self.values[axis] for axis, name in names.items())


EVERYTHING = Only({})


def read_only(options: Sequence[str], known: Mapping[str, Collection[str]] | None = None) -> Only:
    """Read the values of `--only`. `known` holds the names of each axis, where a campaign can tell them.

    Raises UsageError for an unknown axis, a short key, or a value that names nobody.
    """
    values: dict[str, set[str]] = {}
    for option in options:
        axis, equals, names = option.partition("=")
        if not equals or axis not in AXES:
            raise UsageError(f"--only {option}: say AXIS=VALUE, where AXIS is one of {', '.join(AXES)}")
        wanted = [name.strip() for name in names.split(",") if name.strip()]
        if not wanted:
            raise UsageError(f"--only {option}: name at least one {axis}")
        for name in wanted:
            _check(axis, name, known or {})
        values.setdefault(axis, set()).update(wanted)
    return Only({axis: frozenset(names) for axis, names in values.items()})


def _check(axis: str, name: str, known: Mapping[str, Collection[str]]) -> None:
    if axis == "key" and (len(name) < _SHORTEST_KEY or set(name) - set("0123456789abcdef")):
        raise UsageError(f"--only key={name}: give at least {_SHORTEST_KEY} of the key's hex digits")
    if axis in known and name not in known[axis]:
        near = get_close_matches(name, list(known[axis]), n=1)
        guess = f"; did you mean '{near[0]}'?" if near else f"; there are {', '.join(list(known[axis])[:12])}"
        raise UsageError(f"--only {axis}={name}: no {axis} has this name{guess}")
