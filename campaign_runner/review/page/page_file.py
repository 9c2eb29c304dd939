"""The page as a file: review.html in the output folder with its thumbnails, or one file to mail that holds them all."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from campaign_runner.disk import files
from campaign_runner.disk.regular_files import content_of, open_regular
from campaign_runner.errors import CampaignError, UsageError
from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.output_folder.folder import REVIEW, REVIEW_PAGE, Folder
from campaign_runner.plan.plan import Plan
from campaign_runner.portions import batched
from campaign_runner.review.page.document import document
from campaign_runner.review.page.page_data import Addresses, AddressOf, PageSources, beside_the_page, decided, page_data
from campaign_runner.review.thumbnails.thumbnail import LARGE, SMALL, MadeThumbnails, name_of, path_of
from campaign_runner.review.thumbnails.workers import (
    Told,
    WantedThumbnail,
    make_thumbnails,
    missing,
    never,
    untold,
)
from campaign_runner.tasks import in_thread
from campaign_runner.text import plural

LARGEST_SINGLE_FILE = 25_000_000
"""Bytes: what most mail servers take."""
_BASE64 = 4 / 3
_AT_ONCE = 500


def write_page(sources: PageSources) -> Path:
    """Write review.html, durably, unless it says the same already; the answer is where it is.

    Raises StoreError, IntegrityError.
    """
    target, data = sources.folder.review_page, page_data(sources, decided(sources))
    if not _holds(target, document(data)):
        _write(target, document(data))
    return target


async def write_with_thumbnails(
    sources: PageSources, warn: Callable[[str], None], *, is_stopped: Callable[[], bool] = never, told: Told = untold
) -> Path:
    """Make the thumbnails that are missing, then the page; `warn` hears which could not be made.

    `is_stopped` and `told` are those of `make_thumbnails`. Raises StoreError, IntegrityError.
    """
    lacking = missing(sources.folder, _stored(sources.plan, sources.ledger))
    for flaw in await make_thumbnails(sources.folder, lacking, is_stopped=is_stopped, told=told):
        warn(f"no thumbnail: {flaw}")
    return _write_now(sources)


def keep_page(sources: PageSources, warn: Callable[[str], None]) -> None:
    """The page with the thumbnails that are there, once there is a picture to look at.

    Raises nothing: `warn` hears of errors.
    """
    try:
        if any(True for _ in _stored(sources.plan, sources.ledger)):
            _write_now(sources)
    except CampaignError as error:
        warn(f"the review page was not written: {error}")


async def keep_thumbnails(
    sources: PageSources, warn: Callable[[str], None], *, is_stopped: Callable[[], bool], told: Told
) -> None:
    """The thumbnails that are missing, and the page that shows them. Raises nothing: `warn` hears of errors."""
    try:
        if missing(sources.folder, _stored(sources.plan, sources.ledger)):
            await write_with_thumbnails(sources, warn, is_stopped=is_stopped, told=told)
    except CampaignError as error:
        warn(f"the review page is without its small pictures: {error}")


def _write_now(sources: PageSources) -> Path:
    return write_page(PageSources(sources.folder, sources.plan, sources.ledger, with_thumbnails(sources.folder)))


def with_thumbnails(folder: Folder) -> AddressOf:
    """Relative links to thumbnails, where they are made; otherwise to the image itself."""
    made = MadeThumbnails(folder)

    def address_of(entry: Entry) -> Addresses:
        plain, sha256 = beside_the_page(entry), entry.sha256 or ""
        return Addresses(
            f"{REVIEW}/{name_of(sha256, SMALL)}" if made.has(sha256, SMALL) else plain.small,
            f"{REVIEW}/{name_of(sha256, LARGE)}" if made.has(sha256, LARGE) else plain.large,
            plain.file,
        )

    return address_of


async def write_single_file(sources: PageSources, target: Path, warn: Callable[[str], None]) -> None:
    """Write a page to mail that holds its pictures, 1,280 pixels long.

    Raises UsageError where it would be larger than mail takes, or has no folder, StoreError, IntegrityError.
    """
    if not target.parent.is_dir():
        raise UsageError(f"there is no folder {target.parent}; make it first")
    lacking = missing(sources.folder, _stored(sources.plan, sources.ledger))
    for flaw in await make_thumbnails(sources.folder, lacking):
        warn(f"no thumbnail: {flaw}")
    _refuse_large(sources.folder, _stored(sources.plan, sources.ledger))
    inside = PageSources(
        sources.folder, sources.plan, sources.ledger, _inside(sources.folder), sources.reviewer, is_single_file=True
    )
    await in_thread(_write, target, document(page_data(inside, decided(inside))))


def _refuse_large(folder: Folder, wanted: Iterable[WantedThumbnail]) -> None:
    sizes = [size for each in wanted if (size := _bytes_of(path_of(folder, each.sha256, LARGE)))]
    whole = sum(sizes) * _BASE64
    if whole > LARGEST_SINGLE_FILE:
        fits = int(len(sizes) * LARGEST_SINGLE_FILE / whole)
        raise UsageError(
            f"{plural(len(sizes), 'image')} would make a file of {whole / 1e6:,.0f} MB; mail takes "
            f"{LARGEST_SINGLE_FILE // 1_000_000} MB, about {plural(fits, 'image')}. Send the output folder instead: "
            f"{REVIEW_PAGE} with {REVIEW}/ and images/"
        )


def _bytes_of(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _inside(folder: Folder) -> AddressOf:
    """The pictures themselves, as addresses; one whose thumbnail cannot be made is not in the file."""

    def address_of(entry: Entry) -> Addresses:
        path = path_of(folder, entry.sha256 or "", LARGE)
        content = content_of(path, LARGEST_SINGLE_FILE) if path.is_file() and not path.is_symlink() else b""
        data = f"data:image/jpeg;base64,{base64.b64encode(content).decode()}"
        return Addresses("", "", data)

    return address_of


def _stored(plan: Plan, ledger: Ledger) -> Iterator[WantedThumbnail]:
    for keys in batched(plan.keys(), _AT_ONCE):
        stored = ledger.pictures(keys)
        yield from (WantedThumbnail(*stored[key]) for key in keys if key in stored)


def _write(target: Path, pieces: Iterator[bytes]) -> None:
    with files.replacing(target) as file:
        file.writelines(pieces)


def _holds(path: Path, pieces: Iterator[bytes]) -> bool:
    with files.translating(path):
        if not path.is_file() or path.is_symlink():
            return False
        with open_regular(path) as file:
            return all(file.read(len(piece)) == piece for piece in pieces) and not file.read(1)
