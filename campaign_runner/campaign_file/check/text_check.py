"""The texts of a campaign as they are written: placeholders that exist, words that are used, keys that are meant.

Whether every cell finds its words is the matter of `filling`; here each text is looked at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from campaign_runner.campaign_file.check.partial import PartialCampaign
from campaign_runner.campaign_file.check.sheet_advice import one_for_each
from campaign_runner.campaign_file.schema.look import REFERENCES, look_places
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.campaign_file.schema.shape import RESERVED
from campaign_runner.campaign_file.schema.templates import EVERYWHERE, OTHER, Slot, Text, flaws, language, slots
from campaign_runner.campaign_file.syntax.parser import quoted
from campaign_runner.campaign_file.syntax.source import Loc
from campaign_runner.problem import Problem
from campaign_runner.text import did_you_mean, joined, plural

FIXED = ("preset", "market", "size", "campaign", "concept")
IDS = {"product.id": "products", "preset": "presets"}
"""Placeholders that are ids which may be made from names, and the list of each."""
_NAME = re.compile(r"[^\W\d][\w-]*")


@dataclass(frozen=True, slots=True)
class WrittenText:
    """One text as written for one market, language, or all."""

    loc: Loc
    text: str


def filled_texts(campaign: Campaign) -> Iterator[tuple[Loc, Text]]:
    """The texts in which placeholders work: prompts, negative prompts, vars and reference paths."""
    for id, prompt in campaign.prompts.items():
        yield ("prompts", id, "text"), prompt.text
    for at, entry in enumerate(campaign.include):
        if entry.text is not None:
            yield ("include", at, "text"), entry.text
    for name, text in campaign.vars.items():
        yield ("vars", name), text
    for loc, look in look_places(campaign):
        if look.negative_prompt is not None:
            yield (*loc, "negative_prompt"), look.negative_prompt
        for field in REFERENCES:
            if (path := getattr(look, field)) is not None:
                yield (*loc, field), {EVERYWHERE: path}


def delivery_texts(campaign: Campaign) -> Iterator[tuple[Loc, Text]]:
    """The texts of delivered files in which the same placeholders work; nothing that is bought depends on them."""
    if campaign.deliver.alt is not None:
        yield ("deliver", "alt"), campaign.deliver.alt
    for id, prompt in campaign.prompts.items():
        if prompt.alt is not None:
            yield ("prompts", id, "alt"), prompt.alt


def _used_in(campaign: Campaign) -> Iterator[str]:
    """The placeholders of every text, those of file names by the word that they mean."""
    for text in wordings(chain(filled_texts(campaign), delivery_texts(campaign))):
        yield from (slot.name for slot in slots(text.text))
    name = campaign.deliver.name or ""
    yield from (slot.removeprefix("market.") for slot in (*(s.name for s in slots(name)), *campaign.deliver.folders))


def plain_texts(campaign: Campaign) -> Iterator[tuple[Loc, Text]]:
    """The texts that are put into others as they are: names and words."""
    for id, product in campaign.products.items():
        yield ("products", id, "name"), product.name
        for word, text in product.words.items():
            yield ("products", id, word), text
    for id, market in campaign.markets.items():
        for word, text in market.words.items():
            yield ("markets", id, word), text


def wordings(texts: Iterable[tuple[Loc, Text]]) -> Iterator[WrittenText]:
    """Every single wording of `texts`."""
    for loc, text in texts:
        for key, wording in text.items():
            yield WrittenText((*loc, key), wording)


def _words(campaign: Campaign, axis: str) -> Iterator[tuple[str, str]]:
    """The words of products or markets, with the id of whose they are."""
    for id, entry in getattr(campaign, axis).items():
        for word in entry.words:
            yield id, word


def sends_ids(campaign: Campaign) -> bool:
    """Whether any text has an id that may be made from a name."""
    return any(slot.name in IDS for text in wordings(filled_texts(campaign)) for slot in slots(text.text))


def is_product_word(name: str) -> bool:
    """Whether a placeholder has the form `product.word`."""
    return name.startswith("product.") and _NAME.fullmatch(name.removeprefix("product.")) is not None


class TextCheck:
    """What the placeholders of a campaign may name, and which of it they do name."""

    def __init__(self, draft: PartialCampaign) -> None:
        self._draft = draft
        campaign = draft.campaign
        self._vars = campaign.vars
        self._market_words = {word for market in campaign.markets.values() for word in market.words}
        self._product_words = {word for product in campaign.products.values() for word in product.words}
        has_concept = draft.family is None or draft.family.is_custom
        absent = {*(() if campaign.markets else ("market",)), *(() if has_concept else ("concept",))}
        self.known = {
            *(name for name in FIXED if name not in absent),
            *self._vars,
            *self._market_words,
            *(f"product.{field}" for field in ("name", "id", *self._product_words)),
        }
        self._used = set(_used_in(campaign))

    def problems(self) -> Iterator[Problem]:
        """Everything that can be said of the texts without filling them."""
        yield from self.problems_of(filled_texts(self._draft.campaign))
        yield from self._unfilled_braces()
        yield from self._names()
        yield from self._unused()
        for loc, text in plain_texts(self._draft.campaign):
            yield from self._keys(loc, text)

    def problems_of(self, texts: Iterable[tuple[Loc, Text]]) -> Iterator[Problem]:
        """The same of texts in which placeholders work, each by itself."""
        for loc, text in texts:
            for wording in wordings([(loc, text)]):
                yield from self._braces(wording)
                for slot in slots(wording.text):
                    yield from self._unknown(wording, slot)
            yield from self._keys(loc, text)

    def warnings(self) -> Iterator[Problem]:
        """Vars that nothing uses, doubled braces, and one wording where markets speak several languages."""
        source = self._draft.source
        for name in self._vars:
            if name not in self._used:
                yield source.at_key(("vars", name), f"nothing uses {{{name}}}", "remove the line, or use it")
        for wording in wordings(filled_texts(self._draft.campaign)):
            if (at := wording.text.find("{{")) >= 0 and "}}" in wording.text[at:]:
                message = "{{ and }} are sent as { and }: nothing is filled in between them"
                place = source.within(wording.loc, at, "{{")
                yield source.problem(place, message, "write single braces to fill in a word")
        yield from self._one_wording_for_all()

    def _braces(self, wording: WrittenText) -> Iterator[Problem]:
        for flaw in flaws(wording.text):
            message = "this { is never closed" if flaw.brace == "{" else "this } has no opening {"
            place = self._draft.source.within(wording.loc, flaw.at, flaw.brace)
            close = "close it, such as {product.name}; " if flaw.brace == "{" else "open it, such as {product.name}; "
            advice = f"{close}write {flaw.brace * 2} to send a brace"
            yield self._draft.source.problem(place, message, advice)

    def _unknown(self, wording: WrittenText, slot: Slot) -> Iterator[Problem]:
        name, broken = slot.name, self._draft.broken
        if name in self.known or is_product_word(name):
            return  # whose product has a word is looked at when texts are filled
        if name == "market":
            yield self._at(wording, slot, "this campaign has no markets", "remove {market}, or add 'markets'")
        elif name == "concept":
            yield self._at(wording, slot, "only a custom model has a {concept}", "write the word itself")
        elif not {"vars", "markets"} & broken or not _NAME.fullmatch(name):
            yield self._at(wording, slot, *self._not_a_placeholder(name))

    def _not_a_placeholder(self, name: str) -> tuple[str, str]:
        plain = re.split("[:!]", name.strip())[0].strip()
        if not plain:
            return "empty braces", "write {{}} to send braces"
        if plain in self.known:
            return f"{{{name}}} contains more than a name", f"write {{{plain}}}: placeholders don't take formats"
        meant = "; did you mean 'product.name'?" if plain == "product" else did_you_mean(plain, self.known)
        known = joined([f"{{{known}}}" for known in sorted(self.known)], most=12)
        return f"unknown placeholder {{{name}}}{meant}", f"placeholders here: {known}"

    def _at(self, wording: WrittenText, slot: Slot, message: str, advice: str) -> Problem:
        source = self._draft.source
        return source.problem(source.within(wording.loc, slot.at, f"{{{slot.name}}}") + 1, message, advice)

    def _unfilled_braces(self) -> Iterator[Problem]:
        for wording in wordings(plain_texts(self._draft.campaign)):
            for slot in slots(wording.text):
                message = "placeholders work in prompts, negative prompts, vars and reference paths, not in words"
                yield self._at(wording, slot, message, "write the word itself")

    def _names(self) -> Iterator[Problem]:
        """Names that a placeholder could not name."""
        campaign, source = self._draft.campaign, self._draft.source
        locs = [(axis, id, word) for axis in ("products", "markets") for id, word in _words(campaign, axis)]
        for loc in locs:
            if not _NAME.fullmatch(loc[-1]):
                advice = "words are letters, digits, _ and -, beginning with a letter"
                yield source.at_key(loc, f"'{loc[-1]}' cannot be a word for prompts", advice)
        for name in campaign.vars:
            if not _NAME.fullmatch(name) or name in (*FIXED, "product"):
                why = "it has a meaning already" if name in (*FIXED, "product") else "letters, digits, _ and - only"
                yield source.at_key(("vars", name), f"'{name}' cannot be a var: {why}", "choose another name for it")
        for id in campaign.markets:
            if id in RESERVED - {"id"}:
                yield source.at_key(("markets", id), f"'{id}' cannot be a market: it is reserved", "choose another id")

    def _unused(self) -> Iterator[Problem]:
        """Words that no placeholder names; a word of forty products is told once."""
        draft = self._draft
        if {"prompts", "vars", "include", "defaults"} & draft.broken or draft.undeliverable:
            return
        for axis, prefix in (("products", "product."), ("markets", "")):
            holders: dict[str, list[str]] = {}
            for id, word in _words(draft.campaign, axis):
                holders.setdefault(word, []).append(id)
            for word, ids in holders.items():
                if prefix + word not in self._used:
                    yield self._unused_word(axis, prefix, word, ids)

    def _unused_word(self, axis: str, prefix: str, word: str, ids: list[str]) -> Problem:
        used = (name.removeprefix(prefix) for name in self._used if name.startswith(prefix))
        also = f" (nor of {len(ids) - 1} more)" if len(ids) > 1 else ""
        near = did_you_mean(word, (*used, *(name for name in RESERVED if name not in ("where", "file"))))
        message = f"no prompt uses '{word}' of {ids[0]}{also}{near}"
        return self._draft.source.at_key((axis, ids[0], word), message, f"use {{{prefix}{word}}} or remove it")

    def _keys(self, loc: Loc, text: Text) -> Iterator[Problem]:
        """A text by market names markets, or languages that one of them speaks."""
        if not text or EVERYWHERE in text or "markets" in self._draft.broken:
            return
        if not self._draft.campaign.markets:
            message = "texts by market or language need 'markets'"
            written, _ = self._draft.source.find(loc)
            advice = f"write one text: {written.text if written else loc[-1]}: {quoted(next(iter(text.values())))}"
            yield self._draft.source.at(loc, message, advice)
            return
        for key in text:
            if key not in self._meant:
                message = f"'{key}' is neither a market nor a language of one{did_you_mean(key, self._meant)}"
                advice = f"known here: {', '.join(sorted(self._meant - {OTHER}))}, and other for all the rest"
                yield self._draft.source.at_key((*loc, key), message, advice)

    @cached_property
    def _meant(self) -> set[str]:
        """What the keys of a text may be."""
        return {OTHER, *self._draft.campaign.markets, *self._languages()}

    def _languages(self) -> set[str]:
        campaign = self._draft.campaign
        locales = {market.locale or campaign.defaults.locale for market in campaign.markets.values()}
        return {spoken for locale in locales if (spoken := language(locale))}

    def _one_wording_for_all(self) -> Iterator[Problem]:
        spoken = sorted(self._languages())
        if len(spoken) < 2:
            return
        campaign = self._draft.campaign
        names = [("products", id, "name") for id, entry in campaign.products.items() if EVERYWHERE in entry.name]
        texts = [("prompts", id, "text") for id, entry in campaign.prompts.items() if EVERYWHERE in entry.text]
        for locs, noun, what in ((names, "product", "name"), (texts, "prompt", "text")):
            if locs:
                has = f"{plural(len(locs), noun)} {'has' if len(locs) == 1 else 'have'} only one {what}"
                message = f"{has}, but your markets use {', '.join(spoken[:-1])} and {spoken[-1]}"
                advice = f"write {{{spoken[0]}: …, {spoken[1]}: …}}, or {{other: …}} if you mean one {what} for all"
                if noun == "product" and self._draft.source.sheet is not None:
                    advice = one_for_each(what, spoken)
                yield self._draft.source.at(locs[0], message, advice)
