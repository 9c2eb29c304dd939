"""The thumbnails of one image: `review/<sha256 of the image>-<longest side>.jpg` in the output folder.

A name is absent or complete, also if a process is killed: the picture is written in staging, synced, and then
renamed. What a name holds never changes, so two processes may make the same one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from PIL import Image

from campaign_runner.disk import files
from campaign_runner.errors import CampaignError, Damaged, IntegrityError, StoreError
from campaign_runner.output_folder.folder import REVIEW, Folder
from campaign_runner.pictures.appearance import ON_ITS_SIDE, turned
from campaign_runner.pictures.colours import beside, in_srgb
from campaign_runner.pictures.inspection import BROKEN, opened
from campaign_runner.plan.digests import Digests
from campaign_runner.store import content_of
from campaign_runner.tasks import in_thread

SMALL, LARGE = 320, 1280
"""Longest sides in pixels; a smaller image keeps its own size."""
EDGES = (SMALL, LARGE)
_QUALITY = {SMALL: 82, LARGE: 86}
_NAME = re.compile(rf"([0-9a-f]{{64}})-({SMALL}|{LARGE})\.jpg")
_TRIES = 3  # a run that begins empties staging, whatever is there


def name_of(sha256: str, edge: int) -> str:
    """The name of a thumbnail in `review/`."""
    return f"{sha256}-{edge}.jpg"


def path_of(folder: Folder, sha256: str, edge: int) -> Path:
    """Where the thumbnail of an image is, or will be."""
    return folder.path / REVIEW / name_of(sha256, edge)


class MadeThumbnails:
    """The thumbnails that are in `folder` now. Raises StoreError."""

    def __init__(self, folder: Folder) -> None:
        self._made = {edge: Digests() for edge in EDGES}
        path = folder.path / REVIEW
        with files.translating(path), suppress(FileNotFoundError, NotADirectoryError), os.scandir(path) as found:
            for name in map(_NAME.fullmatch, (each.name for each in found)):
                if name is not None:
                    self._made[int(name[2])].number_of(bytes.fromhex(name[1]))

    def has(self, sha256: str, edge: int) -> bool:
        """Whether that of an image is among them."""
        is_digest = _NAME.fullmatch(name_of(sha256, edge)) is not None
        return is_digest and self._made[edge].find(bytes.fromhex(sha256)) is not None

    def has_all(self, sha256: str) -> bool:
        """Whether those of an image are."""
        return all(self.has(sha256, edge) for edge in EDGES)


def is_made(folder: Folder, sha256: str) -> bool:
    """Whether all thumbnails of an image are there."""
    return all(path_of(folder, sha256, edge).is_file() for edge in EDGES)


async def make(folder: Folder, file: str, sha256: str) -> None:
    """Make the thumbnails of an image that are missing; `file` is as the record names it.

    Raises Damaged for what is not a picture, IntegrityError where the file is gone or holds other bytes, StoreError.
    """
    if not await in_thread(is_made, folder, sha256):
        content = await content_of(folder.store, file, sha256)
        await in_thread(make_from, content, folder, file, sha256)


def make_from(content: bytes, folder: Folder, file: str, sha256: str) -> None:
    """Make the thumbnails of the image `file` from its bytes. Blocks. Raises Damaged, IntegrityError, StoreError."""
    if is_made(folder, sha256):
        return
    prepare(folder)
    profile, orientation = beside(content)
    try:
        with opened(BytesIO(content)) as picture:
            pictures = list(_shrunk(picture, profile, orientation))
    except BROKEN as error:
        raise Damaged(f"{folder.store.where(file)} is a cut or damaged picture", code="damaged") from error
    for edge, picture in pictures:
        _publish(folder, name_of(sha256, edge), _encoded(picture, edge))


def prepare(folder: Folder) -> None:
    """Make the folders that thumbnails are written in. Raises StoreError, IntegrityError."""
    for path in (folder.path / REVIEW, folder.staging):
        if path.is_symlink():
            raise IntegrityError(f"{path} is a symbolic link; put a real folder there and run again")
        files.make_folder(path)


def _shrunk(picture: Image.Image, profile: bytes | None, orientation: int) -> Iterator[tuple[int, Image.Image]]:
    """The upright picture in sRGB at each longest side, the largest first: each is made from the one before."""
    width, height = picture.size
    picture.draft("RGB", _fitted(width, height, LARGE))
    if picture.mode != "RGB" or picture.has_transparency_data:  # all others have fewer pixels to convert once shrunk
        picture, profile = in_srgb(picture, profile), None
    current = turned(picture, orientation)
    if orientation in ON_ITS_SIDE:
        width, height = height, width
    for edge in sorted(EDGES, reverse=True):
        size = _fitted(width, height, edge)
        if current.size != size:
            current = current.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
        current, profile = in_srgb(current, profile), None
        yield edge, current


def _fitted(width: int, height: int, edge: int) -> tuple[int, int]:
    scale = min(1.0, edge / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _encoded(picture: Image.Image, edge: int) -> bytes:
    encoded = BytesIO()
    picture.save(encoded, "JPEG", quality=_QUALITY[edge], progressive=edge == LARGE)
    return encoded.getvalue()


def _publish(folder: Folder, name: str, content: bytes) -> None:
    for tries_left in reversed(range(_TRIES)):
        try:
            with files.replacing(folder.path / REVIEW / name, staging=folder.staging) as file:
                file.write(content)
            return
        except StoreError:
            if not tries_left:
                raise
            prepare(folder)


def flaw(content: bytes, folder: Folder, file: str, sha256: str) -> str | None:
    """Why the thumbnails of an image cannot be made from its bytes; None once they are there. Blocks."""
    try:
        make_from(content, folder, file, sha256)
    except CampaignError as error:
        return str(error)
    return None
