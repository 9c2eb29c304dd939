"""A file with the bytes of another one, and nothing else of it: who edits one does not change the other.

On disks that can do that, both share their blocks until one is written: such a copy takes no room and no time.
"""

from __future__ import annotations

import shutil
import sys
from io import BufferedReader
from pathlib import Path
from typing import IO

from campaign_runner.disk import files

if sys.platform == "linux":
    import fcntl

_FICLONE = 0x40049409
"""https://man7.org/linux/man-pages/man2/ioctl_ficlone.2.html"""


def copy_to(content: BufferedReader, target: Path) -> None:
    """Make the new file `target` of all of `content`, synced but for its folder. Raises StoreError, IntegrityError."""
    with files.new_file(target) as new:
        if not _shares_blocks(content, new):
            content.seek(0)
            shutil.copyfileobj(content, new)


def _shares_blocks(content: BufferedReader, new: IO[bytes]) -> bool:
    """Whether the disk lets two files share their blocks, which these do from now on."""
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(new.fileno(), _FICLONE, content.fileno())
    except OSError:  # another disk, or one that cannot: whatever else is wrong with it shows when it is written
        return False
    return True
