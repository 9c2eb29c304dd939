"""What the schema refuses, in a marketing person's words and at the place of the value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from pydantic_core import ErrorDetails

from campaign_runner.campaign_file.check.made_sizes import sizes_to_make
from campaign_runner.campaign_file.schema.channels import ChannelEntry, DeliverySettings
from campaign_runner.campaign_file.schema.review import ReviewRules
from campaign_runner.campaign_file.schema.schema import (
    Campaign,
    CampaignQuota,
    Exclude,
    Include,
    Look,
    Market,
    Preset,
    Product,
    Prompt,
)
from campaign_runner.campaign_file.schema.shape import LISTS, SINGULAR
from campaign_runner.campaign_file.schema.values import told_not_made
from campaign_runner.campaign_file.syntax.source import Loc, Source
from campaign_runner.problem import Problem
from campaign_runner.text import did_you_mean, joined, nearest

_MODELS: Mapping[str, type[Any]] = {
    "defaults": Look,
    "markets": Market,
    "products": Product,
    "prompts": Prompt,
    "presets": Preset,
    "exclude": Exclude,
    "include": Include,
    "quota": CampaignQuota,
    "review": ReviewRules,
    "channels": ChannelEntry,
    "deliver": DeliverySettings,
}
_MISSING = {
    "campaign": "campaign: almond-autumn",
    "model": "model: image4_standard",
    "products": "products: {candle: almond candle}",
    "prompts": 'prompts: {hero: "{product.name} on an oak table"}',
    "sizes": "sizes: [square, wide]",
    "seeds": "seeds: [66080, 82683]",
}
_RANGES = {
    "strength": "write a number from 1 to 100",
    "structure_strength": "write a number from 0 to 100",
    "visual_intensity": "write a number from 2 to 10",
    "concurrency": "8 works for almost everyone",
    "max_kb": "write the kilobytes a file may have, such as 150",
    "min_quality": "write a number from 1 to 92; 60 is the default",
    "name_max": "write a number from 20 to 200; 120 is the default",
}
_ENTRIES = {  # an example of what is inside an entry
    "defaults": "content_class: photo",
    "markets": "locale: en-US",
    "products": "name: almond candle",
    "prompts": 'text: "{product.name} on an oak table"',
    "presets": "styles: [painting]",
    "vars": "season: autumn",
    "exclude": "product: soap, preset: painting",
    "include": "product: candle, prompt: hero, preset: plain, size: square",
    "quota": "per_minute: 2",
    "review": "final: lead",
    "channels": "name: web-billboard, size: 970x250, max_kb: 150",
    "deliver": "folders: [market, channel]",
}
_QUOTED = re.compile("'([^']*)'")
_MOST_GUESSED = 500  # unknown keys of which it is asked what they meant
_LATER = ("due",)  # reserved at the top of the file
_KEPT = ("text", "file", "id", "where", "other", "name")  # reserved among words


def explained(source: Source, errors: list[ErrorDetails], holes: set[Loc]) -> Iterator[Problem]:
    """A Problem for each error, but for what misses a value that is complained about already."""
    extra = (error["loc"] for error in errors if error["type"] == "extra_forbidden")
    unknown = islice((loc for loc in extra if not _is_later(loc)), _MOST_GUESSED)
    misspelt = {(*loc[:-1], _meant(loc)) for loc in unknown}
    told = holes | misspelt
    not_made = [error for error in errors if error["loc"][0] == "sizes" and "not_made" in error.get("ctx", {})]
    if len(not_made) > 1:
        several = told_not_made([error["ctx"]["not_made"] for error in not_made])
        yield source.at(not_made[0]["loc"], *several, shows_line=False)
    for error in errors:
        if error in not_made and len(not_made) > 1:
            continue
        if error["type"] != "missing" or error["loc"] not in told:
            yield from _each(source, error) if error["type"] == "wrong_ones" else (_explained(source, error),)


def _each(source: Source, error: ErrorDetails) -> Iterator[Problem]:
    for at, message, advice in error["ctx"]["wrong"]:
        yield source.at((*error["loc"], at), message, advice)


def known_keys(loc: Loc) -> tuple[str, ...]:
    """The keys that may be where the last part of `loc` is."""
    model = Campaign if len(loc) == 1 else _MODELS.get(str(loc[0]), Campaign)
    return tuple(name for name in model.model_fields if name != "words")


def _explained(source: Source, error: ErrorDetails) -> Problem:
    loc, context = error["loc"], error.get("ctx", {})
    match error["type"]:
        case "wrong":
            return source.at(loc, context["message"], context["advice"], shows_line=context["shows_line"])
        case "missing":
            return _missing(source, loc)
        case "extra_forbidden":
            return _unknown(source, loc)
        case "literal_error":
            allowed = _QUOTED.findall(str(context["expected"]))
            value = getattr(error["input"], "text", error["input"])
            message = f"'{value}' is not a value of {_named(loc)}{did_you_mean(str(value), allowed)}"
            shown = (each if each.isidentifier() else f'"{each}"' for each in allowed)
            return source.at(loc, message, f"write one of: {', '.join(shown)}")
        case "greater_than_equal" | "less_than_equal":
            return _out_of_range(source, loc, error)
        case "too_short":
            return source.at(loc, f"{_named(loc)} is empty", "write at least one, or remove it")
        case _:
            return _misshapen(source, loc)


def _missing(source: Source, loc: Loc) -> Problem:
    key = str(loc[-1])
    if len(loc) == 1:
        line = (sizes_to_make(source) if key == "sizes" else None) or _MISSING[key]
        return source.at_key((), f"'{key}' is missing", f"add: {line}")
    match loc[0]:
        case "channels":
            advice = "such as {name: web-billboard, size: 970x250, max_kb: 150}"
            return source.at(loc[:-1], "a channel needs a name", advice)
        case "products":
            return source.at_key(loc[:-1], f"product '{loc[1]}' has no name", f"{loc[1]}: {{name: almond candle, …}}")
        case "prompts":
            advice = f'{loc[1]}: {{text: "{{product.name}} on an oak table", …}}'
            return source.at_key(loc[:-1], f"prompt '{loc[1]}' has no text", advice)
        case _:
            message = f"an include entry must name every axis: '{key}' is missing"
            advice = "such as {product: candle, prompt: hero, preset: plain, size: square}"
            return source.at_key(loc[:-1], message, advice)


def _unknown(source: Source, loc: Loc) -> Problem:
    key = str(loc[-1])
    if _is_later(loc):
        return source.at_key(loc, f"'{key}' is reserved for a later version", "remove it")
    if loc[0] in ("products", "markets") and key in _KEPT:
        return source.at_key(loc, f"'{key}' is reserved: it cannot be a word for prompts", "choose another name for it")
    meant = _meant(loc)
    advice = "" if meant else f"keys here: {joined(known_keys(loc), most=40)}"
    return source.at_key(loc, f"unknown key '{key}'" + (f"; did you mean '{meant}'?" if meant else ""), advice)


def _is_later(loc: Loc) -> bool:
    return len(loc) == 1 and loc[0] in _LATER


def _meant(loc: Loc) -> str:
    """The known key that an unknown one was meant to be."""
    key, known = str(loc[-1]), known_keys(loc)
    if key in SINGULAR and (plural := LISTS[SINGULAR.index(key)]) in known:
        return plural
    return nearest(key, known)


def _out_of_range(source: Source, loc: Loc, error: ErrorDetails) -> Problem:
    bounds = error.get("ctx", {})
    bound = f"at least {bounds['ge']}" if "ge" in bounds else f"at most {bounds['le']}"
    value = getattr(error["input"], "text", error["input"])
    return source.at(loc, f"{_named(loc)} is {bound}, not {value}", _RANGES.get(str(loc[-1]), ""))


def _misshapen(source: Source, loc: Loc) -> Problem:
    name = _named(loc)
    if name in ("exclude", "include") and len(loc) == 1:
        advice = f"begin each entry with a dash: - {{{_ENTRIES[name]}}}"
        return source.at(loc, f"'{name}' is a list of entries", advice)
    dash = "- " if isinstance(loc[-1], int) else f"{name}: "
    advice = f"such as {dash}{{{_ENTRIES.get(str(loc[0]), 'key: value')}}}"
    return source.at(loc, f"'{name}' needs keys and values", advice)


def _named(loc: Loc) -> str:
    """The field a value is in, by the last key that is a name."""
    return next((str(part) for part in reversed(loc) if isinstance(part, str) and part), "this")
