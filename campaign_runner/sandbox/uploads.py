"""Reference images that were uploaded, known by id for seven days.

Types and the limit of 15 MB are those of `POST /v2/storage/image` in Adobe's Firefly
API specification. The bytes are not kept, only their digest: pictures are drawn
without looking at references.
"""

from __future__ import annotations

import hashlib
import uuid

from campaign_runner.sandbox.refusals import Refusal, api_error

LIFE = 7 * 86400.0
MOST_BYTES = 15_000_000
FIRST_BYTES = {
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/webp": (b"RIFF",),
    "image/tiff": (b"II*\x00", b"MM\x00*"),
    "image/jxl": (b"\xff\x0a", b"\x00\x00\x00\x0cJXL "),
}


def type_of(body: bytes, said: str) -> str:
    """What an upload is, by its first bytes; raises Refusal 400 where it is or is said to be none of the types."""
    found = next((media_type for media_type, begins in FIRST_BYTES.items() if body.startswith(begins)), None)
    if found is None or said not in FIRST_BYTES:
        raise no_image(said)
    return found


def no_image(said: str) -> Refusal:
    """400, for what is not an image of the type it says."""
    return api_error(400, "bad_request", f"not an image of a supported type: {said}")


class Uploads:
    """Uploads by id, each with its digest and the time it came."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._kept: dict[str, tuple[str, float]] = {}

    def add(self, body: bytes, now: float) -> str:
        """Keep an upload and name it."""
        number = len(self._kept) + 1
        named = hashlib.sha256(f"upload {self._seed}:{number}".encode()).digest()
        upload_id = str(uuid.UUID(bytes=named[:16], version=4))
        self._kept[upload_id] = (hashlib.sha256(body).hexdigest(), now)
        return upload_id

    def digest(self, upload_id: str, now: float) -> str | None:
        """The SHA-256 of what was uploaded; None if it was not, or seven days ago."""
        digest, since = self._kept.get(upload_id, (None, now))
        return digest if now - since < LIFE else None
