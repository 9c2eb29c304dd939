"""How pictures look that were put from here: seen where their bytes are at hand, told with what is recorded of them."""

from __future__ import annotations

from io import BytesIO

from campaign_runner.disk.image_names import IMAGE_FOLDERS
from campaign_runner.pictures.likeness import difference_hash
from campaign_runner.tasks import in_thread


class LooksSeen:
    """Difference hashes by digest, of what this process put among a fleet's images and did not tell yet."""

    def __init__(self) -> None:
        self._bits: dict[str, int] = {}

    async def see(self, name: str, content: bytes, sha256: str) -> None:
        """Look at what was put under `name`, if that is the name of an image."""
        if name.split("/")[0] in IMAGE_FOLDERS:
            bits = await in_thread(difference_hash, BytesIO(content))
            if bits is not None:
                self._bits[sha256] = bits

    def taken(self, sha256: str) -> int | None:
        """How the picture with this digest looks, to be told now; None where it was not seen."""
        return self._bits.pop(sha256, None)

    def taken_all(self) -> dict[str, int]:
        """The same of all that were seen, by digest."""
        bits, self._bits = self._bits, {}
        return bits
