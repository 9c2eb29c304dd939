"""The elements of a list in a large JSON object, told apart one by one and kept compressed: never all in memory.

Every formatting is read. Here texts are only told apart; the caller that takes one says what may be in it.
"""

from __future__ import annotations

import codecs
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any

LARGEST = 4 << 20
"""Characters of one value: in a manifest, a picture that is in some 30,000 cells of its campaign."""
LARGEST_BESIDE = 1 << 16
"""Characters of a value beside the list."""
_MOST_BESIDE = 100
_AT_ONCE = 1 << 18
_SPACE = re.compile(r"[ \t\n\r]*")
_OF_NUMBERS = ("", *"0123456789.eE+-")  # behind these, or where nothing was read yet, a number may go on
_BETWEEN = "\0"  # not in any JSON
_FAST = 1

Read = Callable[[int], bytes]
"""At most so many bytes of a file; none at its end."""


def elements(read: Read, name: str, others: list[str], *, most_beside: int = LARGEST_BESIDE) -> Iterator[str]:
    """The text of each element of the list `name`; every other member goes into `others`, as `"name": value`.

    Each of these has at most `most_beside` characters. Raises ValueError, with a sentence, for what is not a JSON
    object with such a list, or has too large a value.
    """
    text, seen = _Window(read), set[str]()
    text.take("{")
    while True:
        spelt, member = text.value("a name")
        if not isinstance(member, str):
            raise ValueError("Invalid JSON: a name is missing")
        if member in seen or len(seen) > _MOST_BESIDE:
            raise ValueError(f"{spelt[:60]} appears twice" if member in seen else "it has too many members")
        seen.add(member)
        text.take(":")
        if member != name:
            value, _ = text.value(member)
            if len(value) > most_beside:  # all of these are kept
                raise ValueError(f"{member[:60]}: it is too long")
            others.append(f"{spelt}: {value}")
        elif text.next() != "[":
            raise ValueError(f"{name}: it is not a list")
        else:
            yield from _listed(text, name)
        if text.take(",", "}") == "}":
            break
    if text.next():
        raise ValueError("something follows its end")
    if name not in seen:
        raise ValueError(f"{name}: it is missing")


def _listed(text: _Window, name: str) -> Iterator[str]:
    text.take("[")
    if text.next() == "]":
        text.take("]")
        return
    for number in count():
        yield text.value(f"{name}.{number}")[0]
        if text.take(",", "]") == "]":
            return


class _Window:
    """The part of a JSON text that is looked at. Methods raise ValueError."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._json = json.JSONDecoder()
        self._text, self._at = "", 0
        self._is_whole = False

    def next(self) -> str:
        """The next character that is not a space; none at the end."""
        while True:
            found = _SPACE.match(self._text, self._at)
            self._at = found.end() if found is not None else self._at
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def take(self, *expected: str) -> str:
        """The next character, one of `expected`, which is passed."""
        found = self.next()
        if found not in expected:
            raise ValueError(
                f"Invalid JSON: {' or '.join(expected)} is missing" + (f" before {found}" if found else "")
            )
        self._at += 1
        return found

    def value(self, of: str) -> tuple[str, Any]:
        """The next value, its text and what it says, which is passed. `of` is what is told of it."""
        self.next()
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except RecursionError as error:
                raise ValueError(f"{of}: it is nested too deep") from error
            except ValueError as error:
                if self._more(of):
                    continue
                why = error.msg if isinstance(error, json.JSONDecodeError) else error
                raise ValueError(f"{of}: Invalid JSON: {why}") from error
            if self._text[end : end + 1] not in _OF_NUMBERS or not self._more(of):
                text, self._at = self._text[self._at : end], end
                return text, value

    def _more(self, of: str = "the file") -> bool:
        """Read on, as much again as is looked at, so that a large value is not tried often; whether there was more."""
        if self._is_whole:
            return False
        left = self._text[self._at :]
        if len(left) > LARGEST:
            raise ValueError(f"{of}: it has more than {LARGEST >> 20} million characters, or no end")
        content = self._read(min(max(_AT_ONCE, len(left)), LARGEST + 1 - len(left)))
        self._is_whole = not content
        self._text, self._at = left + self._decoder.decode(content, final=not content), 0
        return True


def packed(texts: Iterable[str]) -> Iterator[bytes]:
    """The texts of JSON values, many of them compressed together."""
    some, length = list[str](), 0
    for text in texts:
        some.append(text)
        length += len(text)
        if length >= _AT_ONCE:
            yield _compressed(some)
            some, length = [], 0
    if some:
        yield _compressed(some)


def unpacked(blocks: Iterable[bytes]) -> Iterator[str]:
    """What `packed` took in."""
    for block in blocks:
        yield from zlib.decompress(block).decode().split(_BETWEEN)


def _compressed(texts: list[str]) -> bytes:
    return zlib.compress(_BETWEEN.join(texts).encode(), _FAST)
