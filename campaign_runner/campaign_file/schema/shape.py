"""Shorthand written out: the tree of a file becomes fields of one shape per field.

A bare text becomes the name of a product, the text of a prompt, the style of a preset; a list of
names gets ids; the words of products and markets are put apart from fields. Every value stays the
node it was, so that its place is known when it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from campaign_runner.campaign_file.schema.ids import (
    LONGEST_CAMPAIGN,
    LONGEST_ID,
    Derive,
    account_flaw,
    derived,
    derived_before,
    id_flaw,
)
from campaign_runner.campaign_file.schema.look import FIELDS as LOOK_FIELDS
from campaign_runner.campaign_file.schema.spellings import earlier, respell
from campaign_runner.campaign_file.schema.templates import EVERYWHERE, OTHER
from campaign_runner.campaign_file.syntax.parser import quoted, retry
from campaign_runner.campaign_file.syntax.source import Hole, Listed, Loc, Node, Pairs, Scalar, Source
from campaign_runner.problem import Problem

LISTS = ("products", "prompts", "presets", "markets", "sizes", "seeds")
SINGULAR = ("product", "prompt", "preset", "market", "size", "seed")
RESERVED = frozenset((*LISTS, *SINGULAR, *LOOK_FIELDS, "name", "text", "file", "id", "where", OTHER))
FIELDS_OF_PROMPTS = RESERVED - {"id", OTHER}  # any other key under a prompt is a market or a language
NO_PRODUCTS = ("file", "id", "where")
"""Ids that no product can have: under `products` they are about a sheet."""
_EXAMPLES = {
    "products": "products:\n  candle: almond candle",
    "prompts": 'prompts:\n  hero: "{product.name} on an oak table"',
    "presets": "presets: [painting, golden_hour]",
    "markets": "markets:\n  us: {locale: en-US}",
    "vars": "vars:\n  season: autumn",
}

_COMMENT = re.compile(r"[ \t]+#[^\n]*")
_NO_SPACE = re.compile(r"[\w-]+:(?=\S)")
_NAME = re.compile(r"[^\W_](?:[\w -]*\w)?")  # what needs no quotes in a list
_HOLE = object()  # in place of a value that has been complained about

Fields: TypeAlias = dict[str, Any]
_Expand: TypeAlias = Callable[[Loc, Node], Any]


class Normalizer:
    """Writes out one file. `problems` are mistakes of form; `holes` are places that are complained about already.

    `derive` makes the ids of listed names.
    """

    def __init__(self, source: Source, derive: Derive = derived) -> None:
        self.problems: list[Problem] = []
        self.holes: set[Loc] = set()
        self._source = source
        self._derive = derive
        self._list_ids: dict[str, dict[str, int]] = {}
        self._respelt: dict[str, dict[str, str]] = {}
        self._spellings: dict[str, dict[str, str]] = {}

    def source(self) -> Source:
        """The file, with the ids that `campaign` made from its lists of names."""
        return replace(self._source, list_ids=self._list_ids, respelt=self._respelt, spellings=self._spellings)

    def campaign(self) -> Fields:
        """The whole file, ready for the schema."""
        root = self._source.root
        if not isinstance(root, Pairs):
            self._refuse(root, "a campaign is written as `key: value` lines", "begin with: campaign: almond-autumn")
            return {}
        axes: dict[str, _Expand] = {
            "products": self._product,
            "prompts": self._prompt,
            "presets": self._preset,
            "markets": self._worded,
            "vars": self._text,
        }
        fields: Fields = {}
        for name, (_, node) in root.entries.items():
            value = self._entries(name, node, axes[name]) if name in axes else self._field((name,), node)
            self._put(fields, (name,), value)
        fields.setdefault("presets", {"plain": {}})
        respell(fields, self._spellings)
        campaign, account = fields.get("campaign"), fields.get("account")
        if isinstance(campaign, Scalar) and (flaw := id_flaw(campaign.text, LONGEST_CAMPAIGN)):
            self._refuse(campaign, *flaw)
        if isinstance(account, Scalar) and (flaw := account_flaw(account.text)):
            self._refuse(account, *flaw)
        return fields

    def _entries(self, axis: str, node: Node, expand: _Expand) -> Any:
        if isinstance(node, Listed) and node.nodes and axis in ("products", "presets"):
            return self._listed(axis, node)
        if not isinstance(node, Pairs):
            self._refuse_entries(axis, node)
            return _HOLE
        if not node.entries:
            self._refuse(node, f"'{axis}' is empty", f"write:\n{_EXAMPLES[axis]}")
            return _HOLE
        entries: Fields = {}
        for id, (key, value) in node.entries.items():
            if axis != "vars" and (flaw := id_flaw(id) or _reserved(axis, id)):
                self._refuse(key, *flaw)
            self._put(entries, (axis, id), expand((axis, id), value))
        return entries

    def _refuse_entries(self, axis: str, node: Node) -> None:
        if isinstance(node, Scalar) and (found := _NO_SPACE.match(node.text)):
            message = "a space is missing after the colon"
            fixed = f"try: {found[0]} {node.text[found.end() :]}"
            self.problems.append(self._source.problem(node.start + found.end() - 1, message, fixed))
        elif not isinstance(node, Hole):
            key = self._source.find((axis,))[0] or node
            self._refuse(key, f"'{axis}' is a list of entries, each with an id", _as_entries(axis, node))

    def _listed(self, axis: str, written: Listed) -> Any:
        """A list of names or styles, with ids made from them."""
        places: dict[str, int] = {}
        names: dict[str, str] = {}
        for index, node in enumerate(written.nodes):
            if not isinstance(node, Scalar):
                if not isinstance(node, Hole):
                    self._refuse(node, f"a list of {axis} holds names only", f"write:\n{_EXAMPLES[axis]}")
                continue
            id = self._derive(node.text)
            if flaw := self._derived_flaw(axis, id, places):
                self.holes.add((axis, id))
                self._refuse(node, f"'{node.text}' {flaw}", f"give it an id: {axis}: {{my-id: {node.text}}}")
                continue
            places[id] = index
            names[id] = node.text
        self._list_ids[axis] = places
        before = {id: derived_before(name) for id, name in names.items()}
        self._respelt[axis] = {id: other for id, other in before.items() if other != id}
        self._spellings[axis] = earlier(before)
        expand = self._product if axis == "products" else self._preset
        return {id: expand((axis, id), written.nodes[index]) for id, index in places.items()} or _HOLE

    def _derived_flaw(self, axis: str, id: str, taken: dict[str, int]) -> str:
        if not id:
            return "has no letter a-z or digit to make an id from"
        if len(id) > LONGEST_ID:
            return f"makes an id of more than {LONGEST_ID} characters"
        if id in taken:
            return f"makes the same id '{id}' as another entry of the list"
        if _reserved(axis, id):
            return f"makes the id '{id}', which is reserved"
        return "makes an id that Windows keeps for a device" if id_flaw(id) else ""

    def _product(self, loc: Loc, node: Node) -> Any:
        if isinstance(node, Scalar):
            return {"name": {EVERYWHERE: node}}
        return self._worded(loc, node)

    def _preset(self, loc: Loc, node: Node) -> Any:
        return {"styles": [node]} if isinstance(node, Scalar) else self._look(loc, node)

    def _prompt(self, loc: Loc, node: Node) -> Any:
        if not isinstance(node, Pairs) or not FIELDS_OF_PROMPTS & node.entries.keys():
            return {"text": self._text((*loc, "text"), node)}
        return self._look(loc, node)

    def _worded(self, loc: Loc, node: Node) -> Any:
        """An entry whose keys are fields, or words for prompts."""
        if not isinstance(node, Pairs):
            return self._field(loc, node)
        entry: Fields = {}
        words: Fields = {}
        for key, (_, value) in node.entries.items():
            if key in RESERVED:
                self._put(entry, (*loc, key), self._look_field((*loc, key), key, value))
            else:
                self._put(words, (*loc, "words", key), self._text((*loc, "words", key), value))
        return {**entry, "words": words} if words else entry

    def _look(self, loc: Loc, node: Node) -> Any:
        if not isinstance(node, Pairs):
            return self._field(loc, node)
        entry: Fields = {}
        for key, (_, value) in node.entries.items():
            self._put(entry, (*loc, key), self._look_field((*loc, key), key, value))
        return entry

    def _look_field(self, loc: Loc, key: str, node: Node) -> Any:
        return self._text(loc, node) if key in ("name", "text", "negative_prompt", "alt") else self._field(loc, node)

    def _text(self, loc: Loc, node: Node) -> Any:
        """A text, by market or language; a plain one holds everywhere. A plain null stays what it is."""
        if loc[-1] == "text":
            self._check_whole(node)
        if isinstance(node, Scalar):
            is_null = loc[-1] == "negative_prompt" and node.is_plain and node.text in ("null", "~")
            return node if is_null else {EVERYWHERE: node}
        return self._field(loc, node)

    def _check_whole(self, node: Node) -> None:
        """A prompt without quotes ends where ` #` begins: the rest would be lost without a word."""
        text = self._source.text
        for wording in (value for _, value in node.entries.values()) if isinstance(node, Pairs) else (node,):
            if isinstance(wording, Scalar) and wording.is_plain and (cut := _COMMENT.match(text, wording.end)):
                whole = text[wording.start : cut.end()].rstrip()
                message = "the prompt ends here: without quotes, YAML reads the rest of the line as a comment"
                hash_ = cut.start() + len(cut[0]) - len(cut[0].lstrip())
                advice = retry(text, wording.start, cut.end(), quoted(whole))
                self.problems.append(self._source.problem(hash_, message, advice))

    def _field(self, loc: Loc, node: Node) -> Any:
        """Any other value, as plain dictionaries and lists of scalars."""
        match node:
            case Pairs():
                return self._dictionary(loc, node)
            case Listed():
                read = self._channel if loc == ("channels",) else self._field
                values = [read((*loc, index), entry) for index, entry in enumerate(node.nodes)]
                return [value for value in values if value is not _HOLE]
            case Hole():
                return _HOLE
        return node

    def _channel(self, loc: Loc, node: Node) -> Any:
        return {"name": node} if isinstance(node, Scalar) else self._field(loc, node)

    def _dictionary(self, loc: Loc, node: Pairs) -> Fields:
        if loc == ("defaults",) or (loc[0] == "include" and len(loc) == 2):
            found: Fields = self._look(loc, node)
            return found
        values: Fields = {}
        for key, (_, value) in node.entries.items():
            read = self._text if (*loc, key) == ("deliver", "alt") else self._field
            self._put(values, (*loc, key), read((*loc, key), value))
        return values

    def _put(self, fields: Fields, loc: Loc, value: Any) -> None:
        if value is _HOLE:
            self.holes.add(loc)
        else:
            fields[str(loc[-1])] = value

    def _refuse(self, node: Node, message: str, advice: str) -> None:
        self.problems.append(self._source.problem(node.start, message, advice))


def is_of_delivery(loc: Loc) -> bool:
    """Whether a place of the file is about delivered files alone."""
    return loc[:1] in (("channels",), ("deliver",)) or (len(loc) > 2 and (loc[0], loc[2]) == ("prompts", "alt"))


def _as_entries(axis: str, node: Node) -> str:
    """What to write instead of names that are not in a list."""
    names = [name.strip() for name in re.split("[,;]", node.text)] if isinstance(node, Scalar) else []
    if axis not in ("products", "presets") or not all(map(_NAME.fullmatch, names)) or not names:
        return f"write:\n{_EXAMPLES[axis]}"
    if axis == "presets":
        names = [re.sub("[ -]", "_", name.lower()) for name in names]
    return f"put it in brackets: {axis}: [{', '.join(names)}]"


def _reserved(axis: str, id: str) -> tuple[str, str] | None:
    """What is wrong with an id that means something else under its key; None if nothing is."""
    if axis != "products" or id not in NO_PRODUCTS:
        return None
    return f"'{id}' cannot be the id of a product: it is reserved", "choose another id"
