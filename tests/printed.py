"""The commands that the program prints, and whether they mean the same in whatever folder they are typed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator

_COMMAND = re.compile(r"([`']?)campaign-runner ([a-z]+(?:[ ]|`|$|\b).*)")
_IS_NOT_MEANT = re.compile(r"-h|--help|(\.*[A-Z]+[0-9]*(\.[a-z]+)?(…|\.\.\.)?|…|\.\.\.)(=.*)?|.*=[A-Z]+(\[.*)?")
_FILE = re.compile(r".*(/|\.(yaml|yml|json|xlsx|csv|jpg|html)$)")


def printed_commands(text: str) -> Iterator[list[str]]:
    """The words of every command in a text: in `backticks`, or up to the end of the line; none of JSON.

    The example of a help page, its help option, and what has a word such as NAME in it are not meant as they are.
    """
    for line in text.splitlines():
        if not line.lstrip().startswith(("Example:", "Usage:", "{", "[")):
            yield from (words for words in map(_words, _pieces(line)) if not any(map(_IS_NOT_MEANT.fullmatch, words)))


def _pieces(line: str) -> Iterator[str]:
    while found := _COMMAND.search(line):
        quoted, rest = found.groups()
        piece, _, line = rest.partition(quoted) if quoted else (rest, "", "")  # a line has one command, whole
        yield piece


def _words(piece: str) -> list[str]:
    before_redirection = piece.partition(" > ")[0]
    return shlex.split(before_redirection.rstrip(" )"))


def check_commands(texts: Iterable[str]) -> None:
    """What is printed to be typed names no file by a path that leads elsewhere from another folder."""
    for text in texts:
        for command in printed_commands(text):
            for word in command[1:]:
                value = word.partition("=")[2] if word.startswith("--") else word
                assert not _FILE.match(value) or value.startswith(("/", "http")), f"only from here: {command}"
