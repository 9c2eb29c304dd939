"""One image compared with its record; what differs is decoded to say how it is damaged.

The record holds a digest of the bytes and none of the pixels: of a whole picture with other bytes no one can
tell whether it was edited or only saved again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from campaign_runner.errors import Damaged, IntegrityError, StoreError
from campaign_runner.model import Size
from campaign_runner.pictures.inspection import examine
from campaign_runner.ports import LARGEST_BYTES, Content, Store
from campaign_runner.store import length_of, sha256_of


@dataclass(frozen=True, slots=True)
class Expected:
    """A file as the record has it. `key` and `size` (pixels) are None for an image that no one asked for.

    Nor is a size known of an image of a model that is not asked for pixels.
    """

    file: str
    sha256: str
    bytes: int
    key: str | None = None
    size: Size | None = None


@dataclass(frozen=True, slots=True)
class Damage:
    """How a file differs from its record: a word for machines and a sentence."""

    kind: str
    message: str


async def damage(store: Store, wanted: Expected, others: Mapping[str, str]) -> Damage | None:
    """How the file in `store` differs from what the record wants; None if it does not.

    `others` are the names of recorded images by the SHA-256 of their bytes.
    """
    try:
        return await store.open(wanted.file, partial(_held, wanted, others))
    except FileNotFoundError:
        return Damage("missing", "it is gone")
    except IntegrityError as error:
        return Damage("in_the_way", str(error))
    except (StoreError, OSError) as error:
        return Damage("unreadable", f"it cannot be read: {error}")


def _held(wanted: Expected, others: Mapping[str, str], file: Content) -> Damage | None:
    """The same of the open file: hashed as it is read, and looked at whole only where it differs."""
    length = length_of(file)
    if length == wanted.bytes and sha256_of(file) == wanted.sha256:
        return None
    file.seek(0)
    return diagnosed(file.read(LARGEST_BYTES), length, wanted, others)


def diagnosed(content: bytes, length: int, wanted: Expected, others: Mapping[str, str]) -> Damage:
    """How bytes that are not the recorded ones came about, as far as they tell. `length` is the file's, in bytes."""
    if (other := others.get(hashlib.sha256(content).hexdigest())) is not None:
        return Damage("swapped", f"it holds the bytes of another image, {other}")
    if length > wanted.bytes and hashlib.sha256(content[: wanted.bytes]).hexdigest() == wanted.sha256:
        more = length - wanted.bytes
        return Damage("same_pixels", f"the same picture with {more:,} bytes more at its end: the pixels are the same")
    try:
        found = examine(content)
    except Damaged as error:
        return _broken(content, length, wanted, error)
    if wanted.size is not None and found.size != wanted.size:
        return Damage("other_size", f"a whole picture of {found.size}, not of {wanted.size}")
    return Damage(
        "other_bytes",
        f"a whole picture ({found.media_type}) of {length:,} bytes, but not the recorded one of {wanted.bytes:,}: "
        "it was edited or saved again, or is another picture",
    )


def _broken(content: bytes, length: int, wanted: Expected, error: Damaged) -> Damage:
    if length == 0:
        return Damage("cut", "it is empty")
    if error.code != "damaged":
        return Damage("not_a_picture", "it is not a JPEG, PNG or WebP picture")
    if length < wanted.bytes:
        return Damage("cut", f"the picture is cut: {length:,} of {wanted.bytes:,} bytes are left")
    return Damage("damaged", "the picture cannot be decoded to its end")
