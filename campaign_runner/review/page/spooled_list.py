"""JSON in pieces: a list of any length, kept in a file that no one else sees, and an object that holds such lists.

Everything is spelt so that it may stand inside the element of a script: no `<`, `>` or `&` is in it.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import SpooledTemporaryFile
from threading import Lock

from campaign_runner.disk import files
from campaign_runner.portions import batched

_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_FOR_SCRIPT = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_AT_ONCE = 500
"""Values that are spelt together."""
_IN_MEMORY = 256 << 10
"""Bytes that need no file."""
_PIECE = 256 << 10
"""Bytes that are read at once."""
_PLACE = Path("the folder for temporary files (TMPDIR)")


def spelt(value: object) -> str:
    """A value as JSON."""
    text = _JSON.encode(value)
    for character, spelling in _FOR_SCRIPT.items():
        text = text.replace(character, spelling)
    return text


class SpooledList:
    """`values` as a JSON list, gone with its last user. Several threads may read it. Raises StoreError."""

    def __init__(self, values: Iterable[object]) -> None:
        self._file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - it is closed with its last reader
        weakref.finalize(self, self._file.close)
        self._turn = Lock()
        self._values = 0
        for some in batched(values, _AT_ONCE):
            content = f"{',' if self._values else ''}{spelt(some)[1:-1]}".encode()
            self._values += len(some)
            with files.translating(_PLACE):
                self._file.write(content)

    def __len__(self) -> int:
        return self._values

    def pieces(self) -> Iterator[bytes]:
        """The list, in UTF-8."""
        yield b"["
        at = 0
        while piece := self._read(at):
            at += len(piece)
            yield piece
        yield b"]"

    def _read(self, at: int) -> bytes:
        with self._turn, files.translating(_PLACE):
            self._file.seek(at)
            return self._file.read(_PIECE)


def pieces(members: Mapping[str, object]) -> Iterator[bytes]:
    """The JSON object of `members`, in UTF-8; each may be a SpooledList. Raises StoreError."""
    before = "{"
    for name, value in members.items():
        yield f"{before}{spelt(name)}:".encode()
        if isinstance(value, SpooledList):
            yield from value.pieces()
        else:
            yield spelt(value).encode()
        before = ","
    yield b"}"
