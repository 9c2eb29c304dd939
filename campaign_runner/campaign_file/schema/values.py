"""How the scalars of a campaign file are read: by the field they are in.

A text takes the characters as written (`1984`, `no`, `16:9`, `007`); a number takes plain
decimal integers and nothing else. What does not fit says what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError

from campaign_runner.campaign_file.syntax.source import Scalar, Source
from campaign_runner.channels.channel import Channel
from campaign_runner.channels.crops import best_size
from campaign_runner.channels.table import known_channels
from campaign_runner.families import FAMILIES, LARGEST_SEED, PROMPT_CHARACTERS, Family
from campaign_runner.model import Size
from campaign_runner.text import did_you_mean, joined, plural

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_LARGE = re.compile(r"[1-9][0-9]{17,39}")  # larger than any number of ours: a seed of another program
_PIXELS = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")
_RATIO = re.compile(r"([1-9][0-9]{0,3}):([1-9][0-9]{0,3})")
_SEED_RANGE = re.compile(r"(0|[1-9][0-9]{0,39})\.\.(0|[1-9][0-9]{0,39})")
_LOCALE = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?-(?:[A-Z]{2}|[0-9]{3})")
_NAMED = 12  # sizes in a sentence
_NEAR_RATIO = 0.05  # a size may be this far from the ratio asked for
LONGEST_WORDING = 10_000  # characters of a text as written; what is sent is far shorter
_COUNT_DIGITS = 2  # a number with more is one seed, not how many there are
_SEEDS_ADVICE = 'write seeds: [66080, 82683], or seeds: "1000..1007", or seeds: {base: 1000, count: 8}'


@dataclass(frozen=True, slots=True)
class Reading:
    """What the values are read for: the family whose sizes are meant, None where the model is not known; the file."""

    family: Family | None
    source: Source


def wrong(message: str, advice: str = "", *, shows_line: bool = True) -> PydanticCustomError:
    """What a validator raises: it becomes a Problem at the place of the value."""
    return PydanticCustomError("wrong", "{message}", {"message": message, "advice": advice, "shows_line": shows_line})


def as_text(value: object) -> object:
    """The characters as written."""
    match value:
        case Scalar():
            return value.text
        case list():
            raise wrong("expected one text here, not a list", "remove the [ ] or the dashes")
        case dict():
            raise wrong("expected one text here, not more keys", 'a text with ": " or braces in it needs quotes')
    return value


def as_wording(value: object) -> object:
    """A text that is sent, or becomes part of one: not empty, not endless."""
    text = as_text(value)
    if isinstance(text, str) and not text.strip():
        raise wrong("an empty text", "write what the picture should show, or remove the line")
    if isinstance(text, str) and len(text) > LONGEST_WORDING:
        raise wrong(f"a text of {plural(len(text), 'character')}", f"prompts have at most {PROMPT_CHARACTERS:,}")
    return text


def as_model(value: object) -> object:
    """The name of one of Adobe's image models."""
    text = as_text(value)
    if isinstance(text, str) and text not in FAMILIES:
        raise wrong(f"'{text}' is not a model{did_you_mean(text, FAMILIES)}", f"models: {', '.join(FAMILIES)}")
    return text


def as_number(value: object) -> object:
    """A plain decimal integer."""
    if not isinstance(value, Scalar):
        raise wrong("expected a whole number", "write only the number, such as 4")
    if _INTEGER.fullmatch(value.text):
        if value.is_plain:
            return int(value.text)
        raise wrong("a number must not be in quotes", f"write {value.text}")
    if value.text.replace(" ", "").isdigit():
        raise wrong(f"'{value.text}' is not a whole number", "separate the numbers in a list with commas")
    raise wrong(
        f"'{value.text}' is not a whole number", "write digits only, such as 1500: no decimal point, comma or unit"
    )


def unless_null(value: object) -> object:
    """None for a plain `null`, which takes away what an earlier entry set."""
    is_null = isinstance(value, Scalar) and value.is_plain and value.text in ("null", "~")
    return None if is_null else value


def as_list(value: object) -> object:
    """A list; a single value is told how to become one."""
    if isinstance(value, Scalar):
        raise wrong("expected a list", f"put it in brackets: [{value.text}]")
    if not isinstance(value, list):
        raise wrong("expected a list", "such as [one, two]")
    return value


def as_any_of(value: object) -> object:
    """A list, or one value for a list of one."""
    return [value] if isinstance(value, Scalar) else as_list(value)


def as_locale(value: object) -> object:
    """A language and a region, as Adobe's promptBiasingLocaleCode wants them."""
    text = as_text(value)
    if not isinstance(text, str) or _LOCALE.fullmatch(text):
        return text
    language, _, region = text.replace("_", "-").partition("-")
    tidy = f"{language.lower()}-{region.upper()}"
    meant = f"; did you mean '{tidy}'?" if _LOCALE.fullmatch(tidy) else ""
    raise wrong(f"'{text}' is not a locale{meant}", "a locale is a language and a region, such as en-US or ja-JP")


def as_size(value: object, info: ValidationInfo) -> object:
    """Pixels, a name or a ratio, as pixels that the family can make."""
    text = as_text(value)
    family = info.context.family if isinstance(info.context, Reading) else None
    if not isinstance(text, str) or family is None:
        return Size(1, 1)  # the unknown model is a Problem of its own
    if size := family.names.get(text):
        return size
    if size := pixels_in(text):
        if size in family.sizes:
            return size
        raise _not_made(size, family)
    if ratio := _RATIO.fullmatch(text):
        return _nearest_size(family, text, int(ratio[1]) / int(ratio[2]))
    raise _not_a_size(family, text)


def pixels_in(text: str) -> Size | None:
    """The size that a text writes in pixels; None for anything else."""
    found = _PIXELS.fullmatch(text)
    return Size(int(found[1]), int(found[2])) if found else None


def as_pixels(value: object) -> object:
    """Pixels of a channel, which no model has to make."""
    text = as_text(value)
    if not isinstance(text, str):
        return text
    if size := pixels_in(text):
        return size
    raise wrong(f"'{text}' is not a size in pixels", "such as size: 970x250")


def _nearest_size(family: Family, text: str, ratio: float) -> Size:
    def distance(size: Size) -> float:
        return abs(size.width / size.height / ratio - 1)

    best = min(family.sizes, key=lambda size: (distance(size), -size.width * size.height))
    if distance(best) > _NEAR_RATIO:
        raise wrong(f"{family.id} has no size close to {text}", _sizes_of(family))
    return best


def _not_a_size(family: Family, text: str) -> PydanticCustomError:
    if text == "tall":
        return wrong(f"{family.id} has no tall size", f"tall is a size of image4 models; {_sizes_of(family)}")
    tidy = text.lower().replace("×", "x").replace(" ", "")
    meant = f"; did you mean '{tidy}'?" if _PIXELS.fullmatch(tidy) else did_you_mean(text, family.names)
    return wrong(f"'{text}' is not a size{meant}", _sizes_of(family))


def _sizes_of(family: Family) -> str:
    named = ", ".join(f"{name} {size}" for name, size in family.names.items())
    smaller = len(set(family.sizes) - set(family.names.values()))
    return f"available sizes: {named}" + (f", and {smaller} smaller" if smaller else "")


def _not_made(size: Size, family: Family) -> PydanticCustomError:
    """A size that a family cannot make; it carries what is to be said of several of them at once."""
    made = _delivered(size, family)
    parts = {"family": family.id, "sizes": _sizes_of(family), "size": str(size), "made": made}
    message, advice = told_not_made([parts])
    context = {"message": message, "advice": advice, "shows_line": False, "not_made": parts}
    return PydanticCustomError("wrong", "{message}", context)


def told_not_made(several: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """What to say of sizes that are not made, and how they are delivered all the same."""
    first, sizes = several[0], [each["size"] for each in several]
    message, advice = f"{first['family']} cannot make {joined(sizes, most=_NAMED)}", first["sizes"]
    found = [(each["size"], *each["made"]) for each in several if each["made"] is not None]
    if found:
        cut, made, channels = (list(dict.fromkeys(column)) for column in zip(*found, strict=True))
        advice += f"\nsizes are made, channels are cut from them: for {joined(cut, most=_NAMED)} write "
        advice += f"sizes: [{', '.join(made)}] and channels: [{', '.join(channels)}]"
    return message, advice


def _delivered(size: Size, family: Family) -> tuple[str, str] | None:
    """From which size one that is not made is cut, for which channel; None where it would be enlarged."""
    known = next((channel for channel in known_channels().values() if channel.size == size), None)
    made = best_size(known or Channel("my-channel", size), family.sizes)
    if made is None:
        return None
    return family.called(made), known.id if known is not None else f"{{name: my-channel, size: {size}}}"


def as_seeds(value: object) -> Sequence[int]:
    """Seeds as a tuple, or as a range that is never expanded."""
    match value:
        case list():
            return _listed_seeds(value)
        case dict():
            return _counted_seeds(value)
        case Scalar():
            return _ranged_seeds(value.text)
    raise wrong("'seeds' is a list of numbers", _SEEDS_ADVICE)


def as_any_seeds(value: object) -> Sequence[int]:
    """Seeds as in `seeds`, or a single one."""
    is_one = isinstance(value, Scalar) and _INTEGER.fullmatch(value.text)
    return as_seeds([value] if is_one else value)


def _listed_seeds(values: list[object]) -> tuple[int, ...]:
    if not values:
        raise wrong("the list of seeds is empty", _SEEDS_ADVICE)
    seeds: dict[int, None] = {}
    flaws: list[tuple[int, str, str]] = []
    for at, value in enumerate(values):
        try:
            seed = _seed(value)
        except PydanticCustomError as error:
            context = error.context or {}
            flaws.append((at, context["message"], context["advice"]))
            continue
        if seed in seeds:
            flaws.append((at, f"seed {seed} appears twice", "the same seed makes the same image: write each once"))
        seeds[seed] = None
    if flaws:
        raise PydanticCustomError("wrong_ones", "several values", {"wrong": flaws})
    return tuple(seeds)


def _seed(value: object) -> int:
    seed = int(value.text) if isinstance(value, Scalar) and _LARGE.fullmatch(value.text) else as_number(value)
    if not isinstance(seed, int) or not 0 <= seed <= LARGEST_SEED:
        raise _not_a_seed(seed)
    return seed


def _not_a_seed(seed: object) -> PydanticCustomError:
    advice = f"seeds are 0 to {LARGEST_SEED}"
    if isinstance(seed, int) and seed > LARGEST_SEED:
        advice += "; those of other programs may be larger, and would make another picture here: choose any number"
    return wrong(f"{seed} is not a seed", advice)


def _counted_seeds(value: dict[str, object]) -> range:
    if unknown := next((key for key in value if key not in ("base", "count")), None):
        raise wrong(f"unknown key '{unknown}' in seeds{did_you_mean(unknown, ('base', 'count'))}", _SEEDS_ADVICE)
    if "count" not in value:
        raise wrong("seeds need a count", _SEEDS_ADVICE)
    base = as_number(value["base"]) if "base" in value else 1
    count = as_number(value["count"])
    if not isinstance(base, int) or not isinstance(count, int) or count < 1:
        raise wrong("a count of seeds is 1 or more", _SEEDS_ADVICE)
    return _checked_range(base, base + count - 1)


def _ranged_seeds(text: str) -> range:
    found = _SEED_RANGE.fullmatch(text)
    if not found:
        raise wrong(f"'{text}' is not a list of seeds", _seeds_meant(text))
    first, last = int(found[1]), int(found[2])
    if last < first:
        raise wrong(f"the range {text} ends before it begins", f'write "{last}..{first}"')
    return _checked_range(first, last)


def _seeds_meant(text: str) -> str:
    """What to write for numbers that are not in brackets."""
    numbers = [part for part in re.split(r"[\s,;/]+", text) if part]
    if not numbers or not all(map(_INTEGER.fullmatch, numbers)):
        return _SEEDS_ADVICE
    listed = f"write seeds: [{', '.join(numbers)}]"
    is_count = len(numbers) == 1 and 0 < len(numbers[0]) <= _COUNT_DIGITS
    return f"{listed}, or for so many pictures of each: seeds: {{count: {numbers[0]}}}" if is_count else listed


def _checked_range(first: int, last: int) -> range:
    if first < 0 or last > LARGEST_SEED:
        raise _not_a_seed(first if first < 0 else last)
    return range(first, last + 1)
