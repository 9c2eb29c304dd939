"""Which variations a command means: `--only AXIS=VALUE[,VALUE…]`.

Values of one axis are alternatives, axes must all match; a variation that is in several
cells is meant if one of them matches.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from campaign_runner.errors import UsageError
from campaign_runner.model import Cell
from campaign_runner.text import did_you_mean, joined

AXES = ("product", "prompt", "preset", "market", "size", "seed", "key")
DECISION = "decision"
"""What `--only` selects by where images were looked at: no axis of a campaign."""
_SHORTEST_KEY = 8
_MOST_COMPARED = 5000  # known names among which a guess is made


@dataclass(frozen=True, slots=True)
class Selection:
    """The values asked for, per axis; an axis that is not named matches everything."""

    values: Mapping[str, frozenset[str]]

    def __bool__(self) -> bool:
        return bool(self.values)

    @property
    def needs_keys(self) -> bool:
        return "key" in self.values

    def matches(self, cells: Sequence[Cell], seed: int, key: str) -> bool:
        """Whether the image of these `cells` is meant."""
        wanted = self.values
        if "seed" in wanted and str(seed) not in wanted["seed"]:
            return False
        if "key" in wanted and not begins_with_any(key, wanted["key"]):
            return False
        return any(self._names(cell) for cell in cells)

    def sized(self, names: Mapping[str, str]) -> Selection:
        """The same, of sizes in pixels: some may have been given by their names."""
        if "size" not in self.values:
            return self
        return Selection({**self.values, "size": frozenset(names.get(size, size) for size in self.values["size"])})

    def _names(self, cell: Cell) -> bool:
        return all(axis not in self.values or name in self.values[axis] for axis, name in cell.axes.items())


EVERYTHING = Selection({})


def begins_with_any(key: str, starts: frozenset[str]) -> bool:
    """Whether a key begins with one of `starts`; of those there may be as many as there are images."""
    return any(key[:length] in starts for length in _lengths(starts))


@lru_cache(maxsize=8)
def _lengths(starts: frozenset[str]) -> frozenset[int]:
    return frozenset(map(len, starts))


def read_only(options: Sequence[str], known: Mapping[str, Collection[str]] | None = None) -> Selection:
    """Read the values of `--only`. `known` holds the names of each axis, where a campaign can tell them.

    Raises UsageError for an unknown axis, two axes in one option, a short key, or a value that names no one.
    """
    values: dict[str, set[str]] = {}
    for option in options:
        axis, equals, names = option.partition("=")
        if axis == DECISION:
            raise UsageError(f"--only {option}: find, status, reroll, review and deliver know decisions, this does not")
        if not equals or axis not in AXES:
            raise UsageError(f"--only {option}: {_axis_meant(axis)}")
        if "=" in names:  # no name has one
            raise UsageError(
                f"--only {option}: each AXIS needs its own --only, as in --only product=tea --only size=wide"
            )
        wanted = [_spelt(axis, name.strip()) for name in names.split(",") if name.strip()]
        if not wanted:
            raise UsageError(f"--only {option}: name at least one {axis}")
        for name in wanted:
            _refuse_unknown(axis, name, known or {})
        values.setdefault(axis, set()).update(wanted)
    return Selection({axis: frozenset(names) for axis, names in values.items()})


def _axis_meant(axis: str) -> str:
    """What to write instead of something that is not AXIS=VALUE."""
    if axis.lower().removesuffix("s") == "channel":
        return "a campaign names its channels in its file, and all of them are delivered"
    near = "" if axis in AXES else did_you_mean(axis, AXES)
    return near.removeprefix("; ") or f"say AXIS=VALUE, where AXIS is one of {', '.join(AXES)}"


def _spelt(axis: str, name: str) -> str:
    """A value as it is compared: seeds as plain numbers, keys in small letters."""
    if axis == "seed":
        if not (name.isascii() and name.isdigit()):
            raise UsageError(f"--only seed={name}: a seed is a whole number")
        return name.lstrip("0") or "0"
    if axis == "key":
        key = name.lower()
        if len(key) < _SHORTEST_KEY or set(key) - set("0123456789abcdef"):
            raise UsageError(f"--only key={name}: give at least {_SHORTEST_KEY} of the key's hex digits")
        return key
    return name


def _refuse_unknown(axis: str, name: str, known: Mapping[str, Collection[str]]) -> None:
    if axis not in known or name in known[axis]:
        return
    names = known[axis]
    if not names:
        raise UsageError(f"--only {axis}={name}: this campaign has no {axis}")
    near = did_you_mean(name, names) if axis != "seed" and len(names) <= _MOST_COMPARED else ""
    raise UsageError(f"--only {axis}={name}: no {axis} has this name{near or f'; there are {joined(list(names))}'}")
