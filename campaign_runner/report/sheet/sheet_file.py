"""The contact sheet in the output folder: rewritten only when it would show something else.

What it shows is noted in the file as a digest. Whatever goes wrong is a warning; the sheet that
was there stays as it was.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image

from campaign_runner.disk import files
from campaign_runner.errors import CampaignError
from campaign_runner.output_folder.folder import Folder
from campaign_runner.pictures.inspection import BROKEN
from campaign_runner.ports import Store
from campaign_runner.report.sheet.contents import Contents
from campaign_runner.report.sheet.drawing import Warn, draw, thumbnail
from campaign_runner.report.sheet.layout import page
from campaign_runner.tasks import in_thread

_LOOK = 1  # of the drawing itself: another number, and every sheet is drawn anew
_QUALITY = 88


async def keep_sheet(contents: Contents, folder: Folder, warn: Warn) -> None:
    """Draw the sheet of an output folder if it shows something new, and there is a picture to look at.

    Only for the holder of the folder's lock. Raises nothing: `warn` is told what went wrong.
    """
    if not contents.has_any:
        return
    warnings: list[str] = []
    try:
        await _keep(contents, folder, warnings.append)
    except CampaignError as error:
        warnings.append(f"the contact sheet was not drawn: {error}")
    for warning in warnings:
        warn(warning)


async def _keep(contents: Contents, folder: Folder, warn: Warn) -> None:
    mark, store = await _mark(contents, folder.store), folder.store
    if await in_thread(_mark_of, folder.sheet) == mark:
        return
    laid_out = page(contents)
    placed = [each for row in laid_out.rows for each in zip(row.row.pictures, row.pictures, strict=True)]
    thumbnails = [await thumbnail(store, picture, place, warn) for picture, place in placed]
    await in_thread(lambda: _write(draw(contents, laid_out, thumbnails), mark, folder))


def _write(sheet: Image.Image, mark: bytes, folder: Folder) -> None:
    encoded = BytesIO()
    sheet.save(encoded, "JPEG", quality=_QUALITY, comment=mark)
    with files.replacing(folder.sheet, staging=folder.staging) as file:
        file.write(encoded.getvalue())


async def _mark(contents: Contents, store: Store) -> bytes:
    """What tells one sheet from another: what is on it, and which of its files are gone."""
    named = [picture.file for row in contents.rows for picture in row.pictures if picture.file]
    there = await store.present(named)
    gone = ",".join(file for file in named if file not in there)
    return f"campaign_runner {_LOOK} {contents.digest} {gone}"[:60_000].encode()


def _mark_of(path: Path) -> bytes | None:
    try:
        with Image.open(path, formats=("JPEG",)) as sheet:
            mark = sheet.info.get("comment")
    except BROKEN:
        return None
    return mark if isinstance(mark, bytes) else None
