"""The text of a file that a person names: a script of faults, a list of models."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

LARGEST_BYTES = 1 << 20


def text_of(path: Path) -> str:
    """What a regular file of at most 1 MiB says, in UTF-8. Raises OSError, ValueError for another encoding."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is not a file", str(path))
    # What became a pipe in the last moment is not waited for.
    with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
        content = file.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        raise OSError(errno.EFBIG, "it has more than 1 MiB", str(path))
    return content.decode()
