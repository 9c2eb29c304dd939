"""Which marks count: those that no other replaces. Pure, and the same for any order of files, lines and duplicates.

The review page does the same in JavaScript (`merging.js`); `tests/review/cases.json` holds both to one result.
"""

from __future__ import annotations

import json
import struct
from collections import defaultdict
from collections.abc import Iterable, Sequence

from campaign_runner.model import Cell
from campaign_runner.review.decisions_format import mark_line
from campaign_runner.review.marks import Mark


def distinct(marks: Iterable[Mark]) -> list[Mark]:
    """Equal ids are one mark. Where someone gave one id to two different ones, the smaller spelling counts."""
    found: dict[str, Mark] = {}
    for mark in marks:
        known = found.setdefault(mark.id, mark)
        if known is not mark and known != mark:
            found[mark.id] = min(known, mark, key=lambda each: (spelling(each), each.reviewer.name))
    return [found[id] for id in sorted(found)]


def spelling(mark: Mark) -> bytes:
    """What orders two marks that claim to be the same, in the page as here."""
    return _units(_spelt(mark_line(mark) | {"reviewer": mark.reviewer.id}))


def _spelt(value: object) -> str:
    """A JSON value with fields in order and numbers as their eight bytes: languages write digits in different ways."""
    match value:
        case dict():
            fields = sorted(value.items(), key=lambda field: _units(field[0]))
            return f"{{{','.join(f'{_spelt(name)}:{_spelt(each)}' for name, each in fields)}}}"
        case list() | tuple():
            return f"[{','.join(map(_spelt, value))}]"
        case int() | float() if not isinstance(value, bool):
            return struct.pack(">d", value).hex()
        case _:
            return json.dumps(value, ensure_ascii=False)


def _units(text: str) -> bytes:
    """What orders texts as browsers do."""
    return text.encode("utf-16-be", "surrogatepass")


def standing(marks: Iterable[Mark]) -> list[Mark]:
    """Those of `marks` (about one image in one cell, distinct) that no other of them replaces, by id.

    A mark replaces only what is of its own chain: another reviewer's verdict is never taken away.
    """
    marks = list(marks)
    replaced = {(mark.chain, earlier) for mark in marks for earlier in mark.after if earlier != mark.id}
    return sorted((mark for mark in marks if (mark.chain, mark.id) not in replaced), key=lambda mark: mark.id)


class MarkIndex:
    """All marks of a campaign, found by the image and the cell they are about."""

    def __init__(self, marks: Iterable[Mark]) -> None:
        self._by_key: dict[str, list[Mark]] = defaultdict(list)
        self._by_bytes: dict[str, list[Mark]] = defaultdict(list)
        for mark in distinct(marks):
            self._by_key[mark.key].append(mark)
            self._by_bytes[mark.sha256].append(mark)

    def about(self, key: str, sha256: str | None, cell: Cell, row: Sequence[str]) -> list[Mark]:
        """The marks on an image in a cell, counting or not; `row` are the keys of all images of that row.

        A picture that has come under another key (kept for new words, taken over) brings its marks along, unless they
        are on another image of the row.
        """
        moved = (mark for mark in self._by_bytes.get(sha256 or "", ()) if mark.key not in row)
        return [mark for mark in (*self._by_key.get(key, ()), *moved) if mark.cell is None or mark.cell == cell]
