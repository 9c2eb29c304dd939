"""The names of delivered files: the template of the campaign, or ours, filled in for each file.

A name holds letters, digits and `. _ -` alone, whatever the words of products hold, so that it is a name on every
system and in every portal. Names are told apart without regard to case.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from campaign_runner.campaign_file.schema.channels import SKU
from campaign_runner.campaign_file.schema.compose import Composer
from campaign_runner.campaign_file.schema.ids import derived, is_device
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.campaign_file.schema.templates import Slot, parse
from campaign_runner.deliver.arrangement import Wanted, named
from campaign_runner.deliver.cuts.encoding import SUFFIXES
from campaign_runner.errors import CampaignFileError
from campaign_runner.problem import Problem
from campaign_runner.text import joined, plural

_MOST_BYTES = 255
"""Of one name, on nearly every disk."""
_LONGEST_VERSION = 9999
_MOST_KEPT = 8192  # words at once: most are in many names
_VERSION = "\0"  # where the version will be
_DEFAULT = "{campaign}_{product}_{prompt}_{preset}_{market}_{channel}_{width}x{height}"
_FOR_SEVERAL = "_{seed}"
_TELLS_IMAGES = {"seed", "key8"}


@dataclass(frozen=True, slots=True)
class Stem:
    """The name of a file below its target, without suffix, but for its version."""

    text: str

    def name(self, version: int, format: str) -> str:
        """The name of one version."""
        if _VERSION in self.text:
            stem = self.text.replace(_VERSION, f"{version:02d}")
        else:
            stem = self.text if version == 1 else f"{self.text}_v{version:02d}"
        return f"{stem}.{SUFFIXES[format]}"

    @property
    def folded(self) -> str:
        """The same for all stems that differ in case alone."""
        return folded(self.text)


class FileNames:
    """The names of a campaign's delivered files. Methods raise CampaignFileError, at the place of `deliver`."""

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self._composer = Composer(campaign)
        self._template = campaign.deliver.name
        named_slots = {part.name for part in parse(self._template or "") if isinstance(part, Slot)}
        self._tells_images = self._template is None or bool(named_slots & _TELLS_IMAGES)
        self._has_presets = campaign.source.find(("presets",))[0] is not None

    def stems(self, wanted: Sequence[Wanted]) -> list[Stem]:
        """The names of all files, each another one, all short enough; every problem is told at once."""
        problems = dict.fromkeys(self._untold(wanted))
        stems: list[Stem] = []
        first: dict[str, Wanted] = {}
        for each in wanted:
            stem = Stem(self._path(each))
            stems.append(stem)
            problems |= dict.fromkeys(self._flaws(each, stem))
            other = first.setdefault(stem.folded, each)
            if other is not each and (self._tells_images or other.slot[:2] != each.slot[:2]):
                problems[self._same(other, each, stem)] = None
        if problems:
            raise CampaignFileError(list(problems)[:20])
        return stems

    def _path(self, wanted: Wanted) -> str:
        words = self._words(wanted)
        template = self._template
        if template is None:
            template = _DEFAULT + (_FOR_SEVERAL if wanted.is_one_of_several else "")
        folders = [kept(words.get(name, "")).strip(".-_") for name in self._campaign.deliver.folders]
        return "/".join([*filter(None, folders), filled(template, words)])

    def _words(self, wanted: Wanted) -> Mapping[str, str]:
        cell, entry, channel = wanted.chosen.cell, wanted.chosen.entry, wanted.channel
        return {
            **product_words(self._campaign, self._composer, cell.product, cell.market),
            **self._market_words(cell.market),
            "product": cell.product,
            "prompt": cell.prompt,
            "preset": cell.preset if self._has_presets else "",
            "market": cell.market or "",
            "size": str(cell.size),
            "seed": str(entry.seed),
            "key8": entry.key[:8],
            "language": self._composer.language(cell.market) or "",
            "channel": channel.id,
            "width": str(channel.size.width),
            "height": str(channel.size.height),
            "campaign": self._campaign.campaign,
        }

    def _market_words(self, market: str | None) -> dict[str, str]:
        if market is None or market not in self._campaign.markets:
            return {}
        words = self._campaign.markets[market].words
        found = {word: self._composer.wording(text, market) for word, text in words.items()}
        return {f"market.{word}": wording[1] for word, wording in found.items() if wording is not None}

    def _untold(self, wanted: Sequence[Wanted]) -> Iterator[Problem]:
        """Rows that deliver several images, where the name does not say which."""
        rows = list(dict.fromkeys(named(each.slot[0]) for each in wanted if each.is_one_of_several))
        if rows and not self._tells_images:
            of = rows[0] if len(rows) == 1 else f"each of {plural(len(rows), 'row')} ({joined(rows, most=3)})"
            message = f"several images of {of} are delivered, and the name does not say which is which"
            yield self._campaign.problem(("deliver", "name"), message, "write {seed} in it")

    def _flaws(self, wanted: Wanted, stem: Stem) -> Iterator[Problem]:
        settings = self._campaign.deliver
        name = stem.name(_LONGEST_VERSION, wanted.channel.formats[0])
        for part in name.split("/"):
            if flaw := _flaw(part, settings.name_max):
                yield self._campaign.problem(("deliver", "name"), f"'{part}' {flaw}", "shorten or change the name")

    def _same(self, one: Wanted, other: Wanted, stem: Stem) -> Problem:
        name = stem.name(1, one.channel.formats[0])
        if one.slot[:2] == other.slot[:2]:
            message = f"two files would be called {name}: {named(one.slot[0])} has two images of this seed"
            return self._campaign.problem(("deliver", "name"), message, "write {key8} in it")
        rows = f"{named(one.slot[0])} and {named(other.slot[0])}"
        message = f"two files would be called {name} (case does not count): {rows}"
        return self._campaign.problem(("deliver", "name"), message, "write what tells them apart, such as {product}")


def product_words(campaign: Campaign, composer: Composer, product: str, market: str | None) -> dict[str, str]:
    """What `product.…` stands for, `product.sku` always: also of a product that is no longer in the campaign."""
    sku = _as_spelt(campaign, product)
    if product not in campaign.products:
        return {SKU: sku, "product.id": product, "product.name": product}
    return {SKU: sku, **composer.product_words(product, market)}


def _as_spelt(campaign: Campaign, product: str) -> str:
    """The id of a product as the campaign's file or sheet spells it."""
    key, _ = campaign.source.find(("products", product))
    is_its_own = key is not None and product in (key.text, derived(key.text))
    return key.text if key is not None and is_its_own else product


def folded(name: str) -> str:
    """The same for all names that differ in case alone."""
    return unicodedata.normalize("NFC", name).casefold()


def format_of(name: str) -> str:
    """The format of a file that this program named."""
    suffix = name.rpartition(".")[2]
    return next((format for format, own in SUFFIXES.items() if own == suffix), suffix)


@lru_cache(_MOST_KEPT)
def kept(value: str) -> str:
    """Of a value what may be in a name: letters, digits and `. _ -`; each run of others is one dash."""
    composed = unicodedata.normalize("NFC", value)
    marks = "".join(each if unicodedata.category(each)[0] in "LNM" or each in "._-" else " " for each in composed)
    return "-".join(marks.split())


def filled(template: str, words: Mapping[str, str]) -> str:
    """A template with its placeholders filled in; one that stands for nothing takes its `_` along."""
    parts: list[str] = []
    for part in parse(template):
        if isinstance(part, str):
            parts.append(part)
        elif part.name == "version":
            parts.append(_VERSION)
        elif value := kept(words.get(part.name, "")):
            parts.append(value)
        elif parts and parts[-1].endswith("_"):
            parts[-1] = parts[-1][:-1]
    return "".join(parts).lstrip("_") if not template.startswith("_") else "".join(parts)


def _flaw(part: str, longest: int) -> str | None:
    """What is wrong with one part of a name; None if nothing is."""
    if len(part) > longest:
        return f"has {len(part)} characters, more than name_max ({longest})"
    if len(part.encode()) > _MOST_BYTES:
        return f"has {len(part.encode())} bytes, and disks take {_MOST_BYTES}"
    if part[:1] in ("", ".", "-") or part.endswith("."):
        return "cannot be the name of a file: it begins with '.' or '-', or ends with '.'"
    return "cannot be the name of a file: Windows keeps it for a device" if is_device(part.partition(".")[0]) else None
