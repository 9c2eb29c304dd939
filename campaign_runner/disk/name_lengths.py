"""Names that a disk does not take: tried before money moves, and what stands in for one afterwards.

Encrypted shares take 143 bytes a name, Windows 260 characters a path, and what a system says of itself need not be
true: so files with such names are made and taken away again.
"""

from __future__ import annotations

import errno
import os
import sys
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TypeVar

from campaign_runner.disk import files
from campaign_runner.errors import NameTooLong, StoreError

T = TypeVar("T")


async def placed(put: Callable[[str], Awaitable[T]], name: str, short: str) -> tuple[str, T]:
    """What `put` says of `name`, or of `short` where the disk does not take that; and which of them it is."""
    try:
        return name, await put(name)
    except NameTooLong:
        return short, await put(short)


def is_file(path: Path) -> bool:
    """Whether a file is there; under a name that the disk does not take there is none."""
    try:
        return path.is_file()
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        return False


def try_longest(names: Iterable[str], images: Path, staging: Path) -> None:
    """Try whether the disk takes the longest of `names` below `images`, which need not be there yet.

    It is tried in `staging`, a folder of the same disk, with names that are as long; nothing is left there.
    Raises NameTooLong, which says what the disk takes; StoreError, IntegrityError.
    """
    in_part = in_all = ""
    for name in names:
        in_part, in_all = max(in_part, name, key=_longest_part), max(in_all, name, key=len)
    for name in filter(None, (in_part, in_all)):
        _try_part(max(name.split("/"), key=len), staging)
        _try_path(images / name, staging)


def _longest_part(name: str) -> int:
    return max(map(len, name.split("/")))


def _try_part(part: str, staging: Path) -> None:
    """Raises NameTooLong where no file in `staging` may have a name of so many characters; they are all ASCII."""
    with files.open_folder(staging) as folder:
        refusal = _refusal(folder, len(part))
        if refusal is None:
            return
        taken = _most(len(part), lambda length: _refusal(folder, length) is None)
    if taken == 0:
        raise refusal  # it is not the length
    raise NameTooLong(
        f"'{part}', the longest name due, has {len(part)} characters, and the disk of {staging.parent} takes {taken}: "
        f"{len(part) - taken} too many. Nothing is bought. Shorten the ids in it, or say with --output where a disk "
        "for longer names is"
    ) from refusal


def _try_path(path: Path, staging: Path) -> None:
    """Raises NameTooLong where no file may have a path of so many bytes."""
    spelt = os.fsencode(path)
    if sys.platform == "win32":  # whatever is too long is just not found there, so one of that length is made
        room = len(spelt) - len(os.fsencode(staging)) - 1
        with files.open_folder(staging) as folder:
            over = room - _most(room, lambda length: _refusal(folder, length) is None)
    else:
        over = len(spelt) - _most(len(spelt), lambda length: _is_path(spelt[:length]))
    if over:
        raise NameTooLong(
            f"{path}, the longest path due, has {len(spelt):,} characters, and this machine takes "
            f"{len(spelt) - over:,}: {over:,} too many. Nothing is bought. Shorten the ids in it, or say with --output "
            "a place whose path is shorter"
        )


def _most(length: int, takes: Callable[[int], bool]) -> int:
    """The most, up to `length`, that is taken; usually that is all of it."""
    return length if takes(length) else bisect_left(range(1, length), True, key=lambda fewer: not takes(fewer))


def _refusal(folder: files.FolderHandle, length: int) -> StoreError | None:
    """What the disk says to a file with a name of so many characters."""
    name = "~" * length
    try:
        folder.touch(name)
    except StoreError as error:
        return error
    folder.remove(name)
    return None


def _is_path(path: bytes) -> bool:
    try:
        os.lstat(path)
    except OSError as error:
        return error.errno != errno.ENAMETOOLONG
    return True
