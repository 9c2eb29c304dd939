"""A cell to what is asked for it: the final prompt and the look that is set.

Templates are compiled once per text and market, with everything that the market decides already
filled in; what remains per cell is a handful of look-ups. The campaign has been checked: a word
that is missing is met only where texts of two campaigns are mixed, and raised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from campaign_runner.campaign_file.schema.look import REFERENCES, merged, own_fields
from campaign_runner.campaign_file.schema.schema import Campaign, NamedEntry
from campaign_runner.campaign_file.schema.templates import Slot, Text, clean, key_for, language, parse, slots
from campaign_runner.campaign_file.syntax.source import Loc
from campaign_runner.model import Cell

_MOST_KEPT = 4096  # merged looks, and products' words, kept at once


@dataclass(frozen=True, slots=True)
class Composed:
    """What a cell asks for. `prompt` is as sent, `prompt_template` as written for its market.

    `look` holds the look fields that are set, by their names in the campaign file: a reference
    image is an absolute Path, or the text of its link.
    """

    prompt: str
    prompt_template: str
    look: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Look:
    """A merged look; `open` are the fields whose text still has to be filled for a cell."""

    fields: Mapping[str, Any]
    open: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Open:
    """A placeholder that each cell fills in: a product's word, `preset` or `size`; `slot` of the text at `loc`."""

    loc: Loc
    slot: Slot


@dataclass(frozen=True, slots=True)
class Missing:
    """What is not in the campaign: the word for `slot` of the text at `loc`; without a slot, that text's wording."""

    loc: Loc
    slot: Slot | None = None


class MissingText(LookupError):
    """A word, or a wording for the cell's market, that a text needs is not in the campaign."""


class Composer:
    """Composes cells of a checked campaign. `concept` is the custom model's word for `{concept}`.

    Methods that fill in texts raise MissingText; `parts` yields what is missing.
    """

    def __init__(self, campaign: Campaign, concept: str | None = None) -> None:
        self._campaign = campaign
        self._fixed = {"campaign": campaign.campaign, "concept": "{concept}" if concept is None else concept}
        self._folder = campaign.path.parent.absolute()
        locales = {id: market.locale or campaign.defaults.locale for id, market in campaign.markets.items()}
        self._languages = {id: language(locale) for id, locale in [(None, campaign.defaults.locale), *locales.items()]}
        self.compiled = cache(self._compile)
        """A text for a market as a %-pattern, and what each %s stands for; without any, the text itself."""
        self.product_words = lru_cache(_MOST_KEPT)(self._words_of_product)
        """What `product.…` stands for, by product and market; a word without a wording for it is left out."""
        self._template = lru_cache(_MOST_KEPT)(self._template_of)
        self._merged = lru_cache(_MOST_KEPT)(self._merge)
        self._defaults = own_fields(campaign.defaults)
        axes: tuple[Mapping[str, NamedEntry], ...] = (
            campaign.markets,
            campaign.presets,
            campaign.prompts,
            campaign.products,
        )
        self._givers: tuple[dict[str | None, dict[str, Any]], ...] = tuple(map(_givers, axes))
        self._included = tuple(own_fields(entry) for entry in campaign.include)

    def compose(self, cell: Cell) -> Composed:
        """The prompt and the look of `cell`."""
        template = self.template(cell)
        prompt = clean(self.fill(template, cell))
        look = self._look(cell)
        if not look.open:
            return Composed(prompt, template, look.fields)
        filled = {name: self._finish(name, self.fill(text, cell)) for name, text in look.open.items()}
        return Composed(prompt, template, MappingProxyType({**look.fields, **filled}))

    def prompt(self, cell: Cell) -> str:
        """The prompt of `cell`, as sent."""
        return clean(self.fill(self.template(cell), cell))

    def template(self, cell: Cell) -> str:
        """The prompt as written for the cell's market."""
        return self._template(cell.prompt, cell.market, cell.include)

    def _template_of(self, prompt: str, market: str | None, include: int | None) -> str:
        return self._wording(self._written(prompt, include)[1], market)[1]

    def place(self, cell: Cell) -> Loc:
        """Where that is in the file."""
        loc, text = self.written(cell)
        return (*loc, self._wording(text, cell.market)[0])

    def written(self, cell: Cell) -> tuple[Loc, Text]:
        """The prompt of a cell in all its wordings, and its place."""
        return self._written(cell.prompt, cell.include)

    def _written(self, prompt: str, include: int | None) -> tuple[Loc, Text]:
        if include is not None and (own := self._campaign.include[include].text) is not None:
            return ("include", include, "text"), own
        return ("prompts", prompt, "text"), self._campaign.prompts[prompt].text

    def alt_of(self, cell: Cell) -> Iterator[tuple[Loc, Text]]:
        """The description of a cell for people who cannot see its picture, in all its wordings, and its place.

        The prompt's own, otherwise the campaign's; nothing where there is neither.
        """
        own = self._campaign.prompts[cell.prompt].alt if cell.prompt in self._campaign.prompts else None
        if own is not None:
            yield ("prompts", cell.prompt, "alt"), own
        elif self._campaign.deliver.alt is not None:
            yield ("deliver", "alt"), self._campaign.deliver.alt

    def language(self, market: str | None) -> str | None:
        """The language of a market: of its own locale, otherwise of the campaign's."""
        return self._languages.get(market)

    def _wording(self, text: Text, market: str | None) -> tuple[str, str]:
        if (found := self.wording(text, market)) is None:
            raise MissingText(f"no wording for market {market}")
        return found

    def keys_of(self, market: str) -> tuple[str, ...]:
        """The keys under which a market's own wording may be."""
        return tuple(key for key in (market, self._languages.get(market)) if key)

    def wording(self, text: Text, market: str | None) -> tuple[str, str] | None:
        """The key of the wording for a market, and the wording; None if there is none."""
        key = key_for(text, market, self._languages.get(market))
        return None if key is None else (key, text[key])

    def fill(self, text: str, cell: Cell) -> str:
        """A text with its placeholders filled in, not cleaned."""
        pattern, names = self.compiled(text, cell.market)
        if not names:
            return pattern
        words = self.product_words(cell.product, cell.market)
        return pattern % tuple([words[name] if name in words else _of_cell(name, cell) for name in names])

    def _compile(self, text: str, market: str | None) -> tuple[str, tuple[str, ...]]:
        parts = list(self._parts_of((), text, market))
        if missing := [part for part in parts if isinstance(part, Missing)]:
            raise MissingText(str(missing[0]))
        names = tuple(part.slot.name for part in parts if isinstance(part, Open))
        literals = (part.replace("%", "%%") if names else part for part in parts if isinstance(part, str))
        return "".join("%s" if isinstance(part, Open) else next(literals) for part in parts), names

    def _words_of_product(self, id: str, market: str | None) -> dict[str, str]:
        product = self._campaign.products[id]
        texts = {"name": product.name, **product.words}
        found = {field: self.wording(text, market) for field, text in texts.items()}
        words = {f"product.{field}": wording[1] for field, wording in found.items() if wording is not None}
        return {"product.id": id, **words}

    def parts(self, loc: Loc, text: Text, market: str | None) -> Iterator[str | Open | Missing]:
        """What the text at `loc` consists of for a market, through the market's words and the campaign's vars."""
        if (found := self.wording(text, market)) is None:
            yield Missing(loc)
        else:
            yield from self._parts_of((*loc, found[0]), found[1], market)

    def _parts_of(self, loc: Loc, wording: str, market: str | None) -> Iterator[str | Open | Missing]:
        for part in parse(wording):
            if isinstance(part, str):
                yield part
            elif part.name in ("preset", "size") or part.name.startswith("product."):
                yield Open(loc, part)
            else:
                yield from self._meant(loc, part, market)

    def _meant(self, loc: Loc, slot: Slot, market: str | None) -> Iterator[str | Open | Missing]:
        name, campaign = slot.name, self._campaign
        if name in self._fixed:
            yield self._fixed[name]
        elif name == "market" and market is not None:
            yield market
        elif market is not None and (word := campaign.markets[market].words.get(name)) is not None:
            found = self.wording(word, market)  # a word is put in as it is
            yield Missing(("markets", market, name)) if found is None else found[1]
        elif name in campaign.vars:
            yield from self.parts(("vars", name), campaign.vars[name], market)
        else:
            yield Missing(loc, slot)

    def _look(self, cell: Cell) -> _Look:
        """The merged look of a cell; entries that give nothing are not told apart."""
        _, presets, prompts, products = self._givers
        own = (
            cell.market,
            cell.preset if cell.preset in presets else None,
            cell.prompt if cell.prompt in prompts else None,
            cell.product if cell.product in products else None,
        )
        return self._merged(own, cell.market, cell.include)

    def _merge(self, own: tuple[str | None, ...], market: str | None, include: int | None) -> _Look:
        givers = [self._defaults, *(givers.get(id, {}) for id, givers in zip(own, self._givers, strict=True))]
        if include is not None:
            givers.append(self._included[include])
        entry = self._campaign.markets.get(market) if market else None
        fields = merged(givers, entry.locale if entry else None)
        if "negative_prompt" in fields:
            fields["negative_prompt"] = self._wording(fields["negative_prompt"], market)[1]
        open_: dict[str, str] = {}
        for name in ("negative_prompt", *REFERENCES):
            if name in fields and slots(fields[name]):
                open_[name] = fields.pop(name)
            elif name in fields:
                fields[name] = self._finish(name, self.compiled(fields[name], market)[0])
        return _Look(MappingProxyType(fields), open_)

    def _finish(self, name: str, text: str) -> str | Path:
        if name == "negative_prompt":
            return clean(text)
        return text if "://" in text else self._folder / text


def _givers(entries: Mapping[str, NamedEntry]) -> dict[str | None, dict[str, Any]]:
    """The look fields of those entries that give any."""
    return {id: own for id, entry in entries.items() if (own := own_fields(entry))}


def _of_cell(name: str, cell: Cell) -> str:
    match name:
        case "preset":
            return cell.preset
        case "size":
            return str(cell.size)
    raise MissingText(f"{cell.product} has no {{{name}}}")
