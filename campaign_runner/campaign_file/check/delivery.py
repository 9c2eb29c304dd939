"""What keeps pictures from being delivered: channels that do not exist, names that would not be told apart.

None of it stops a run, which never looks at channels: `check` and `plan` warn of it, `deliver` refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from campaign_runner.campaign_file.check.partial import PartialCampaign
from campaign_runner.campaign_file.check.text_check import TextCheck, delivery_texts
from campaign_runner.campaign_file.schema.channels import (
    COLUMNS,
    FOLDER_WORDS,
    NAME_WORDS,
    SKU,
    ChannelEntry,
    channel_of,
)
from campaign_runner.campaign_file.schema.ids import id_flaw
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.campaign_file.schema.templates import flaws, parse, slots
from campaign_runner.campaign_file.syntax.source import Loc
from campaign_runner.channels.channel import FORMATS, UNSURE, Channel
from campaign_runner.channels.crops import GOOD_SHARE, best_size, share
from campaign_runner.channels.table import known_channels
from campaign_runner.problem import Problem
from campaign_runner.text import did_you_mean, joined, with_article

_MOST_PIXELS = 10_000
"""Of a channel, in each direction."""
_MOST_CHANNELS = 200
_OWN = "see `campaign-runner channels`, or give your own: {{name: {name}, size: 970x250, max_kb: 150}}"
_LITERAL = re.compile(r"[^\w. -]|\s*[^\S ]")
_TELLS_APART = {
    "product": ("product", "product.id", "product.name", SKU),
    "prompt": ("prompt",),
    "preset": ("preset",),
    "market": ("market", "language"),
    "channel": ("channel",),
}
"""Placeholders by the axis whose values they tell apart."""


def delivery_problems(draft: PartialCampaign, words: TextCheck) -> Iterator[Problem]:
    """What `deliver` refuses, in no order."""
    yield from _channels(draft)
    yield from _lists(draft)
    if draft.campaign.deliver.name is not None:
        yield from _name(draft, draft.campaign.deliver.name)
    yield from words.problems_of(delivery_texts(draft.campaign))
    yield from _lacking(draft)


def delivery_warnings(draft: PartialCampaign) -> Iterator[Problem]:
    """What deserves a look before something is delivered."""
    campaign, source = draft.campaign, draft.source
    for at, entry in enumerate(campaign.channels):
        channel = channel_of(entry)
        if channel is None or "sizes" in draft.broken or draft.family is None:
            continue
        if channel.grade == UNSURE:
            message = f"the figures of {channel.id} are not certain: check them before booking"
            yield source.at(("channels", at), message, f"{channel.source} {channel.note}".strip())
        if warning := _loss(draft, channel):
            yield source.at(("channels", at), *warning)
    if campaign.channels and campaign.deliver.alt is None and any(not each.alt for each in campaign.prompts.values()):
        message = "delivered files have no text for people who cannot see them, only the product's name"
        advice = 'add: deliver: {alt: "{product.name} on an oak table"}, or alt: prompt to take the prompt'
        yield source.at_key(("channels",), message, advice)


def _loss(draft: PartialCampaign, channel: Channel) -> tuple[str, str] | None:
    """What a channel loses of every size of the campaign, and what to do; None where it loses little."""
    campaign = draft.campaign
    able = draft.family.sizes if draft.family else campaign.sizes
    better = best_size(channel, able)
    size = best_size(channel, campaign.sizes)
    if size is None:
        instead = f"add a size that is large enough: {better}" if better else "no model makes pictures that large"
        return (
            f"{channel.id} ({channel.size}) is larger than every size here; it is left out, never enlarged",
            instead,
        )
    kept = share(size, channel)
    if kept >= GOOD_SHARE:
        return None
    gain = better is not None and share(better, channel) > kept
    advice = "check each cut before it goes out"
    if gain and better:
        advice = f"add {better} to sizes: {channel.id} shows {share(better, channel):.0%} of it; or {advice}"
    return f"{channel.id} shows only {kept:.0%} of {size}, the best size for it here", advice


def _channels(draft: PartialCampaign) -> Iterator[Problem]:
    source, seen = draft.source, set[str]()
    for at, entry in enumerate(draft.campaign.channels[:_MOST_CHANNELS]):
        if entry.name in seen:
            yield source.at(("channels", at), f"{entry.name} appears twice", "write each channel once")
        seen.add(entry.name)
        for loc, message, advice in _flaws(("channels", at), entry):
            yield source.at(loc, message, advice)
    if len(draft.campaign.channels) > _MOST_CHANNELS:
        yield source.at_key(("channels",), f"more than {_MOST_CHANNELS} channels", "split the campaign")


def _flaws(loc: Loc, entry: ChannelEntry) -> Iterator[tuple[Loc, str, str]]:
    known, channel = known_channels(), channel_of(entry)
    if channel is None:
        guess = did_you_mean(entry.name, known)
        name = "my-channel" if id_flaw(entry.name) else entry.name
        yield (*loc, "name"), f"there is no channel '{entry.name}'{guess}", _OWN.format(name=name)
        return
    if entry.name not in known and (flaw := id_flaw(entry.name)):
        yield (*loc, "name"), *flaw
    if max(channel.size.width, channel.size.height) > _MOST_PIXELS:
        yield (*loc, "size"), f"{channel.size} is larger than any channel", f"at most {_MOST_PIXELS:,} pixels a side"
    for at, name in enumerate(channel.formats):
        if name not in FORMATS:
            message = f"'{name}' is not a format of delivered files{did_you_mean(name, FORMATS)}"
            yield (*loc, "formats", at), message, f"write one of: {', '.join(FORMATS)}"
    safe, size = channel.safe, channel.size
    if safe.left + safe.right >= size.width or safe.top + safe.bottom >= size.height:
        yield (*loc, "safe"), f"these edges leave nothing of {size}", "give the pixels that are covered at each edge"


def _lists(draft: PartialCampaign) -> Iterator[Problem]:
    settings, source = draft.campaign.deliver, draft.source
    for field, names, known in (
        ("folders", settings.folders, FOLDER_WORDS),
        ("columns", settings.columns or (), COLUMNS),
    ):
        seen: set[str] = set()
        for at, name in enumerate(names):
            if name not in known and not (field == "folders" and _is_word(draft.campaign, name)):
                message = f"'{name}' cannot be one of {field}{did_you_mean(name, known)}"
                yield source.at(("deliver", field, at), message, f"{field}: {', '.join(known)}")
            elif name in seen:
                yield source.at(("deliver", field, at), f"'{name}' appears twice", "write each once")
            seen.add(name)


def _name(draft: PartialCampaign, name: str) -> Iterator[Problem]:
    campaign, source, loc = draft.campaign, draft.source, ("deliver", "name")
    for flaw in flaws(name):
        yield source.problem(source.within(loc, flaw.at, flaw.brace), "this brace has no other", "write {channel}")
    for slot in slots(name):
        if slot.name not in NAME_WORDS and not _is_word(campaign, slot.name):
            place = source.within(loc, slot.at, f"{{{slot.name}}}") + 1
            known = [*NAME_WORDS, *_words(campaign)]
            message = f"unknown placeholder {{{slot.name}}} in a file name{did_you_mean(slot.name, known)}"
            yield source.problem(place, message, f"placeholders here: {joined([f'{{{each}}}' for each in known], 40)}")
    literal = "".join(part for part in parse(name) if isinstance(part, str))
    if found := _LITERAL.search(literal):
        message = f"a file name cannot have {found[0]!r}"
        yield source.at(loc, message, "use letters, digits and . _ - only; folders are given in `folders`")
    elif literal[:1] in (".", "-") and not name.startswith("{"):
        yield source.at(loc, f"a file name cannot begin with '{literal[0]}'", "begin with a letter or digit")
    yield from _untold(draft, {slot.name for slot in slots(name)})


def _lacking(draft: PartialCampaign) -> Iterator[Problem]:
    """Words of file names and folders that a product or market does not have."""
    campaign, settings = draft.campaign, draft.campaign.deliver
    named = [("name", slot.name) for slot in slots(settings.name or "")]
    for field, name in [*named, *(("folders", each) for each in settings.folders)]:
        axis, _, word = name.partition(".")
        if not _is_word(campaign, name) or f"{axis}.{word}" in ("product.id", "product.name", SKU):
            continue
        ids = [id for id, entry in getattr(campaign, f"{axis}s").items() if word not in entry.words]
        if ids:
            message = f"{{{name}}} is missing for {joined(ids)}"
            yield draft.source.at(("deliver", field), message, f"give {axis} {ids[0]} {with_article(word)}")


def _untold(draft: PartialCampaign, named: set[str]) -> Iterator[Problem]:
    """Axes that vary and are missing from the name."""
    campaign = draft.campaign
    for axis, own in _TELLS_APART.items():
        is_told = bool(named.intersection(own)) or any(each.startswith(f"{axis}.") for each in named)
        if len(getattr(campaign, f"{axis}s")) > 1 and not is_told:
            message = f"files of different {axis}s would have the same name"
            word = SKU if axis == "product" else axis
            yield draft.source.at(("deliver", "name"), message, f"write {{{word}}} in it")


def _is_word(campaign: Campaign, name: str) -> bool:
    return name in _words(campaign)


def _words(campaign: Campaign) -> Mapping[str, None]:
    """`product.…` and `market.…`: what a file name may have of a product or market."""
    products = (f"product.{word}" for entry in campaign.products.values() for word in entry.words)
    markets = (f"market.{word}" for entry in campaign.markets.values() for word in entry.words)
    return dict.fromkeys(("product.id", "product.name", SKU, *products, *markets))
