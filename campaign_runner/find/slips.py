"""What a person may have meant that `find` did not find: a key or a file name with a slip, too short a key, a seed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from campaign_runner.find.search import Match
from campaign_runner.model import SUFFIXES, State
from campaign_runner.output_folder.folder import Folder
from campaign_runner.text import joined

LOOKED_FOR = (
    "find takes the name of a campaign, a picture, its file name, at least 8 digits of its key, "
    "or words such as product, preset, market and size"
)
_SHORT = re.compile(r"(?:.*_s\d+_)?([0-9a-f]{1,7})(?:\.\w+)?", re.IGNORECASE)
_SHORTEST = 3  # digits of a key that are looked for
_SHOWN = 8  # digits of a key that is shown
_SEED = re.compile(r"(?:seed=)?(\d{1,10})", re.IGNORECASE)
_PICTURES = tuple(f".{suffix}" for suffix in (*SUFFIXES.values(), "jpeg"))
_MOST = 3  # that are named


def names_picture(what: str) -> bool:
    """Whether a text is how a file of a picture is called."""
    return what.lower().endswith(_PICTURES)


def meant(what: str, folders: Sequence[Folder]) -> str:
    """`; did you mean '3f9c2a1b'?` and the like, from what is recorded; empty where nothing is near."""
    if (seed := _SEED.fullmatch(what)) and (named := _with_seed(int(seed[1]), folders)):
        return f"; for the images with this seed: {named}"
    if (short := _SHORT.fullmatch(what)) and len(short[1]) >= _SHORTEST:
        keys = [key[:_SHOWN] for key in _keys(folders) if key.startswith(short[1].lower())]
        if keys:
            return f"; a key needs at least {_SHOWN} digits: {_asked(keys)}"
    if names_picture(what):
        return _asked_about(_like_file(Path(what).name, folders))
    return ""


def meant_key(key: str, folders: Sequence[Folder]) -> str:
    """The same for a key that no image has: one digit is wrong, missing, or in the wrong place."""
    typed = key[:_SHOWN]
    return _asked_about([each[:_SHOWN] for each in _keys(folders) if _is_slip(typed, each[:_SHOWN])])


def _asked(found: Sequence[str]) -> str:
    quoted = [f"'{each}'" for each in dict.fromkeys(found)]
    return f"did you mean {joined(quoted, _MOST)}?"


def _asked_about(found: Sequence[str]) -> str:
    return f"; {_asked(found)}" if found else ""


def _entries(folders: Sequence[Folder]) -> Iterator[Match]:
    for folder in folders:
        with folder.ledger() as ledger:
            yield from (Match(folder, entry) for entry in ledger.in_states(*State))


def _keys(folders: Sequence[Folder]) -> Iterator[str]:
    for folder in folders:
        with folder.ledger() as ledger:
            yield from ledger.keys()


def _with_seed(seed: int, folders: Sequence[Folder]) -> str:
    """The commands that list the images of a seed, one a campaign; empty where none has it."""
    names = dict.fromkeys(hit.folder.path.name for hit in _entries(folders) if hit.entry.seed == seed)
    return joined([f"`campaign-runner find {name} --only seed={seed}`" for name in names], _MOST)


def _like_file(typed: str, folders: Sequence[Folder]) -> list[str]:
    """The names of the files that share the most parts with a typed one, if that is more than half of them."""
    parts = set(_parts(typed))
    shared: dict[str, int] = {}
    for hit in _entries(folders):
        if hit.entry.file:
            name = Path(hit.entry.file).name
            shared[name] = len(parts & set(_parts(name)))
    most = max(shared.values(), default=0)
    return [name for name, number in shared.items() if number == most] if most * 2 > len(parts) else []


def _parts(name: str) -> list[str]:
    return [part for part in re.split(r"[_.\s]", name.lower()) if part]


def _is_slip(typed: str, key: str) -> bool:
    """Whether two beginnings of keys differ in one digit, or in two neighbours that changed places."""
    differ = [at for at, (one, other) in enumerate(zip(typed, key, strict=False)) if one != other]
    match differ:
        case [_]:
            return True
        case [first, second]:
            return second == first + 1 and typed[first] == key[second] and typed[second] == key[first]
        case _:
            return False
