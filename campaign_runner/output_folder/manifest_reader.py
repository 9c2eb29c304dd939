"""manifest.json read back. It is foreign input: anyone may have written it, and money follows from what it says.

A closed model says what may be in it; identities are computed again from the requests and compared; a file's name is
a relative one below a folder of images. Whatever does not hold is an IntegrityError that names the place.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import weakref
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from pydantic import ValidationError

from campaign_runner.campaign_file.schema.ids import LONGEST_CAMPAIGN, id_flaw
from campaign_runner.campaign_file.schema.reference_files import picture_flaw
from campaign_runner.disk import files, sqlite
from campaign_runner.disk.image_names import REMOVED, is_outside
from campaign_runner.disk.regular_files import is_there, open_regular
from campaign_runner.errors import IntegrityError, UsageError
from campaign_runner.families import FAMILIES, Family
from campaign_runner.firefly.protocol.interfaces import interface_of
from campaign_runner.firefly.protocol.request_body import ImageRequest
from campaign_runner.model import IMAGES, State
from campaign_runner.output_folder.json_list import elements, packed, unpacked
from campaign_runner.output_folder.manifest_image import ManifestImage, cell_of, listed, recipe_of
from campaign_runner.output_folder.manifest_schema import Head, Image
from campaign_runner.text import printable

LARGEST_BYTES = 512 << 20
"""About 300,000 images."""
_KEYS = "CREATE TABLE seen (key BLOB PRIMARY KEY) WITHOUT ROWID"
_NEW_KEY = "INSERT OR IGNORE INTO seen VALUES (?)"
_LARGE = 1 << 16
"""Characters of an image, but for the other cells it is in."""
_MOST_PARTS = 100_000
"""Objects and lists of an image: two for each of these cells."""
_SHOWN_PROBLEMS = 3


@dataclass(frozen=True, slots=True)
class ReadBack:
    """A manifest, its path, the SHA-256 of its bytes, and its images: compressed, on the disk: there may be many."""

    path: Path
    sha256: str
    head: Head
    blocks: Iterable[bytes]

    def images(self) -> Iterator[ManifestImage]:
        """Its images, in its order."""
        return (listed(_image(text)) for text in unpacked(self.blocks))

    def written(self) -> Iterator[dict[str, Any]]:
        """The same as they are written there."""
        return map(json.loads, unpacked(self.blocks))


def read_manifest(path: Path) -> ReadBack:
    """The manifest at `path`. Raises UsageError where there is none, IntegrityError for what is wrong with it."""
    if not is_there(path):
        raise UsageError(f"there is no manifest {path}; a run writes it into its output folder")
    members: list[str] = []
    with files.translating(path), open_regular(path) as file, sqlite.scratch(_KEYS) as keys:
        content = _Content(path, file)
        try:
            blocks = Spooled(packed(_sound(path, elements(content.read, "images", members), keys)))
            head = Head.model_validate_json(f"{{{','.join(members)}}}", strict=True)
        except ValidationError as error:
            raise _foreign(path, _problems(error)) from error
        except ValueError as error:
            raise _foreign(path, printable(str(error))) from error
    if id_flaw(head.campaign, LONGEST_CAMPAIGN):
        raise IntegrityError(f"{path} was changed: '{printable(head.campaign[:60])}' is not the name of a campaign")
    return ReadBack(path, content.digest.hexdigest(), head, blocks)


class Spooled(Iterable[bytes]):
    """Bytes by the block, in a file that no one else sees and that is gone with this. Raises OSError."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - it is closed with its last reader
        weakref.finalize(self, self._file.close)
        self._lengths = array("q", map(self._file.write, blocks))

    def __iter__(self) -> Iterator[bytes]:
        at = 0
        for length in self._lengths:
            self._file.seek(at)
            yield self._file.read(length)
            at += length


class _Content:
    """The bytes of a manifest as they are read, and their digest so far."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self._left = LARGEST_BYTES
        self.digest = hashlib.sha256()

    def read(self, most: int) -> bytes:
        """At most so many bytes. Raises IntegrityError for more than any manifest has."""
        content = self._file.read(most)
        self._left -= len(content)
        if self._left < 0:
            raise IntegrityError(f"{self._path} has more than {LARGEST_BYTES >> 20} MiB: no manifest is that large")
        self.digest.update(content)
        return content


def _sound(path: Path, images: Iterator[str], keys: sqlite3.Connection) -> Iterator[str]:
    """The texts of images, each looked at; `keys` are those so far.

    Raises IntegrityError for one that does not hold.
    """
    for number, text in enumerate(images, start=1):
        if len(text) > _LARGE and not _is_long_by_its_cells(text):
            raise _foreign(path, f"images.{number - 1}: it is too long")
        try:
            image = _image(text)
        except ValidationError as error:
            raise _foreign(path, _problems(error, f"images.{number - 1}.")) from error
        flaw = _flaw(image) if keys.execute(_NEW_KEY, (bytes.fromhex(image.key),)).rowcount else "its key appears twice"
        if flaw is not None:
            raise IntegrityError(f"{path} was changed: image {number} ({image.key[:8]}): {printable(flaw)}")
        yield text


def _is_long_by_its_cells(text: str) -> bool:
    """Whether a long image is so by the cells it is in. Anything else could grow a hundredfold when validated."""
    if text.count("{") + text.count("[") > _MOST_PARTS:
        return False
    said = json.loads(text)
    if not isinstance(said, dict) or said.keys() != Image.model_fields.keys() or not isinstance(said["also"], list):
        return False
    return all(len(json.dumps(part)) <= _LARGE for part in (said | {"also": None}, *said["also"]))


def _image(text: str) -> Image:
    return Image.model_validate_json(text, strict=True)


def _foreign(path: Path, why: str) -> IntegrityError:
    return IntegrityError(f"{path} is not a manifest as campaign_runner writes it: {why}")


def _problems(error: ValidationError, within: str = "") -> str:
    """The first few, each with its place `within` the file."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    shown = [f"{within}{'.'.join(map(str, each['loc'])) or 'it'}: {each['msg']}" for each in found[:_SHOWN_PROBLEMS]]
    more = f" and {len(found) - len(shown)} more" if len(found) > len(shown) else ""
    return printable("; ".join(shown) + more)


def _flaw(image: Image) -> str | None:
    """What is wrong with an image."""
    family = FAMILIES.get(image.version)
    try:
        asked = interface_of(image.version).read(image.request) if family is not None else None
    except ValidationError as error:
        return f"its request could not come from a campaign: {_problems(error)}"
    recipe = recipe_of(image)
    if recipe.digest != image.recipe:
        return "its request does not match its recipe"
    if recipe.key(image.seed) != image.key:
        return "its seed and recipe do not match its key"
    if family is None or asked is None:
        return f"this version does not know the image model '{image.version}'"
    return _request_flaw(image, family, asked) or _names_flaw(image)


def _request_flaw(image: Image, family: Family, asked: ImageRequest) -> str | None:
    if family.is_custom != (asked.custom_model is not None):
        return f"a custom model and a custom model family go together; this is {image.version}"
    if asked.prompt != image.prompt or asked.size != cell_of(image).size:
        return "its prompt or size does not match its request"
    return next((found[0] for link in asked.links if (found := picture_flaw(link, Path())) is not None), None)


def _names_flaw(image: Image) -> str | None:
    for cell in (image, *image.also):
        names = (cell.product, cell.prompt_id, cell.preset, *([cell.market] if cell.market is not None else []))
        if (flaw := next(filter(None, map(id_flaw, names)), None)) is not None:
            return flaw[0]
    is_whole = None not in (image.file, image.sha256, image.bytes, image.media_type)
    if image.state == State.STORED and not is_whole:
        return "it is stored, but file, sha256, bytes or media_type is missing"
    if image.file is not None and is_outside(image.file):
        return f"{image.file!r} is not a name of an image: it is not below {IMAGES}/ or {REMOVED}/"
    return None
