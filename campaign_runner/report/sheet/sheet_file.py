"""The contact sheets in the output folder: each rewritten only when it would show something else.

What it shows is noted in the file as a digest. Whatever goes wrong is a warning; the sheet that
was there stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

from PIL import Image

from campaign_runner.disk import files
from campaign_runner.disk.regular_files import open_regular
from campaign_runner.errors import CampaignError
from campaign_runner.output_folder.folder import Folder
from campaign_runner.pictures.inspection import BROKEN
from campaign_runner.report.sheet.contents import Contents, Picture
from campaign_runner.report.sheet.drawing import Warn, draw, thumbnails
from campaign_runner.report.sheet.layout import page
from campaign_runner.tasks import in_thread

_OURS = b"campaign_runner "
_LOOK = 2  # of the drawing itself: another number, and every sheet is drawn again
_QUALITY = 88


async def keep_sheets(sheets: Sequence[Contents], folder: Folder, warn: Warn) -> None:
    """Draw the sheets of an output folder that show something new; those that are too many are taken away.

    Only for the holder of the folder's lock. Raises nothing: `warn` is told what went wrong.
    """
    warnings: list[str] = []
    try:
        number = 0
        with ThreadPoolExecutor(1, thread_name_prefix="sheets") as hand:  # each thread keeps what a sheet takes
            for number, contents in enumerate((each for each in sheets if each.has_any), 1):
                await _keep(contents, folder, number, warnings.append, hand)
        if sheets:
            await in_thread(_remove_further, folder, number)
    except CampaignError as error:
        warnings.append(f"the contact sheet was not drawn: {error}")
    for warning in warnings:
        warn(warning)


def sheet_path(folder: Folder, number: int) -> Path:
    """Where a sheet is: the first has the plain name."""
    return folder.sheet if number == 1 else folder.sheet.with_stem(f"{folder.sheet.stem}-{number}")


async def _keep(contents: Contents, folder: Folder, number: int, warn: Warn, hand: Executor) -> None:
    named = [picture.file for picture in _pictures(contents) if picture.file]
    there = await folder.store.present(named)
    mark, path = _mark(contents, [file for file in named if file not in there]), sheet_path(folder, number)
    if await in_thread(_mark_of, path) == mark:
        return
    laid_out = page(contents)
    placed = [each for row in laid_out.rows for each in zip(row.row.pictures, row.pictures, strict=True)]
    shown = await thumbnails(folder, placed, there, warn, of=hand)
    await in_thread(lambda: _write(draw(contents, laid_out, shown), mark, path, folder.staging), of=hand)


def _pictures(contents: Contents) -> Iterator[Picture]:
    return (picture for row in contents.rows for picture in row.pictures)


def _write(sheet: Image.Image, mark: bytes, path: Path, staging: Path) -> None:
    encoded = BytesIO()
    sheet.save(encoded, "JPEG", quality=_QUALITY, comment=mark)
    with files.replacing(path, staging=staging) as file:
        file.write(encoded.getvalue())


def _remove_further(folder: Folder, number: int) -> None:
    """Take away the sheets after the `number`th that we drew when there were more images."""
    while (_mark_of(path := sheet_path(folder, number + 1)) or b"").startswith(_OURS):
        files.remove(path)
        number += 1


def _mark(contents: Contents, gone: Sequence[str]) -> bytes:
    """What tells one sheet from another: what is on it, and which of its files are gone."""
    return _OURS + f"{_LOOK} {contents.digest} {','.join(gone)}"[:60_000].encode()


def _mark_of(path: Path) -> bytes | None:
    try:
        with open_regular(path) as file, Image.open(file, formats=("JPEG",)) as sheet:
            mark = sheet.info.get("comment")
    except BROKEN:
        return None
    return mark if isinstance(mark, bytes) else None
