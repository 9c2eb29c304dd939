"""How journal and manifest name the file of an image: relative to the output folder, below one of PLACES.

A journal may come from anyone. Every reader of one asks here, so that no command has to remember it.
"""

from __future__ import annotations

from pathlib import Path

from campaign_runner.errors import IntegrityError, UsageError
from campaign_runner.model import IMAGES

REMOVED = "removed"
STAGING = ".staging"
"""The folder of what is being written and has no name yet."""
IMAGE_FOLDERS = frozenset((IMAGES, REMOVED))
"""The folders of images: where a run puts them, and where `prune` moves them."""
_FORBIDDEN = frozenset('\\:*?"<>|')


def split_name(name: str) -> list[str]:
    """The parts of a name. Raises IntegrityError for what would leave the folder, or is not a name on every system."""
    found = name.split("/")
    if any(part in ("", ".", "..") or _FORBIDDEN & set(part) or not part.isprintable() for part in found):
        raise IntegrityError(f"{name!r} is not a name of an image: names are relative, with '/' and without '..'")
    return found


def is_outside(file: object) -> bool:
    """Whether a file that a record names is not below a folder of images: reading or moving it would leave ours."""
    if not isinstance(file, str):
        return True
    try:
        place, *below = split_name(file)
    except IntegrityError:
        return True
    return place not in IMAGE_FOLDERS or not below


def as_recorded(path: Path) -> str:
    """`path` as a record spells it. Raises UsageError where a name in it is not text: bytes that are not UTF-8."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise UsageError(f"{path} cannot be recorded, its name is not UTF-8; nothing was sent. Rename it") from None
    return str(path)


def bought_before(name: str) -> IntegrityError:
    """What to say of a file that has the name of an image which is due."""
    return IntegrityError(
        f"{name} is on the disk, but the journal does not know it: it was not bought again. "
        "Restore journal.sqlite, or move the file away and run again"
    )
