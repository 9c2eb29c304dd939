"""Where an image is and what happened to it, over all output folders of this machine that are known.

An image is asked for by its key, by the name of its file, or by a file on the disk: the very
bytes, or a copy that was resized or encoded again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Protocol, TypeVar

from campaign_runner.disk import files
from campaign_runner.disk.regular_files import TooManyBytes, content_of
from campaign_runner.errors import IntegrityError, StoreError, UsageError
from campaign_runner.journal.ledger import Entry
from campaign_runner.output_folder.delivered_files import delivered_as
from campaign_runner.output_folder.delivery_record import DeliveredFile
from campaign_runner.output_folder.folder import Folder
from campaign_runner.pictures.likeness import difference_hash
from campaign_runner.portions import batched
from campaign_runner.ports import LARGEST_BYTES, Content, Store
from campaign_runner.store import sha256_of
from campaign_runner.tasks import in_thread

T = TypeVar("T")
_LEARNT_AT_ONCE = 500
MOST_ALIKE = 5
"""Images that look like a file: so many are shown."""
_KEY = re.compile(r"[0-9a-f]{8,64}")
_FILE_NAME = re.compile(r"_s\d+_([0-9a-f]{8})(\.\w+)?$")


@dataclass(frozen=True, slots=True)
class Match:
    """An image that was found. `distance` is how many of 64 bits differ in looks; None where it is the image itself.

    `delivered` is the file that was cut from it, if that is what was found.
    """

    folder: Folder
    entry: Entry
    distance: int | None = None
    delivered: DeliveredFile | None = None

    @property
    def file(self) -> str | None:
        """Where its file should be, for a person."""
        return self.folder.store.where(self.entry.file) if self.entry.file else None


class PictureIndex(Protocol):
    """Difference hashes of pictures, by the digest of their bytes. What was taken in stays true for ever."""

    async def unknown(self, digests: Collection[str]) -> list[str]:
        """Those of `digests` that are to be looked at and taken in."""

    async def add(self, hashes: Mapping[str, int]) -> None:
        """Take in difference hashes."""

    async def nearest(self, bits: int, among: Collection[str]) -> list[tuple[int, str]]:
        """Those pictures `among` digests that look like `bits`: how many bits differ, and the digest; nearest first."""


async def files_of(hits: Sequence[Match]) -> set[str]:
    """Where the files of `hits` are, of those that are there."""
    found: set[str] = set()
    for folder in {hit.folder.path: hit.folder for hit in hits}.values():
        store, names = folder.store, [hit.entry.file for hit in hits if hit.folder == folder and hit.entry.file]
        found |= set(map(store.where, await store.present(names)))
    return found


def key_in(text: str) -> str | None:
    """The key, or its beginning, that a text is or that a file's name ends in; None if there is none."""
    if _KEY.fullmatch(text.lower()):
        return text.lower()
    named = _FILE_NAME.search(Path(text).name)
    return named[1] if named else None


def by_key(key: str, folders: Sequence[Folder]) -> list[Match]:
    """The images whose key begins with `key`."""
    hits = []
    for folder in folders:
        with folder.ledger() as ledger:
            hits += [Match(folder, entry) for entry in ledger.with_key(key)]
    return hits


async def by_picture(
    path: Path,
    folders: Sequence[Folder],
    index: PictureIndex,
    learning: Callable[[int], None],
    *,
    cuts: PictureIndex | None = None,
) -> list[Match]:
    """The image that a file is, or those it looks like, nearest first; `learning` hears what is still to be hashed.

    `index` knows images, `cuts` what was cut from them: the same one if there is no other. Raises UsageError for a file
    that is not a picture.
    """
    if hits := list(_with_digest(await in_thread(_of_file, path, sha256_of), folders)):
        return hits
    if (bits := await in_thread(_of_file, path, difference_hash)) is None:
        raise UsageError(f"{path} is not a JPEG, PNG or WebP picture, and not an image of a campaign here")
    return await _alike(bits, folders, (index, cuts or index), learning)


def _of_file(path: Path, look: Callable[[Content], T]) -> T:
    try:
        with BytesIO(content_of(path, LARGEST_BYTES)) as content:
            return look(content)
    except TooManyBytes as error:
        raise UsageError(f"{path} is not an image of a campaign: {error.strerror}") from error
    except OSError as error:
        raise files.translated(error, path) from error


def _with_digest(digest: str, folders: Sequence[Folder], distance: int | None = None) -> Iterator[Match]:
    for folder in folders:
        with folder.ledger() as ledger:
            yield from [Match(folder, entry, distance) for entry in ledger.with_digest(digest)]
            cuts = {file.key: file for file, _ in delivered_as(folder.path) if file.sha256 == digest}
            entries = ledger.entries(list(cuts)) if cuts else {}
            yield from [Match(folder, entry, distance, cuts[key]) for key, entry in entries.items()]


async def _alike(
    bits: int, folders: Sequence[Folder], indexes: tuple[PictureIndex, PictureIndex], learning: Callable[[int], None]
) -> list[Match]:
    images: dict[str, tuple[Store, str]] = {}
    for folder in folders:
        with folder.ledger() as ledger:
            images |= {digest: (folder.store, file) for digest, file in ledger.files().items()}
    cuts = {file.sha256: place for folder in folders for file, place in delivered_as(folder.path)}
    looked = count(1)
    nearest: list[tuple[int, str]] = []

    async def look(digest: str) -> int | None:
        learning(next(looked))
        return await (_looks(*images[digest]) if digest in images else in_thread(_looks_of_cut, cuts[digest]))

    for index, digests in zip(indexes, (images.keys(), cuts.keys() - images.keys()), strict=True):
        for some in batched(await index.unknown(digests) if digests else (), _LEARNT_AT_ONCE):
            hashes = {digest: await look(digest) for digest in some}
            await index.add({digest: found for digest, found in hashes.items() if found is not None})
        nearest += await index.nearest(bits, digests) if digests else ()
    return [hit for distance, digest in sorted(nearest)[:MOST_ALIKE] for hit in _with_digest(digest, folders, distance)]


async def _looks(store: Store, file: str) -> int | None:
    """The difference hash of an image; None if it is gone or cannot be read: `verify` tells of that."""
    try:
        return await store.open(file, difference_hash)
    except (FileNotFoundError, IntegrityError, StoreError):
        return None


def _looks_of_cut(path: Path) -> int | None:
    """The same of a delivered file."""
    try:
        with BytesIO(content_of(path, LARGEST_BYTES)) as content:
            return difference_hash(content)
    except OSError:
        return None
