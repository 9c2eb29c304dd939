"""A list in a JSON object read element by element: in every formatting, wherever the file is cut into pieces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from campaign_runner.output_folder.json_list import LARGEST, LARGEST_BESIDE, elements, packed, unpacked

OBJECT: dict[str, Any] = {
    "version": 12,
    "images": [{"a": 'x " ] } \\ ä 🕯', "b": [1, {"c": []}]}, {}, [], "text", -1.5e3, None, 17],
    "about": {"images": [1, 2]},
}


def read(content: bytes, step: int) -> tuple[list[str], list[str]]:
    """The elements and the other members, of a file that comes in pieces of `step` bytes at most."""
    at = 0

    def piece(most: int) -> bytes:
        nonlocal at
        found = content[at : at + min(step, most)]
        at += len(found)
        return found

    others: list[str] = []
    return list(elements(piece, "images", others)), others


def formats() -> Iterator[bytes]:
    for indent in (None, 0, 2, "\t"):
        for is_ascii in (True, False):
            yield json.dumps(OBJECT, indent=indent, ensure_ascii=is_ascii).encode()
    yield json.dumps(OBJECT, separators=(",", ":"), sort_keys=True).encode()
    yield b"\r\n " + json.dumps(OBJECT, indent=1).replace("\n", "\r\n").encode() + b"\n\n"


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("content", list(formats()))
def test_every_formatting_in_pieces_of_every_size_says_the_same(content: bytes, step: int) -> None:
    found, others = read(content, step)
    assert [json.loads(text) for text in found] == OBJECT["images"]
    assert json.loads(f"{{{','.join(others)}}}") == {name: OBJECT[name] for name in ("version", "about")}


def test_an_empty_list_has_no_elements() -> None:
    assert read(b'{"images": [ ]}', 9) == ([], [])


@pytest.mark.parametrize("content", list(formats())[:2])
def test_whatever_is_cut_off_is_noticed(content: bytes) -> None:
    for length in range(len(content)):
        with pytest.raises(ValueError, match=r"Invalid JSON|missing|not a list|decode"):
            read(content[:length], 1000)


BROKEN = {
    b"[]": "{ is missing",
    b'{"a": 1}': "images: it is missing",
    b'{"images": 1}': "images: it is not a list",
    b'{"images": [], "images": []}': '"images" appears twice',
    b'{[]: 1, "images": []}': "a name is missing",
    b'{"images": [1, ]}': r"images\.1: Invalid JSON",
    b'{"images": [1 2]}': "Invalid JSON: , or ] is missing before 2",
    b'{"images": []} {}': "something follows its end",
    b'\xef\xbb\xbf{"images": []}': "{ is missing",
    b'{"images": ["\xff"]}': "can't decode",
    b'{"images": [' + b"[" * 200_000: r"images\.0: it is nested too deep",
    b'{"images": [' + b"9" * 5_000 + b"]}": r"images\.0: Invalid JSON: Exceeds the limit",
    b'{"images": ["' + b"x" * (LARGEST + 1) + b'"]}': r"images\.0: it has more than 4 million characters",
    b'{"a": "' + b"x" * LARGEST_BESIDE + b'", "images": []}': "a: it is too long",
    b"{" + b",".join(b'"%d": 1' % number for number in range(200)) + b"}": "too many members",
}


@pytest.mark.parametrize(("content", "words"), list(BROKEN.items()), ids=BROKEN.values())
def test_what_is_no_such_object_is_refused_with_a_sentence(content: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read(content, 1 << 20)


def test_what_was_packed_comes_out_again() -> None:
    texts = [json.dumps({"number": number, "words": "ä\n" * 500}, indent=1) for number in range(1000)]
    blocks = list(packed(texts))
    assert list(unpacked(blocks)) == texts
    assert 1 < len(blocks) < 20 and sum(map(len, blocks)) < len("".join(texts)) / 20
    assert list(unpacked(packed([]))) == []
