"""A campaign file with a few of its texts replaced; every other byte stays: comments, order, spacing, line ends."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping

from campaign_runner.campaign_file.syntax.parser import quoted
from campaign_runner.campaign_file.syntax.source import Loc, Scalar, Source

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[ -][A-Za-z0-9]+)*")
_NO_TEXTS = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))


def replaced(source: Source, content: bytes, texts: Mapping[Loc, str]) -> bytes:
    """`content`, the bytes of `source`, with the text at each place replaced. Each place holds a text."""
    raw = content.removeprefix(codecs.BOM_UTF8).decode()
    offsets = _offsets(raw)
    spans = {_span(source, loc): text for loc, text in texts.items()}
    pieces: list[str] = []
    at = 0
    for (start, end), text in sorted(spans.items()):
        pieces += (raw[at : offsets[start]], written(text))
        at = offsets[end]
    marked = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
    return marked + "".join([*pieces, raw[at:]]).encode()


def written(text: str) -> str:
    """`text` as YAML reads it: plain where nothing in it could be misread, else in quotes."""
    return text if _PLAIN.fullmatch(text) and text.lower() not in _NO_TEXTS else quoted(text)


def _span(source: Source, loc: Loc) -> tuple[int, int]:
    """From where to where a text is written, in characters of the file with plain line ends."""
    _, node = source.find(loc)
    if not isinstance(node, Scalar):
        raise TypeError(f"{loc} holds no text")
    return node.start, node.start + len(source.text[node.start : node.end].rstrip())


def _offsets(raw: str) -> list[int]:
    """Where each character of the text with plain line ends stands in the text as written."""
    offsets = [at for at, character in enumerate(raw) if not (character == "\n" and raw[at - 1 : at] == "\r")]
    return [*offsets, len(raw)]
