"""Changes to the text of a campaign file: texts replaced, an `include` entry added. Every other byte stays.

Comments, order, spacing, line ends and the byte order mark are as they were. Where an entry goes follows from how
the file is written: after the last entry of a list in lines, before the bracket of a list in brackets, or under a
new key.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from campaign_runner.campaign_file.syntax.parser import quoted
from campaign_runner.campaign_file.syntax.source import Hole, Listed, Loc, Node, Pairs, Scalar, Source

_KEY = "include"
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[ -][A-Za-z0-9]+)*")
_NO_TEXTS = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
NO_NUMBERS: Mapping[Loc, int] = MappingProxyType({})
_LINE_END = re.compile("\r\n|\r|\n")


def replaced(source: Source, content: bytes, texts: Mapping[Loc, str]) -> bytes:
    """`content`, the bytes that `source` was read from, with the text at each place replaced. Each holds a text."""
    return _spliced(source.text, content, {_span(source, loc): text_as_yaml(text) for loc, text in texts.items()})


def with_entries(
    source: Source, content: bytes, entries: Sequence[str], numbers: Mapping[Loc, int] = NO_NUMBERS
) -> bytes:
    """`content`, the bytes that `source` was read from, with `entries` (values in braces) added to `include`.

    The number at each place of `numbers` is replaced. Raises ValueError where `include` is not written as a list.
    """
    at, added = _insertion(source.text, source.root, entries)
    return _spliced(
        source.text, content, {(at, at): added} | {_span(source, loc): str(new) for loc, new in numbers.items()}
    )


def text_as_yaml(text: str) -> str:
    """`text` as YAML reads it: plain where nothing in it could be misread, otherwise in quotes."""
    return text if _PLAIN.fullmatch(text) and text.lower() not in _NO_TEXTS else quoted(text)


def on_one_line(node: Node) -> str:
    """A part of the file on one line, as it may be in braces."""
    match node:
        case Scalar(text, is_plain=is_plain):
            return text if is_plain and _SAFE.fullmatch(text) else quoted(" ".join(text.split()))
        case Pairs(entries):
            return in_braces({key: on_one_line(value) for key, (_, value) in entries.items()})
        case Listed(nodes):
            return f"[{', '.join(map(on_one_line, nodes))}]"
        case Hole():
            raise ValueError("a value that cannot be read")


def in_braces(fields: dict[str, str]) -> str:
    """An entry of values that are written already."""
    return "{" + ", ".join(f"{name}: {value}" for name, value in fields.items()) + "}"


def _spliced(text: str, content: bytes, pieces: Mapping[tuple[int, int], str]) -> bytes:
    """`content` with pieces in place of spans of `text`: the same text, its line ends of one character each."""
    mark = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
    raw = content[len(mark) :].decode()
    ends = _LINE_END.findall(raw)
    new, done = "", 0
    for span, piece in sorted(pieces.items()):
        start, end = (at + sum(len(end) - 1 for end in ends[: text.count("\n", 0, at)]) for at in span)
        new += raw[done:start] + piece.replace("\n", ends[0] if ends else "\n")
        done = end
    return mark + (new + raw[done:]).encode()


def _span(source: Source, loc: Loc) -> tuple[int, int]:
    """From where to where a text is written, in characters of the file with plain line ends."""
    _, node = source.find(loc)
    if not isinstance(node, Scalar):
        raise TypeError(f"{loc} holds no text")
    return node.start, node.start + len(source.text[node.start : node.end].rstrip())


def _insertion(text: str, root: Node, entries: Sequence[str]) -> tuple[int, str]:
    """Where in `text` something is added, and what."""
    if not isinstance(root, Pairs):
        raise ValueError("a campaign is written as `key: value` lines")
    if _KEY not in root.entries:
        return _new_key(text, root, entries)
    _, node = root.entries[_KEY]
    if not isinstance(node, Listed):
        raise ValueError("`include` is not written as a list")
    if not node.is_flow:
        indent = node.start - text.rfind("\n", 0, node.start) - 1
        return _new_line(text, _end(text, node), "\n".join(f"{' ' * indent}- {entry}" for entry in entries))
    if not node.nodes:
        return node.start + 1, ", ".join(entries)
    last = node.nodes[-1]
    before = text[text.rfind("\n", 0, last.start) + 1 : last.start]
    gap = f",{' ' if before.strip() else chr(10) + before}"
    return last.end, "".join(gap + entry for entry in entries)


def _new_key(text: str, root: Pairs, entries: Sequence[str]) -> tuple[int, str]:
    if root.is_flow:
        return _end_of_last(text, root), f", {_KEY}: [{', '.join(entries)}]"
    lines = "\n".join([f"{_KEY}:", *(f"  - {entry}" for entry in entries)])
    end = _end(text, root)
    rest = text[end:].split("\n")[1:]
    is_over = all(not line.strip() or line.lstrip().startswith("#") for line in rest)
    return _new_line(text, len(text.rstrip()) if is_over else end, lines)


def _new_line(text: str, after: int, lines: str) -> tuple[int, str]:
    """`lines` below the line in which the character before `after` is."""
    at = text.find("\n", after)
    return (len(text), f"\n{lines}\n") if at < 0 else (at + 1, f"{lines}\n")


def _end(text: str, node: Node) -> int:
    """Where what is written of a node ends, without what is behind it."""
    match node:
        case Pairs(is_flow=False) as block if block.entries:
            return _end_of_last(text, block)
        case Listed(nodes, is_flow=False) if nodes:
            return _end(text, nodes[-1])
        case _:
            return len(text[: node.end].rstrip()) if node.end > node.start else node.end


def _end_of_last(text: str, pairs: Pairs) -> int:
    key, value = list(pairs.entries.values())[-1]
    return max(_end(text, value), key.end)
