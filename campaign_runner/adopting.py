"""Images that exist already take a place in a campaign: linked or copied, checked, recorded, never bought.

The digest is taken of the very file that gets the new name. A crash between name and record is mended by
doing it again: the name then holds the same bytes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal, Protocol

from campaign_runner.errors import IntegrityError
from campaign_runner.events import Adopted, Fact, Source
from campaign_runner.journal.ledger import Entry
from campaign_runner.plan.plan import Planned
from campaign_runner.ports import Put
from campaign_runner.store import FolderStore

_AT_ONCE = 50  # images recorded in one commit


@dataclass(frozen=True, slots=True)
class Existing:
    """A stored image, and the variation it is to stand for. `home` is the output folder it lies in."""

    planned: Planned
    entry: Entry
    home: Path
    campaign: str
    how: Literal["reused", "kept"]

    def __str__(self) -> str:
        """What to say where it cannot be used."""
        return f"{self.file} of campaign {self.campaign} is gone, or not what was recorded: it is not used"

    @property
    def file(self) -> Path:
        return self.home / str(self.entry.file)


class Recording(Protocol):
    """Where facts go: the journal."""

    async def record(self, facts: list[Fact]) -> object: ...


async def adopt(
    images: Iterable[Existing], store: FolderStore, journal: Recording
) -> AsyncIterator[Adopted | Existing]:
    """Adopt every image: an Adopted is recorded when it is told, an Existing has no such file with such bytes.

    Raises IntegrityError where a name is taken by something else, StoreError.
    """
    left = iter(images)
    while some := list(islice(left, _AT_ONCE)):
        told = [await _adopt(image, store) for image in some]
        await journal.record([each for each in told if isinstance(each, Adopted)])
        for each in told:
            yield each


async def _adopt(image: Existing, store: FolderStore) -> Adopted | Existing:
    entry, variation = image.entry, image.planned.variation
    name = f"{variation.stem}{image.file.suffix}"
    put = await store.put_existing(name, str(entry.sha256), home=image.home, file=str(entry.file))
    if put is None:
        return image
    if put is Put.DIFFERENT:
        raise IntegrityError(
            f"images/{name} is there already and holds something else; it was left as it is, and nothing was bought in "
            "its place. Move it away and try again"
        )
    return Adopted(
        variation,
        image.planned.recipe,
        _source(image),
        f"images/{name}",
        str(entry.sha256),
        entry.bytes or 0,
        str(entry.media_type),
        entry.warnings,
    )


def _source(image: Existing) -> Source:
    entry = image.entry
    return Source(
        how=image.how,
        campaign=image.campaign,
        key=entry.variation.key,
        prompt=entry.recipe.prompt,
        job_id=entry.job_id,
        job_seeds=entry.job_seeds,
        model_version=entry.model_version,
        model_etag=entry.model_etag,
        submitted_at=entry.submitted_at,
    )
