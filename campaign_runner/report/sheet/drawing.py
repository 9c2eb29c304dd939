"""How a contact sheet looks: pictures on paper, ids beside them, grey boxes where there is nothing to see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial

from PIL import Image, ImageDraw, ImageFont

from campaign_runner.disk.regular_files import open_regular
from campaign_runner.errors import CampaignError
from campaign_runner.output_folder.folder import Folder
from campaign_runner.pictures.appearance import on_paper
from campaign_runner.pictures.inspection import BROKEN, opened
from campaign_runner.ports import Content
from campaign_runner.report.sheet.contents import Contents, Picture
from campaign_runner.report.sheet.layout import CAPTION, HEADER, MARGIN, Page, Place, PlacedRow
from campaign_runner.review.thumbnails.thumbnail import SMALL, path_of
from campaign_runner.tasks import in_thread

_PAPER, _INK, _QUIET, _RULE, _BOX = "#faf9f6", "#26241f", "#827d72", "#dfdcd3", "#e9e6de"
_TITLE, _NAME, _LOOK, _SMALL = 40, 21, 16, 14  # pixels
Warn = Callable[[str], None]


def draw(contents: Contents, laid_out: Page, thumbnails: Sequence[Image.Image | None]) -> Image.Image:
    """The sheet; `thumbnails` are its pictures in their order, None where there is none."""
    found = iter(thumbnails)
    image = Image.new("RGB", (laid_out.width, laid_out.height), _PAPER)
    pen = ImageDraw.Draw(image)
    _header(pen, contents, laid_out)
    before: PlacedRow | None = None
    for row in laid_out.rows:
        _label(pen, row, before)
        for picture, place in zip(row.row.pictures, row.pictures, strict=True):
            _picture(image, picture, place, next(found))
        before = row
    return image


async def thumbnail(folder: Folder, picture: Picture, place: Place, warn: Warn) -> Image.Image | None:
    """The picture at the size of its place; None if there is none.

    From the thumbnail in `review/` where that was made, or from the image, decoded no larger than it needs to be.
    """
    if picture.file is None:
        return None
    try:
        if await folder.store.present([picture.file]):
            small = await in_thread(_from_thumbnail, folder, picture, place)
            if small is not None:
                return small
        return await folder.store.open(picture.file, partial(_small, place))
    except (*BROKEN, CampaignError) as error:
        warn(f"the contact sheet has no {picture.file}: it cannot be read ({type(error).__name__})")
        return None


def _from_thumbnail(folder: Folder, picture: Picture, place: Place) -> Image.Image | None:
    path = path_of(folder, picture.sha256 or "", SMALL)
    if path.is_symlink() or not path.is_file():
        return None
    with open_regular(path) as file:
        return _small(place, file)


def _small(place: Place, file: Content) -> Image.Image:
    with opened(file) as source:
        source.draft("RGB", (place.width, place.height))
        small = source.resize((place.width, place.height), Image.Resampling.BICUBIC, reducing_gap=2.0)
        return on_paper(small, _PAPER)


def _header(pen: ImageDraw.ImageDraw, contents: Contents, page: Page) -> None:
    pen.text((MARGIN, MARGIN - 10), contents.title, _INK, _font(_TITLE))
    pen.text((MARGIN, MARGIN + 40), contents.subtitle, _QUIET, _font(_LOOK))
    line = MARGIN + HEADER - 24
    pen.line((MARGIN, line, page.width - MARGIN, line), _RULE, 2)


def _label(pen: ImageDraw.ImageDraw, placed: PlacedRow, before: PlacedRow | None) -> None:
    """The ids of a cell; the product only where it is another than above."""
    row, place = placed.row, placed.label
    top = place.top
    is_first = before is None or before.row.product != row.product or before.label.left != place.left
    if is_first:
        pen.text((place.left, top - 3), _short(row.product, _NAME, place.width), _INK, _font(_NAME))
        top += 28
    for look in row.looks:
        pen.text((place.left, top), _short(look, _LOOK, place.width), _INK, _font(_LOOK))
        top += 21
    pen.text((place.left, top + 2), str(row.size), _QUIET, _font(_SMALL))


def _picture(image: Image.Image, picture: Picture, place: Place, found: Image.Image | None) -> None:
    pen = ImageDraw.Draw(image)
    box = (place.left, place.top, place.left + place.width - 1, place.top + place.height - 1)
    if found is None:
        pen.rounded_rectangle(box, 6, _BOX)
        middle = (place.left + place.width / 2, place.top + place.height / 2)
        pen.text(middle, picture.missing, _QUIET, _font(_LOOK), anchor="mm")
    else:
        image.paste(found, (place.left, place.top))
    caption = (place.left, place.top + place.height + CAPTION / 2 - 2)
    told = "  ".join(part for part in (picture.key8, f"seed {picture.seed}") if part)
    pen.text(caption, _short(told, _SMALL, place.width), _QUIET, _font(_SMALL), anchor="lm")


def _short(text: str, size: int, width: int) -> str:
    """`text`, cut so that it fits into `width` pixels."""
    font = _font(size)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
