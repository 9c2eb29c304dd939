"""Every cell finds its words: placeholders are followed into each product, market and var that is used.

What matters is looked at once per combination, not per cell: sizes and presets only count where a
text names them. Only cells that are made are looked at, so a word may be missing where it is not needed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cache
from unicodedata import normalize

from campaign_runner.campaign_file.check.partial import PartialCampaign, whole_cells
from campaign_runner.campaign_file.check.sheet_advice import fill_in, no_text
from campaign_runner.campaign_file.check.text_check import IDS, filled_texts, is_product_word, wordings
from campaign_runner.campaign_file.schema.cells import AXES
from campaign_runner.campaign_file.schema.compose import Composer, Missing, Open
from campaign_runner.campaign_file.schema.look import REFERENCES, layers
from campaign_runner.campaign_file.schema.reference_files import picture_flaw
from campaign_runner.campaign_file.schema.templates import EVERYWHERE, Slot, Text, clean, slots
from campaign_runner.campaign_file.syntax.source import Loc, Scalar
from campaign_runner.families import PROMPT_CHARACTERS
from campaign_runner.model import Cell
from campaign_runner.problem import Problem
from campaign_runner.text import joined, nearest, plural, with_article

_MOST_NAMED = 6
_NO_MARKET = ""


class TemplateCheck:
    """One walk over the combinations of a campaign whose texts have nothing wrong by themselves."""

    def __init__(self, draft: PartialCampaign, known: Collection[str]) -> None:
        self._draft = draft
        self._most = draft.family.prompt_characters if draft.family else PROMPT_CHARACTERS
        self._campaign = draft.campaign
        self._known = known
        self._composer = Composer(draft.campaign)
        self._needs: dict[tuple[Loc, str | None], list[Missing | Open]] = {}
        self._missing: dict[Missing, dict[str, None]] = {}
        self._long: dict[Loc, dict[str, int]] = {}  # characters, by product
        self._pictures: dict[Loc, dict[str, None]] = {}
        self._short: dict[tuple[Loc, str | None], bool] = {}
        self._longest = cache(self._length_of_longest)
        self._is_everywhere = cache(self._stands_everywhere)
        self._suspects: set[Loc] = set()  # prompts that may be too long
        texts = list(filled_texts(draft.campaign))
        self._has_look_texts = any(loc[-1] in ("negative_prompt", *REFERENCES) for loc, _ in texts)
        self._named = {slot.name for text in wordings(texts) for slot in slots(text.text)}
        self._respelt = draft.source.respelt

    def problems(self) -> Iterator[Problem]:
        """Words and wordings that are missing, texts that are too long once filled, pictures that are not there."""
        for cell in () if self._is_plain() else whole_cells(self._draft, self._axes()):
            self._visit(cell)
        if self._suspects:
            self._measure_each()
        for lack, who in self._missing.items():
            yield from self._lacking(lack, list(who))
        for loc, by_product in self._long.items():
            yield self._too_long(loc, max(by_product.values()), list(by_product))
        for loc, references in self._pictures.items():
            yield from self._missing_pictures(loc, references)

    def delivery_problems(self) -> Iterator[Problem]:
        """Words and wordings that the texts of delivered files lack."""
        alts = (self._campaign.deliver.alt, *(prompt.alt for prompt in self._campaign.prompts.values()))
        is_described = any(alt is not None for alt in alts)
        for cell in whole_cells(self._draft, ("product", "prompt", "market")) if is_described else ():
            for loc, text in self._composer.alt_of(cell):
                self._lacks_anything(loc, text, cell)
        for lack, who in self._missing.items():
            yield from self._lacking(lack, list(who))

    def _is_plain(self) -> bool:
        """Whether every prompt has its words with any product in any market, and fits: then no cell lacks anything."""
        if self._has_look_texts or self._draft.doubtful:
            return False
        campaign = self._campaign
        texts: list[tuple[Loc, Text]] = [(("prompts", id, "text"), each.text) for id, each in campaign.prompts.items()]
        own = ((number, each.text) for number, each in enumerate(campaign.include))
        texts += [(("include", number, "text"), text) for number, text in own if text is not None]
        markets: Iterable[str | None] = campaign.markets or (None,)
        return all(self._has_all_words(loc, text, market) for market in markets for loc, text in texts)

    def _has_all_words(self, loc: Loc, text: Text, market: str | None) -> bool:
        needs = self._needed(loc, text, market)
        is_whole = all(isinstance(need, Open) and self._is_everywhere(need.slot.name, market) for need in needs)
        return is_whole and self._fits(loc, text, market)

    def _stands_everywhere(self, name: str, market: str | None) -> bool:
        """Whether a placeholder stands for something with every product."""
        if name in IDS:
            return not self._respelt.get(IDS[name])
        every = (self._composer.product_words(id, market) for id in self._campaign.products)
        return name == "size" or all(name in words for words in every)

    def _axes(self) -> set[str]:
        """What decides which words a text needs; the ids and sizes that a prompt names differ only in length."""
        axes = {"product", "prompt", "market"} | ({"preset"} & self._named if self._respelt.get("presets") else set())
        return axes | {"preset"} | ({"size"} & self._named) if self._has_look_texts else axes

    def _visit(self, cell: Cell) -> None:
        if self._draft.doubtful and self._draft.doubtful.intersection(loc for loc, _ in layers(self._campaign, cell)):
            return
        loc, text = self._composer.written(cell)
        if not self._lacks_anything(loc, text, cell) and not self._fits(loc, text, cell.market):
            self._suspects.add(loc)
        for loc, text in self._look_texts(cell) if self._has_look_texts else ():
            if not self._lacks_anything(loc, text, cell):
                self._look_text(loc, text, cell)

    def _fits(self, loc: Loc, text: Text, market: str | None) -> bool:
        """Whether a prompt is short enough even with the longest word of any product, preset and size."""
        key = (loc, market)
        if key not in self._short:
            written = self._composer.wording(text, market)
            pattern, names = self._composer.compiled(written[1] if written else "", market)
            longest = len(normalize("NFC", pattern)) + sum(self._longest(name, market) for name in names)
            self._short[key] = longest <= self._most
        return self._short[key]

    def _length_of_longest(self, name: str, market: str | None) -> int:
        """The characters of the longest text that a placeholder can stand for in a market."""
        words: Iterable[str] = ()
        if name == "preset":
            words = self._campaign.presets
        elif name == "size":
            words = map(str, self._campaign.sizes)
        else:
            words = (self._composer.product_words(id, market).get(name, "") for id in self._campaign.products)
        return max(len(normalize("NFC", word)) for word in words)

    def _measure_each(self) -> None:
        """Prompts that may be too long are measured for every cell that is made."""
        for cell in whole_cells(self._draft, AXES):
            loc, text = self._composer.written(cell)
            if loc in self._suspects and not self._lacks_anything(loc, text, cell):
                self._measure(loc, self._composer.prompt(cell), cell)

    def _look_text(self, loc: Loc, text: Text, cell: Cell) -> None:
        found = self._composer.wording(text, cell.market)
        if found is None:
            return
        filled = self._composer.fill(found[1], cell)
        if loc[-1] == "negative_prompt":
            self._measure(loc, clean(filled), cell)
        elif slots(found[1]):
            self._pictures.setdefault(loc, {})[filled] = None

    def _look_texts(self, cell: Cell) -> Iterator[tuple[Loc, Text]]:
        """The negative prompt and the references that hold for a cell, where they are."""
        for field in ("negative_prompt", *REFERENCES):
            givers = [(loc, look) for loc, look in layers(self._campaign, cell) if field in look.model_fields_set]
            if givers and (value := getattr(givers[-1][1], field)) is not None:
                yield (*givers[-1][0], field), {EVERYWHERE: value} if isinstance(value, str) else value

    def _lacks_anything(self, loc: Loc, text: Text, cell: Cell) -> bool:
        """Whether a text cannot be filled for a cell; what it lacks is noted."""
        needs = self._needed(loc, text, cell.market)
        lacks = [self._lacks(need, cell) for need in needs]  # each is noted, not only the first
        return any(lacks)

    def _needed(self, loc: Loc, text: Text, market: str | None) -> list[Missing | Open]:
        """What the text at `loc` needs in a market, or lacks there."""
        key = (loc, market)
        if key not in self._needs:
            parts = self._composer.parts(loc, text, market)
            self._needs[key] = [part for part in parts if not isinstance(part, str)]
        return self._needs[key]

    def _lacks(self, need: Missing | Open, cell: Cell) -> bool:
        """Whether that is missing for a cell; it is noted."""
        found = (need, cell.market or _NO_MARKET) if isinstance(need, Missing) else self._unfilled(need, cell)
        if found is not None:
            self._missing.setdefault(found[0], {})[found[1]] = None
        return found is not None

    def _unfilled(self, need: Open, cell: Cell) -> tuple[Missing, str] | None:
        """What a cell lacks to fill in a placeholder, and the product, preset or market that lacks it."""
        name, lack = need.slot.name, Missing(need.loc, need.slot)
        if name in IDS:
            id = cell.preset if name == "preset" else cell.product
            return (lack, id) if id in self._respelt.get(IDS[name], ()) else None
        if name == "size" or name in self._composer.product_words(cell.product, cell.market):
            return None
        field = name.removeprefix("product.")
        if field == "name" or field in self._campaign.products[cell.product].words:
            return Missing(("products", cell.product, field)), cell.market or _NO_MARKET
        return lack, cell.product

    def _measure(self, loc: Loc, text: str, cell: Cell) -> None:
        if len(text) > self._most:
            by_product = self._long.setdefault(loc, {})
            by_product[cell.product] = max(len(text), by_product.get(cell.product, 0))

    def _lacking(self, lack: Missing, who: list[str]) -> Iterator[Problem]:
        """What is missing, unless it was reported when the texts were looked at by themselves."""
        source = self._draft.source
        match lack:
            case Missing(loc, None) if who != [_NO_MARKET]:
                message = f"{_called(loc)} has no text for {_markets(who)}"
                if loc[0] == "products" and source.sheet is not None:
                    yield no_text(source, source.sheet, loc, who, self._composer.keys_of(who[0]))
                else:
                    advice = f"add {who[0]}: …, or other: … for every market without one of its own"
                    yield source.at(loc, message, advice)
            case Missing(loc, Slot(name) as slot) if name in IDS:
                yield self._two_spellings(loc, slot, who)
            case Missing(loc, Slot(name) as slot) if is_product_word(name):
                yield self._missing_word(loc, slot, who)
            case Missing(loc, Slot(name, at)) if name in self._known:
                place = source.within(loc, at, f"{{{name}}}") + 1
                advice = f"give the market {with_article(name)}, or add it to vars for all"
                yield source.problem(place, f"{{{name}}} is missing for {_markets(who)}", advice)

    def _missing_word(self, loc: Loc, slot: Slot, ids: list[str]) -> Problem:
        source, campaign = self._draft.source, self._campaign
        field = slot.name.removeprefix("product.")
        named = [f"{id} ({campaign.numbered(('products', id))})" for id in ids[:_MOST_NAMED]]
        who = joined([*named, *ids[_MOST_NAMED:]], most=_MOST_NAMED)
        message = f"{{{slot.name}}} is missing for {len(ids)} of {plural(len(campaign.products), 'product')}: {who}"
        known = [name.removeprefix("product.") for name in self._known if "product." in name]
        meant = nearest(field, known) if len(ids) == len(campaign.products) else ""
        them = "them" if len(ids) > 1 else "it"
        advice = f"give {them} {with_article(field)}"
        if meant:
            message += f"; did you mean '{meant}'?"
            advice = f"write {{product.{meant}}}, or {advice}"
        others = [id for id in campaign.prompts if id != loc[1]] if loc[0] == "prompts" else []
        if source.sheet is not None:
            advice = fill_in(source.sheet, field, others, is_meant=bool(meant))
        elif others:
            advice += f", or keep {them} out of this prompt: {ids[0]}: {{…, prompts: [{joined(others, most=3)}]}}"
        at = source.within(loc, slot.at, f"{{{slot.name}}}") + 1 + len("product.")
        return source.problem(at, message, advice)

    def _two_spellings(self, loc: Loc, slot: Slot, ids: list[str]) -> Problem:
        source, axis = self._draft.source, IDS[slot.name]
        named = [f"'{self._name(axis, id)}' (line {self._campaign.line((axis, id))})" for id in ids[:_MOST_NAMED]]
        who = joined([*named, *ids[_MOST_NAMED:]], most=_MOST_NAMED)
        first, before = ids[0], self._respelt[axis][ids[0]]
        keeps = (
            f"{axis}: {{{before}: {self._name(axis, first)}, …}} keeps images of earlier versions, or "
            if before
            else ""
        )
        at = source.within(loc, slot.at, f"{{{slot.name}}}") + 1
        message = f"{{{slot.name}}} needs an id that is written in the file, for {who}"
        return source.problem(at, message, f"write the id yourself: {keeps}{axis}: {{{first}: …}}")

    def _name(self, axis: str, id: str) -> str:
        """The name that an id was made from."""
        _, node = self._draft.source.find((axis, id))
        return node.text if isinstance(node, Scalar) else id

    def _missing_pictures(self, loc: Loc, references: Collection[str]) -> Iterator[Problem]:
        folder = self._campaign.path.parent
        flaws = [flaw for reference in references if (flaw := picture_flaw(reference, folder))]
        if flaws:
            message, advice = flaws[0]
            also = f" (and {len(flaws) - 1} more like it)" if len(flaws) > 1 else ""
            yield self._draft.source.at(loc, message + also, advice)

    def _too_long(self, loc: Loc, characters: int, products: list[str]) -> Problem:
        what = "negative prompt" if loc[-1] == "negative_prompt" else "prompt"
        who = joined(products, most=_MOST_NAMED)
        message = f"this {what} has {characters:,} characters once filled in for {who}"
        return self._draft.source.at(
            loc, message, f"Firefly accepts at most {self._most:,}: shorten it, or the words in it"
        )


def _markets(who: list[str]) -> str:
    return f"market{'s' if len(who) > 1 else ''} {joined(who, most=_MOST_NAMED)}"


def _called(loc: Loc) -> str:
    """`prompt 'hero'`, `name of soap`."""
    if loc[0] == "prompts" and loc[-1] == "text":
        return f"prompt '{loc[1]}'"
    if loc[0] in ("products", "markets"):
        return f"{loc[2]} of {loc[1]}"
    return f"'{loc[1]}'" if loc[0] == "vars" else f"this {str(loc[-1]).replace('_', ' ')}"
