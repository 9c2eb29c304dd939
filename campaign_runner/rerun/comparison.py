"""Each image compared with the recorded one."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from campaign_runner.errors import Damaged, IntegrityError
from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.model import State
from campaign_runner.pictures.pixel_distance import likeness
from campaign_runner.portions import batched
from campaign_runner.ports import Store
from campaign_runner.store import content_of
from campaign_runner.tasks import in_thread, map_concurrently

Verdict = Literal["identical_bytes", "identical_pixels", "similar", "different", "not_comparable", "not_made"]
VERDICTS: tuple[Verdict, ...] = (
    "different",
    "not_comparable",
    "similar",
    "not_made",
    "identical_pixels",
    "identical_bytes",
)
"""Worst first."""
_AT_ONCE = 2  # pairs decoded at once: each takes up to 60 MB
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Pair:
    """An image as it was recorded and as it was made again.

    `made` is None where it was not; `distance` is in percent; `why` says what kept the two from being compared, or the
    image from being made.
    """

    recorded: Entry
    made: Entry | None
    verdict: Verdict
    distance: float | None = None
    why: str | None = None

    @property
    def is_same(self) -> bool:
        return self.verdict in ("identical_bytes", "identical_pixels")


@dataclass(frozen=True, slots=True)
class Sides:
    """Where the recorded images are kept, and those made again."""

    recorded: Store
    made: Store


async def compare(images: Sequence[Entry], ledger: Ledger, sides: Sides) -> list[Pair]:
    """All pairs, in the order of `images`. `ledger` is that of the images made again. Raises StoreError."""
    found: list[Pair] = []
    for page in batched(images, _PAGE):
        entries = ledger.entries([image.key for image in page])
        asked = [(image, entries.get(image.key)) for image in page]
        found += await map_concurrently(lambda pair: _compared(*pair, sides), asked, _AT_ONCE)
    return found


def counts(pairs: Sequence[Pair]) -> dict[Verdict, int]:
    """How many pairs came to each verdict."""
    found = Counter(pair.verdict for pair in pairs)
    return {verdict: found[verdict] for verdict in VERDICTS}


async def _compared(image: Entry, made: Entry | None, sides: Sides) -> Pair:
    if made is None or made.state != State.STORED or made.file is None:
        return Pair(image, made, "not_made", why=_unmade(made))
    if made.sha256 == image.sha256:
        return Pair(image, made, "identical_bytes")
    try:
        recorded = await content_of(sides.recorded, str(image.file))
        alike = await in_thread(likeness, recorded, await content_of(sides.made, made.file))
    except (IntegrityError, Damaged) as error:
        return Pair(image, made, "not_comparable", why=f"different bytes, and {error}")
    # What was only saved again or marked since, without a change of its pixels, can still be compared by them.
    if hashlib.sha256(recorded).hexdigest() != image.sha256 and alike.verdict != "identical_pixels":
        return Pair(
            image, made, "not_comparable", why=f"different bytes, and {image.file} was changed since it was stored"
        )
    return Pair(image, made, alike.verdict, alike.distance)


def _unmade(made: Entry | None) -> str:
    """Why an image was not made again, as its record says."""
    if made is not None and made.reason is not None:
        return made.reason.message
    is_paid = made is not None and made.state == State.ACCEPTED
    return "paid for; the next rerun downloads it" if is_paid else "not requested yet"
