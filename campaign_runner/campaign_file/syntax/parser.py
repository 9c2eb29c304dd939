"""YAML events to a tree, by a loop and behind guards.

What could run code, grow or surprise (tags, anchors, merge keys, keys given twice, keys without
a value, depth) becomes a problem here, before anything is composed; reading goes on after it.
A value that lost its end to a comma in braces is put together again, so that one mistake is told once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from campaign_runner.campaign_file.syntax.characters import CONTROL, PASTED, pasted_flaw
from campaign_runner.campaign_file.syntax.source import Hole, Listed, Node, Pairs, Scalar

try:
    from yaml import CLoader as _Loader
except ImportError:  # PyYAML was built without libyaml; its own parser gives the same events, slower
    from yaml import Loader as _Loader  # type: ignore[assignment]

DEEPEST = 32
MOST_EVENTS = 200_000
MOST_FINDINGS = 500  # a person stops reading long before
_LONGEST_ADVICE = 400  # characters
_TYPOGRAPHIC = "“”„‘’«»"  # made by word processors
_QUOTED = ("'", '"')


@dataclass(frozen=True, slots=True)
class Fault:
    """What the guards refuse: where (characters from 0), what, and what to write instead."""

    at: int
    message: str
    advice: str = ""


class UnreadableText(Exception):
    """Reading cannot go on after this finding."""

    def __init__(self, finding: Fault) -> None:
        super().__init__(finding.message)
        self.finding = finding


@dataclass(slots=True)
class _Frame:
    """A collection that is still open."""

    start: int
    is_flow: bool
    is_list: bool
    nodes: list[Node] = field(default_factory=list)


def read_tree(text: str, findings: list[Fault]) -> Node | None:
    """The tree of `text`, None if it is empty. What the guards refuse is added to `findings`.

    Raises yaml.YAMLError where the text is not YAML, and Refused.
    """
    builder = _Builder(text, findings)
    for event in yaml.parse(text, Loader=_Loader):
        builder.take(event)
    return builder.root


class _Builder:
    def __init__(self, text: str, findings: list[Fault]) -> None:
        self.root: Node | None = None
        self.findings = findings
        self._text = text
        self._open: list[_Frame] = []
        self._left = MOST_EVENTS

    def take(self, event: yaml.Event) -> None:
        """One event. Raises Refused where going on makes no sense."""
        self._left -= 1
        if not self._left:
            raise UnreadableText(
                Fault(_index(event.start_mark), "the file holds too many values", "split the campaign")
            )
        self._refuse_marks(event)
        match event:
            case yaml.DocumentStartEvent():
                self._refuse_second_document(event)
            case yaml.AliasEvent():
                self._add(Hole(_index(event.start_mark), _index(event.end_mark)))
            case yaml.ScalarEvent():
                self._add(self._scalar(event))
            case yaml.CollectionStartEvent():
                self._begin(event)
            case yaml.CollectionEndEvent():
                self._end(_index(event.end_mark))
            case _:
                pass  # the stream's and the document's ends

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        """A scalar whose text can be sent: no control or pasted characters, no quotes made by a word processor."""
        start, end, text = _index(event.start_mark), _index(event.end_mark), str(event.value)
        if CONTROL.search(text):
            self._refuse(start, "the text contains a control character", "write the text without \\ escapes")
            text = CONTROL.sub("", text)
        if PASTED.search(text):
            self._refuse_pasted(start, end, text)
        is_quoted = event.style in _QUOTED
        if not is_quoted and len(text) > 1 and text[0] in _TYPOGRAPHIC and text[-1] in _TYPOGRAPHIC:
            message = f"{text[0]} and {text[-1]} are not quotes for YAML: they would be sent with the text"
            text = text[1:-1]
            self._refuse(start, message, retry(self._text, start, end, quoted(text)))
        return Scalar(text, start, end, is_plain=event.style in (None, ""))

    def _refuse_pasted(self, start: int, end: int, text: str) -> None:
        """The text stays as it is: what was bought with it is recognised."""
        written = PASTED.search(self._text, start, end)  # not where it is written as an escape
        message = pasted_flaw(text)
        if written is None:
            self._refuse(start, message, "write the text without \\ escapes")
            return
        self._refuse(written.start(), message, _without_pasted(self._text, start, end))

    def _refuse(self, at: int, message: str, advice: str = "") -> None:
        if len(self.findings) >= MOST_FINDINGS:
            raise UnreadableText(Fault(at, f"over {MOST_FINDINGS:,} mistakes", "correct those above first"))
        self.findings.append(Fault(at, message, advice))

    def _refuse_marks(self, event: yaml.Event) -> None:
        """`&`, `*` and `!` are YAML's own signs; in a campaign they are always a text without quotes."""
        sign = ""
        if isinstance(event, yaml.AliasEvent):
            sign = "*"
        elif getattr(event, "anchor", None):
            sign = "&"
        elif getattr(event, "tag", None):
            sign = "!"
        if sign:
            message = f"a text that begins with {sign} needs quotes"
            advice = f'{sign} has a special meaning in YAML that campaign files don\'t use; write "{sign}…"'
            self._refuse(_index(event.start_mark), message, advice)

    def _refuse_second_document(self, event: yaml.DocumentStartEvent) -> None:
        if self.root is not None:
            message = "a second campaign begins here"
            raise UnreadableText(
                Fault(_index(event.start_mark), message, "one file holds one campaign; remove the ---")
            )

    def _begin(self, event: yaml.CollectionStartEvent) -> None:
        start = _index(event.start_mark)
        if len(self._open) >= DEEPEST:
            raise UnreadableText(
                Fault(start, f"nested more than {DEEPEST} levels deep", "a campaign needs five at most")
            )
        self._open.append(_Frame(start, bool(event.flow_style), isinstance(event, yaml.SequenceStartEvent)))

    def _end(self, end: int) -> None:
        frame = self._open.pop()
        if frame.is_list:
            self._add(Listed(tuple(frame.nodes), frame.start, end, frame.is_flow))
        else:
            self._add(self._pairs(frame, end))

    def _add(self, node: Node) -> None:
        if self._open:
            self._open[-1].nodes.append(node)
        else:
            self.root = node

    def _pairs(self, frame: _Frame, end: int) -> Node:
        pairs = list(zip(frame.nodes[::2], frame.nodes[1::2], strict=True))
        if frame.is_flow and pairs and all(_is_empty(value) and not self._has_colon(key) for key, value in pairs):
            return self._bare_braces(frame, end) if len(pairs) == 1 else self._bare_list(frame, end)
        entries: dict[str, tuple[Scalar, Node]] = {}
        for key, value in self._mended(pairs, frame):
            if self._is_usable(key, entries):
                entries[PASTED.sub("", key.text)] = (key, value)
        return Pairs(entries, frame.start, end, frame.is_flow)

    def _bare_braces(self, frame: _Frame, end: int) -> Scalar:
        """`{product.name}` without quotes: YAML reads a mapping, a person means a text."""
        whole = single_braces(self._text[frame.start : end])
        self.findings[:] = [found for found in self.findings if not frame.start <= found.at < end]
        advice = retry(self._text, frame.start, end, quoted(whole))
        self._refuse(frame.start, "a text that begins with { needs quotes", advice)
        return Scalar(whole, frame.start, end, is_plain=False)  # read as if the quotes were there

    def _bare_list(self, frame: _Frame, end: int) -> Listed:
        """`{painting, golden_hour}`: braces, where a list was meant."""
        whole = f"[{self._text[frame.start + 1 : end - 1]}]"
        advice = retry(self._text, frame.start, end, whole)
        self._refuse(frame.start, "{ } holds keys with values; a list is written in [ ]", advice)
        return Listed(tuple(frame.nodes[::2]), frame.start, end, is_flow=True)

    def _mended(self, pairs: list[tuple[Node, Node]], frame: _Frame) -> Iterator[tuple[Scalar, Node]]:
        """The pairs, keys without a value put back into the value that they were cut from."""
        last: tuple[Scalar, Node] | None = None
        for key, value in pairs:
            if not isinstance(key, Scalar):
                self._refuse(key.start, "a key is a single word", _KEY_ADVICE)
                continue
            if not _is_empty(value):
                if last:
                    yield last
                last = key, value
            elif frame.is_flow and last and isinstance(last[1], Scalar) and not self._has_colon(key):
                last = last[0], self._rejoined(last[1], key)
            else:
                self._refuse_empty(key)
                if last:
                    yield last
                last = key, Hole(key.start, key.end)
        if last:
            yield last

    def _rejoined(self, value: Scalar, key: Scalar) -> Scalar:
        whole = self._text[value.start : key.end]
        message = f"'{key.text}' has no value: a comma inside {{ }} begins the next entry"
        text = value.text + self._text[value.end : key.start] + key.text
        self._refuse(key.start, message, retry(self._text, value.start, key.end, quoted(text)))
        return Scalar(text, value.start, value.start + len(whole), is_plain=False)

    def _has_colon(self, key: Node) -> bool:
        return self._text[key.end :].lstrip().startswith(":")

    def _refuse_empty(self, key: Scalar) -> None:
        advice = f"write a value after '{key.text}:' ({{}} for an entry with nothing in it), or remove it"
        self._refuse(key.start, f"'{key.text}' has no value", advice)

    def _is_usable(self, key: Scalar, entries: dict[str, tuple[Scalar, Node]]) -> bool:
        if key.text == "<<" and key.is_plain:
            self._refuse(key.start, "campaign files don't support << (merge keys)", "write the keys out")
            return False
        if key.text in entries:
            line = self._text.count("\n", 0, entries[key.text][0].start) + 1
            message = f"'{key.text}' appears twice; the first is on line {line}"
            self._refuse(key.start, message, "YAML would silently ignore one of them: keep one")
            return False
        return True


def retry(text: str, start: int, end: int, instead: str) -> str:
    """`try:` and the line of `text` with one part of it replaced; only what would fit on a screen."""
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", end)
    rest = len(text) if last < 0 else last
    if "\n" not in text[start:end] and rest - first <= _LONGEST_ADVICE:
        instead = (text[first:start] + instead + text[end:rest]).strip()
    return f"try: {instead}" if len(instead) <= _LONGEST_ADVICE else "put the text in quotes"


def _without_pasted(text: str, start: int, end: int) -> str:
    """`try:` and the lines of a text without its invisible characters; only what would fit on a screen."""
    first, last = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    clean = PASTED.sub("", text[first : len(text) if last < 0 else last]).strip()
    if "\n" in clean or len(clean) > _LONGEST_ADVICE:
        return "delete it: it was copied along with the text; typing the words again helps too"
    return f"try: {clean}"


_KEY_ADVICE = "if this is meant as text, put it in quotes"


def single_braces(text: str) -> str:
    """`{{word}}` as other programs write placeholders, the way campaign files do."""
    return text.replace("{{", "{").replace("}}", "}")


def _index(mark: Any) -> int:
    """Where a mark is, in characters from 0; PyYAML's types say that an event may have none, but each has."""
    return int(mark.index)


def _is_empty(node: Node) -> bool:
    return isinstance(node, Scalar) and node.is_plain and not node.text and node.start == node.end


def quoted(text: str) -> str:
    """`text` in quotes, as YAML reads them."""
    if '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"
