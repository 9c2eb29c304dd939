"""Words for people, used by every room: plurals, lists, near misses, and what a terminal may be shown."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from difflib import get_close_matches
from itertools import islice

_SHOWN_IN_SECONDS = 90
_MOST_CANDIDATES = 300  # known words that a slip is compared with
_MOST_NAMED = 4  # known words that a beginning may mean
_SHORTEST_BEGINNING = 3  # characters


def printable(text: str) -> str:
    """`text` on one line, without a character that could steer a terminal; tabs are shown as arrows."""
    if text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character == "\t":
        return "→"
    return character if character.isprintable() or character == "\u3000" else "�"


def cells_of(text: str) -> int:
    """How many cells of a terminal a text fills: Chinese, Japanese and Korean characters take two."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else unicodedata.combining(c) == 0 for c in text)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, of several that begin with `word` also `'x', 'y'`; nothing if no known word is near."""
    near = [f"'{name}'" for name in _near(word, known)]
    return f"; did you mean {joined(near, _MOST_NAMED)}?" if near else ""


def followed(told: str, more: str, mark: str) -> str:
    """`told` and `more` on one line, with a `mark` after `told`; a question has its own."""
    if not more:
        return told
    lines = "; ".join(map(str.strip, more.split("\n"))).replace(":; ", ": ")
    return f"{told}{'' if told.endswith('?') else mark} {lines}"


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is nearest to `word`, empty if none is near."""
    return next(iter(_near(word, known)), "")


def _near(word: str, known: Iterable[str]) -> list[str]:
    """The known word that is spelt most like `word`; otherwise those that begin with it.

    All of these also where that one is `word` and more, as `almond-autumn` is for `almond`.
    """
    spelt_plain, named = plain(word), {plain(name): name for name in sorted(known)}
    if spelt_plain in named:
        return [named[spelt_plain]]
    alike = (name for name in named if abs(len(name) - len(word)) <= 2 + len(word) // 2)
    candidates = list(islice(alike, _MOST_CANDIDATES))
    near = get_close_matches(spelt_plain, candidates, n=1, cutoff=0.66) if len(word) <= 60 else []
    begun = [name for name in named if name.startswith(spelt_plain)] if len(word) >= _SHORTEST_BEGINNING else []
    longer = [name for name in begun if name[len(spelt_plain)] in "-."]
    found = near if near and near[0] not in longer else longer or begun
    return [named[name] for name in found]


def plain(word: str) -> str:
    """A word as it is compared: `Tea Cup`, `tea_cup` and `tea-cup` are one."""
    return word.casefold().replace("_", "-").replace(" ", "-")


def joined(words: Sequence[str], most: int = 6) -> str:
    """`a, b, c and 4 more`: a list that stays readable when a campaign has hundreds of entries."""
    if len(words) <= most:
        return ", ".join(words)
    return f"{', '.join(words[: most - 1])} and {len(words) - most + 1} more"


def first_few(lines: Sequence[str], whole: str = "", most: int = 8) -> Iterator[str]:
    """The first lines of a list; of more, how many there are, and where the `whole` list is."""
    yield from lines[:most]
    if (more := len(lines) - most) > 0:
        yield f"and {more:,} more{f': {whole}' if whole else ''}"


def plural(number: int, noun: str) -> str:
    """`1 image`, `1,200 images`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def with_article(noun: str) -> str:
    """`a scent`, `an accent`."""
    return f"an {noun}" if noun[:1].lower() in "aeiou" else f"a {noun}"


def clock(at: datetime, now: datetime) -> str:
    """`22:11`, `22:11 tomorrow`, `22:11 on 3 Dec`: a moment as people say it, in local time."""
    local, today = at.astimezone(), now.astimezone()
    match (local.date() - today.date()).days:
        case 0:
            day = ""
        case 1:
            day = " tomorrow"
        case -1:
            day = " yesterday"
        case _:
            day = f" on {local.day} {local:%b}" + (f" {local.year}" if local.year != today.year else "")
    return f"{local:%H:%M}{day}"


def duration(whole_minutes: int) -> str:
    """`2 min`, `3 h 20 min`, `2 days 4 h`."""
    hours, rest = divmod(whole_minutes, 60)
    days, day_hours = divmod(hours, 24)
    if days:
        return f"{days} day{'s' if days > 1 else ''}" + (f" {day_hours} h" if day_hours else "")
    if hours:
        return f"{hours} h" + (f" {rest} min" if rest else "")
    return f"{rest} min"


def span(seconds: float) -> str:
    """`45 s`, `30 min`: seconds as people say them."""
    return f"{seconds:.0f} s" if seconds < _SHOWN_IN_SECONDS else duration(round(seconds / 60))
