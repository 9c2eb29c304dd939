"""Images that exist already take a place in a campaign: copied, or linked where a person asks for that; never bought.

What another folder's record says is compared with the file: it must be a whole picture, looked at as a download is,
with the recorded digest, length, kind and size. The digest is taken again of the very file that gets the new name.
A crash between name and record is mended by doing it again: the name then holds the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Iterable
from functools import partial

from campaign_runner import pictures
from campaign_runner.disk.name_lengths import placed
from campaign_runner.errors import Damaged, IntegrityError, TooLarge
from campaign_runner.events import Adopted
from campaign_runner.families import has_its_size
from campaign_runner.firefly.protocol.request_body import prompt_of
from campaign_runner.model import RecipeSource
from campaign_runner.portions import batched
from campaign_runner.ports import LARGEST_BYTES, Content, Examined, Journal, Put, Store
from campaign_runner.reuse.candidate import Candidate

_AT_ONCE = 50  # images recorded in one commit
_OR_BUY = ", or buy it again with `run --no-reuse`"


async def take_over(
    images: Iterable[Candidate], store: Store, journal: Journal, *, links: bool = False
) -> AsyncIterator[Adopted | Candidate]:
    """Adopt every image: an Adopted is recorded when it is told, a Candidate has no such file with such bytes.

    `links`: it may be the very file that it was, under another name; who edits one then edits both.
    Raises IntegrityError where a name is taken by something else, StoreError.
    """
    for some in batched(images, _AT_ONCE):
        told = [await _adopt(image, store, links=links) for image in some]
        await journal.record([each for each in told if isinstance(each, Adopted)])
        for each in told:
            yield each


async def _adopt(image: Candidate, store: Store, *, links: bool) -> Adopted | Candidate:
    entry, variation = image.entry, image.planned.variation
    found = await _examined(image)
    if found is None:
        return image

    def place(name: str) -> Awaitable[Put | None]:
        source, file = image.kept_in, str(entry.file)
        return store.second_name(name, found.sha256, source=source, file=file, is_one_file=links)

    name, put = await placed(place, *(f"{stem}.{found.suffix}" for stem in (variation.stem, variation.short_stem)))
    if put is None:
        return image
    if put is Put.DIFFERENT:
        raise IntegrityError(
            f"{name} already exists with different content and was left alone; nothing was bought in "
            "its place. Move it away and try again"
        )
    return Adopted(
        variation,
        image.planned.recipe,
        _source(image),
        name,
        found.sha256,
        entry.bytes or 0,
        found.media_type,
        entry.warnings,
    )


async def _examined(image: Candidate) -> Examined | None:
    """The picture, if it is there and what is recorded. Raises StoreError, IntegrityError where it cannot be looked at.

    An image behind a link, or that may not be read, is paid for: it is not as good as gone.
    """
    entry = image.entry
    try:
        return await image.kept_in.open(str(entry.file), partial(_found, image))
    except (FileNotFoundError, TooLarge):
        return None
    except IntegrityError as error:
        raise IntegrityError(
            f"{image.file} of campaign {image.campaign} is not a regular file, or is behind a link: it is not used, "
            f"and nothing was sent. Put the real one in its place{_OR_BUY if image.how == 'reused' else ''}"
        ) from error


def _found(image: Candidate, file: Content) -> Examined | None:
    """The picture in `file`, if it is what is recorded."""
    entry, content = image.entry, file.read(LARGEST_BYTES + 1)
    if (len(content), hashlib.sha256(content).hexdigest()) != (entry.bytes, entry.sha256):
        return None
    try:
        found = pictures.examine(content)
    except Damaged:
        return None
    planned = image.planned
    has_size = has_its_size(planned.recipe.version, planned.variation.cell.size, found.size)
    return found if has_size and found.media_type == entry.media_type else None


def _source(image: Candidate) -> RecipeSource:
    entry = image.entry
    return RecipeSource(
        how=image.how,
        campaign=image.campaign,
        key=entry.variation.key,
        prompt=prompt_of(entry.recipe.body),
        job_id=entry.job_id,
        job_seeds=entry.job_seeds,
        model_version=entry.model_version,
        model_etag=entry.model_etag,
        submitted_at=entry.submitted_at,
    )
