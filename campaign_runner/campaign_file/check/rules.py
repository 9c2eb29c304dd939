"""The rules across fields: what the model can do, and who is named where.

Each rule takes a Draft and yields Problems at the path it blames. What the service would refuse or
silently ignore is a problem here, before money moves (limits: Adobe's Firefly API specification).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from campaign_runner.campaign_file.check.partial import PartialCampaign
from campaign_runner.campaign_file.check.styles import KNOWN_STYLES
from campaign_runner.campaign_file.schema.look import FIELDS, REFERENCES, look_places
from campaign_runner.campaign_file.schema.reference_files import picture_flaw
from campaign_runner.campaign_file.schema.schema import Look, NamedEntry
from campaign_runner.campaign_file.schema.shape import LISTS, SINGULAR
from campaign_runner.campaign_file.schema.templates import slots
from campaign_runner.campaign_file.syntax.source import Loc
from campaign_runner.model import Size
from campaign_runner.problem import Problem
from campaign_runner.text import did_you_mean, joined

_NOT_TAKEN = {
    "negative_prompt": (
        "custom models don't support negative_prompt",
        "say in the prompt what should be there instead",
    ),
    "upsampler": ("{family} doesn't support upsampler; only image4_custom does", "remove it"),
}
"""Why a model takes no such look field, and what to do instead."""


def rule_problems(draft: PartialCampaign) -> Iterator[Problem]:
    """What breaks a rule across fields, in no order."""
    yield from _custom_model(draft)
    for loc, look in look_places(draft.campaign):
        yield from _look(draft, loc, look)
        if isinstance(look, NamedEntry):
            yield from _limits(draft, loc, look)
    yield from _pictures(draft)
    yield from _equal_sizes(draft)
    yield from _exclusions(draft)
    yield from _inclusions(draft)


def rule_warnings(draft: PartialCampaign) -> Iterator[Problem]:
    """What deserves a look, in no order."""
    for loc, look in look_places(draft.campaign):
        for at, style in enumerate(look.styles or ()):
            if style not in KNOWN_STYLES:
                message = f"Adobe has no style '{style}'{did_you_mean(style, KNOWN_STYLES)}"
                advice = "Adobe will ignore this style and still charge for the image"
                yield draft.source.at((*loc, "styles", at), message, advice)


def _custom_model(draft: PartialCampaign) -> Iterator[Problem]:
    named = draft.campaign.custom_model
    if draft.family is None or "custom_model" in draft.broken:
        return
    id = draft.family.id
    if draft.family.is_custom and named is None:
        advice = "add: custom_model: Warm Custom Model (`campaign-runner models` lists yours)"
        yield draft.source.at(("model",), f"{id} needs a custom_model", advice)
    elif not draft.family.is_custom and named is not None:
        advice = "remove the line, or choose model: image3_custom or image4_custom"
        yield draft.source.at_key(("custom_model",), f"{id} doesn't use a custom model", advice)


def _look(draft: PartialCampaign, loc: Loc, look: Look) -> Iterator[Problem]:
    family, at_key = draft.family, draft.source.at_key
    for field in FIELDS:
        if family and field not in family.takes and getattr(look, field) is not None:
            message, advice = _NOT_TAKEN.get(field, ("{family} doesn't support {field}", "remove it"))
            yield at_key((*loc, field), message.format(family=family.id, field=field), advice)
    seen: set[str] = set()
    for at, style in enumerate(look.styles or ()):
        if style in seen:
            yield draft.source.at((*loc, "styles", at), f"style '{style}' appears twice", "write each style once")
        seen.add(style)


def _pictures(draft: PartialCampaign) -> Iterator[Problem]:
    """Reference images whose path has no placeholder, each once."""
    seen: set[str] = set()
    for loc, look in look_places(draft.campaign):
        for field in REFERENCES:
            path = getattr(look, field)
            if path is None or path in seen or slots(path):
                continue
            seen.add(path)
            if flaw := picture_flaw(path, draft.source.path.parent):
                yield draft.source.at((*loc, field), *flaw)


def _limits(draft: PartialCampaign, loc: Loc, entry: NamedEntry) -> Iterator[Problem]:
    """An entry may limit itself to values of other lists that exist."""
    for axis in LISTS:
        wanted: Sequence[str | Size | int] | None = getattr(entry, axis)
        if wanted is None:
            continue
        if axis == loc[0]:
            message = f"an entry of {axis} cannot name {axis}"
            yield draft.source.at_key((*loc, axis), message, "entries limit themselves to values of the other lists")
        elif not wanted:
            advice = f"name at least one, or remove '{axis}' to use them all"
            yield draft.source.at_key((*loc, axis), f"an empty list of {axis} makes no images", advice)
        else:
            yield from _named(draft, axis, (*loc, axis), wanted)


def _named(draft: PartialCampaign, axis: str, loc: Loc, wanted: Sequence[str | Size | int]) -> Iterator[Problem]:
    """The values of `wanted` that name nothing on an axis; nothing while the axis itself has a mistake."""
    source, campaign = draft.source, draft.campaign
    if axis == "seeds":
        if "seeds" not in draft.broken and (lost := _stranger(wanted, campaign.seeds)) is not None:
            yield source.at(loc, f"{lost} is not one of the campaign's seeds", "name seeds of 'seeds'")
    elif axis == "sizes":
        known = campaign.sizes if draft.family and "sizes" not in draft.broken else wanted
        for at, size in ((at, size) for at, size in enumerate(wanted) if size not in known):
            advice = f"sizes of this campaign: {', '.join(map(str, known))}"
            yield source.at((*loc, at), f"{size} is not one of the campaign's sizes", advice)
    elif axis == "markets" and axis not in draft.names and axis not in draft.broken:
        yield source.at(loc, "this campaign has no markets", "remove the market, or add 'markets'")
    else:
        names = sorted(draft.names.get(axis, map(str, wanted)))
        for at, name in ((at, str(name)) for at, name in enumerate(wanted) if name not in names):
            message = f"there is no {axis[:-1]} '{name}'{did_you_mean(name, names)}"
            yield source.at((*loc, at), message, f"{axis} of this campaign: {joined(names, most=12)}")


def _stranger(wanted: Sequence[str | Size | int], seeds: Sequence[int]) -> str | Size | int | None:
    """The first of `wanted` that is not a seed; of two ranges only the ends are compared, they may be endless."""
    if isinstance(seeds, range):
        suspects = (wanted[0], wanted[-1]) if isinstance(wanted, range) else wanted
        return next((seed for seed in suspects if seed not in seeds), None)
    known = frozenset(seeds)
    return next((seed for seed in wanted if seed not in known), None)


def _equal_sizes(draft: PartialCampaign) -> Iterator[Problem]:
    if draft.family is None or "sizes" in draft.broken:
        return
    first: dict[Size, int] = {}
    for at, size in enumerate(draft.campaign.sizes):
        if size in first:
            _, node = draft.source.find(("sizes", at))
            _, other = draft.source.find(("sizes", first[size]))
            names = f"'{getattr(node, 'text', size)}' and '{getattr(other, 'text', size)}'"
            message = f"{names} are the same size, {size}"
            yield draft.source.at(("sizes", at), message, "keep one: the same picture is not made twice")
        first.setdefault(size, at)


def _exclusions(draft: PartialCampaign) -> Iterator[Problem]:
    if "exclude" in draft.broken:
        return
    for at, entry in enumerate(draft.campaign.exclude):
        loc: Loc = ("exclude", at)
        if not entry.model_fields_set:
            yield draft.source.at(loc, "this excludes every picture", "name what to leave out: - {preset: painting}")
        for axis, singular in zip(LISTS, SINGULAR, strict=True):
            if (wanted := getattr(entry, singular)) is not None:
                yield from _named(draft, axis, (*loc, singular), wanted)


def _inclusions(draft: PartialCampaign) -> Iterator[Problem]:
    if "include" in draft.broken:
        return
    for at, entry in enumerate(draft.campaign.include):
        loc: Loc = ("include", at)
        for axis, singular in zip(LISTS[:-1], SINGULAR, strict=False):
            if (value := getattr(entry, singular)) is not None:
                yield from _named(draft, axis, (*loc, singular), (value,))
            elif axis in draft.names and axis in draft.campaign.model_fields_set and draft.source.find((axis,))[0]:
                message = f"an include entry must name every axis: '{singular}' is missing"
                advice = f"add one of: {joined(sorted(draft.names[axis]), most=12)}"
                yield draft.source.at(loc, message, advice)
