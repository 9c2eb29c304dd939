"""One more `include` entry in the text of a campaign file; every byte that was there stays.

Where the entry goes follows from how the file is written: after the last entry of a list in lines,
before the bracket of a list in brackets, or under a new key.
"""

from __future__ import annotations

import re

from campaign_runner.campaign_file.syntax.parser import quoted
from campaign_runner.campaign_file.syntax.source import Hole, Listed, Node, Pairs, Scalar, Source

_KEY = "include"
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_LINE_END = re.compile("\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"


def with_entry(source: Source, content: bytes, entry: str) -> bytes:
    """`content`, the bytes that `source` was read from, with `entry` (a value in braces) added to `include`.

    Raises ValueError where `include` is not written as a list.
    """
    text = source.text
    at, added = _insertion(text, source.root, entry)
    mark = content[: len(_BOM)] if content.startswith(_BOM) else b""
    raw = content[len(mark) :].decode()
    ends = _LINE_END.findall(raw)
    at += sum(len(end) - 1 for end in ends[: text.count("\n", 0, at)])  # in `text` every line ends in one character
    added = added.replace("\n", ends[0] if ends else "\n")
    return mark + (raw[:at] + added + raw[at:]).encode()


def in_braces(fields: dict[str, str]) -> str:
    """An entry of values that are written already."""
    return "{" + ", ".join(f"{name}: {value}" for name, value in fields.items()) + "}"


def written(node: Node) -> str:
    """A part of the file on one line, as it may stand in braces."""
    match node:
        case Scalar(text, is_plain=is_plain):
            return text if is_plain and _SAFE.fullmatch(text) else quoted(" ".join(text.split()))
        case Pairs(entries):
            return in_braces({key: written(value) for key, (_, value) in entries.items()})
        case Listed(nodes):
            return f"[{', '.join(map(written, nodes))}]"
        case Hole():
            raise ValueError("a value that cannot be read")


def _insertion(text: str, root: Node, entry: str) -> tuple[int, str]:
    """Where in `text` something is added, and what."""
    if not isinstance(root, Pairs):
        raise ValueError("a campaign is written as `key: value` lines")
    if _KEY not in root.entries:
        return _new_key(text, root, entry)
    _, node = root.entries[_KEY]
    if not isinstance(node, Listed):
        raise ValueError("`include` is not written as a list")
    if not node.is_flow:
        indent = node.start - text.rfind("\n", 0, node.start) - 1
        return _new_line(text, _end(text, node), f"{' ' * indent}- {entry}")
    if not node.nodes:
        return node.start + 1, entry
    last = node.nodes[-1]
    before = text[text.rfind("\n", 0, last.start) + 1 : last.start]
    return last.end, f",{' ' if before.strip() else chr(10) + before}{entry}"


def _new_key(text: str, root: Pairs, entry: str) -> tuple[int, str]:
    if root.is_flow:
        return _end_of_last(text, root), f", {_KEY}: [{entry}]"
    lines = f"{_KEY}:\n  - {entry}"
    end = _end(text, root)
    rest = text[end:].split("\n")[1:]
    is_over = all(not line.strip() or line.lstrip().startswith("#") for line in rest)
    return _new_line(text, len(text.rstrip()) if is_over else end, lines)


def _new_line(text: str, after: int, lines: str) -> tuple[int, str]:
    """`lines` below the line in which the character before `after` stands."""
    at = text.find("\n", after)
    return (len(text), f"\n{lines}\n") if at < 0 else (at + 1, f"{lines}\n")


def _end(text: str, node: Node) -> int:
    """Where what is written of a node ends, without what stands behind it."""
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
