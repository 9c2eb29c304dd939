"""The one way to open a file that this process did not write: a regular file, without waiting, and no more than asked.

Anyone who can put a file beside ours can put a pipe there, which waits for ever for its writer, a link to a device,
which has no end, or a terabyte of nothing. So what is there is looked at before it is opened, and again once it is.
Links are followed: people keep their files behind them. `FolderHandle.read` is the same where no link may be followed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from io import BufferedReader
from pathlib import Path

from campaign_runner.text import plural

# O_NONBLOCK: what became a pipe in the last moment does not wait; O_NOCTTY: a terminal does not become ours.
FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
_MIB = 1 << 20


class NotRegular(OSError):
    """A pipe, a socket or a device: it has no end, or waits for someone."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.EINVAL, "it is a pipe or a device, not a file", str(path))


class TooManyBytes(OSError):
    """A file that is larger than anything that belongs there."""

    def __init__(self, path: Path, most: int) -> None:
        bound = f"{most // _MIB} MiB" if most >= _MIB else plural(most, "byte")
        super().__init__(errno.EFBIG, f"it has more than {bound}", str(path))


def open_regular(path: Path) -> BufferedReader:
    """The file at `path`, open for reading; the caller bounds what is read. Raises OSError."""
    _refuse_others(path.stat(), path)
    return taken(os.open(path, FLAGS), path)


def content_of(path: Path, most: int) -> bytes:
    """All of the file at `path`, which has no more than `most` bytes. Raises OSError: TooManyBytes for a larger one."""
    with open_regular(path) as file:
        return all_of(file, path, most)


def sha256_at(path: Path) -> str:
    """The SHA-256 (hex) of the file at `path`, however large it is. Raises OSError."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def text_of(path: Path, most: int) -> str:
    """The same of a text in UTF-8, what is none of it replaced. Raises OSError."""
    return content_of(path, most).decode("utf-8", "replace")


def all_of(file: BufferedReader, path: Path, most: int) -> bytes:
    """What an open file holds. Raises OSError: TooManyBytes, whatever length the system says it has."""
    content = file.read(most + 1) if os.fstat(file.fileno()).st_size <= most else b""
    if len(content) > most or os.fstat(file.fileno()).st_size > most:
        raise TooManyBytes(path, most)
    return content


def taken(handle: int, path: Path, most: int | None = None) -> BufferedReader:
    """A file for the handle `handle`, which is closed where it is not a regular one, or has more than `most` bytes.

    Raises OSError.
    """
    try:
        found = os.fstat(handle)
        _refuse_others(found, path)
        if most is not None and found.st_size > most:
            raise TooManyBytes(path, most)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def is_there(path: Path) -> bool:
    """Whether anything is at `path`: nothing is under a name that no disk takes. Links are followed."""
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


def real(path: Path) -> Path:
    """Where a path leads, whatever is there: also of links that lead in a circle, for which `resolve` raises."""
    return Path(os.path.realpath(path))


def is_folder(path: Path) -> bool:
    """Whether a folder is at `path`; links are followed."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def _refuse_others(found: os.stat_result, path: Path) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        raise NotRegular(path)
