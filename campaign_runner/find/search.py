"""Where an image is and what became of it, over all output folders of this machine that are known.

An image is asked for by its key, by the name of its file, or by a file on the disk: the very
bytes, else a copy that was resized or encoded again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from campaign_runner.disk import files
from campaign_runner.errors import UsageError
from campaign_runner.journal.ledger import Entry
from campaign_runner.output_folder.folder import Folder
from campaign_runner.pictures.likeness import Likeness, difference_hash

MOST_ALIKE = 5
"""Images that look like a file: so many are shown."""
_KEY = re.compile(r"[0-9a-f]{8,64}")
_FILE_NAME = re.compile(r"_s\d+_([0-9a-f]{8})(\.\w+)?$")


@dataclass(frozen=True, slots=True)
class Match:
    """An image that was found. `distance` is how many of 64 bits differ in looks; None where it is the image itself."""

    folder: Folder
    entry: Entry
    distance: int | None = None

    @property
    def file(self) -> Path | None:
        """Where its file should be."""
        return self.folder.path / self.entry.file if self.entry.file else None


def key_in(text: str) -> str | None:
    """The key, or its beginning, that a text is or that a file's name ends in; None if there is none."""
    if _KEY.fullmatch(text.lower()):
        return text.lower()
    named = _FILE_NAME.search(Path(text).name)
    return named[1] if named else None


def folders_in(places: Sequence[Path]) -> list[Folder]:
    """The output folders that have a journal below `places`, or are one of them; each once."""
    found: dict[Path, Folder] = {}
    for place in places:
        inside = sorted(place.iterdir()) if place.is_dir() else []
        for path in (place, *inside):
            folder = Folder(path.resolve())
            if folder.has_journal:
                found.setdefault(folder.path, folder)
    return list(found.values())


def by_key(key: str, folders: Sequence[Folder]) -> list[Match]:
    """The images whose key begins with `key`."""
    hits = []
    for folder in folders:
        with folder.ledger() as ledger:
            hits += [Match(folder, entry) for entry in ledger.with_key(key)]
    return hits


def by_picture(
    path: Path, folders: Sequence[Folder], likeness: Likeness, learning: Callable[[int], None]
) -> list[Match]:
    """The image that a file is, else those it looks like, nearest first; `learning` hears what is still to be hashed.

    Raises UsageError for a file that is no picture.
    """
    with files.translating(path), path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if hits := list(_with_digest(digest, folders)):
        return hits
    if (bits := difference_hash(path)) is None:
        raise UsageError(f"{path} is not a JPEG, PNG or WebP picture, and not an image of a campaign here")
    return list(_alike(bits, folders, likeness, learning))


def _with_digest(digest: str, folders: Sequence[Folder], distance: int | None = None) -> Iterator[Match]:
    for folder in folders:
        with folder.ledger() as ledger:
            yield from [Match(folder, entry, distance) for entry in ledger.with_digest(digest)]


def _alike(
    bits: int, folders: Sequence[Folder], likeness: Likeness, learning: Callable[[int], None]
) -> Iterator[Match]:
    images: dict[str, Path] = {}
    for folder in folders:
        with folder.ledger() as ledger:
            images |= {digest: folder.path / file for digest, file in ledger.files().items()}
    for number, _ in enumerate(likeness.learn(images), 1):
        learning(number)
    for distance, digest in likeness.nearest(bits, images)[:MOST_ALIKE]:
        yield from _with_digest(digest, folders, distance)
