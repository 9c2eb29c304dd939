"""Disks as other systems have them, played at the calls to the system: names held by others, and names too long."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from campaign_runner.disk import patience

CHANGES_OF_NAMES = ("link", "rename", "replace", "unlink")
MAKES_NAMES = ("mkdir", "link", "rename", "replace")
LOOKS_AT_NAMES = ("stat", "lstat", "unlink")
PATH_MAX = 4095
"""The longest path of Linux, without the zero at its end."""


class _Usage(NamedTuple):
    """The answer of `shutil.disk_usage`."""

    total: int
    used: int
    free: int


def holding(patch: pytest.MonkeyPatch, refuses: Callable[[str], int | None]) -> list[str]:
    """From now on each change of a name is asked of `refuses`, by what it is, and refused with the errno it answers.

    The answer is the list of all changes, refused ones too. Nobody really waits.
    """
    seen: list[str] = []
    patch.setattr(patience, "WAITS", (0.0,) * len(patience.WAITS))
    for name in CHANGES_OF_NAMES:
        patch.setattr(os, name, _held(name, getattr(os, name), refuses, seen))
    return seen


def _held(
    name: str, call: Callable[..., Any], refuses: Callable[[str], int | None], seen: list[str]
) -> Callable[..., Any]:
    def held(*arguments: Any, **options: Any) -> Any:
        seen.append(name)
        number = refuses(name)
        if number is not None:
            raise OSError(number, os.strerror(number))
        return call(*arguments, **options)

    return held


def taking(patch: pytest.MonkeyPatch, most: int) -> None:
    """From now on no name may have more than `most` bytes, as on an encrypted share."""
    for name in ("open", *MAKES_NAMES, *LOOKS_AT_NAMES):
        patch.setattr(os, name, _short(name, getattr(os, name), most))


def having(patch: pytest.MonkeyPatch, free: int) -> None:
    """From now on every disk has `free` bytes left, and takes all the same what is written."""
    patch.setattr(shutil, "disk_usage", lambda path: _Usage(free, 0, free))


def _short(name: str, call: Callable[..., Any], most: int) -> Callable[..., Any]:
    """What is there already keeps its name."""

    def short(*arguments: Any, **options: Any) -> Any:
        path = arguments[0 if name in ("open", "mkdir", *LOOKS_AT_NAMES) else 1]
        makes = name in MAKES_NAMES or (name == "open" and arguments[1] & os.O_CREAT)
        is_short = isinstance(path, int) or len(os.fsencode(path).rpartition(b"/")[2]) <= most
        too_long = OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)
        if makes and not is_short:
            raise too_long
        try:
            return call(*arguments, **options)
        except FileNotFoundError:
            if is_short:
                raise
            raise too_long from None

    return short


def deep(folder: Path, length: int) -> Path:
    """A folder below `folder` whose path has so many characters."""
    while (left := length - len(str(folder)) - 1) > 0:
        folder /= "d" * (left if left <= 200 else min(200, left - 2))
    folder.mkdir(parents=True)
    assert len(str(folder)) == length
    return folder
