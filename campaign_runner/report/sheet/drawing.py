"""How a contact sheet looks: pictures on paper, ids beside them, grey boxes where there is nothing to see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
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
Placed = tuple[Picture, Place]
Made = dict[Picture, Image.Image | Exception]


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


async def thumbnails(
    folder: Folder, placed: Sequence[Placed], there: set[str], warn: Warn, *, of: Executor | None = None
) -> list[Image.Image | None]:
    """Each picture at the size of its place; None if there is none. `there` are those of their files that exist.

    From the thumbnail in `review/` where that was made (in a thread `of` that executor), or from the image, decoded no
    larger than it needs to be.
    """
    made = await in_thread(_made, folder, placed, there, of=of)
    return [await _shown(folder, *each, made, warn) for each in placed]


async def _shown(folder: Folder, picture: Picture, place: Place, made: Made, warn: Warn) -> Image.Image | None:
    if picture.file is None:
        return None
    try:
        match made.get(picture):
            case None:
                return await folder.store.open(picture.file, partial(_small, place))
            case Exception() as error:
                raise error
            case small:
                return small
    except (*BROKEN, CampaignError) as error:
        warn(f"the contact sheet has no {picture.file}: it cannot be read ({type(error).__name__})")
        return None


def _made(folder: Folder, placed: Sequence[Placed], there: set[str]) -> Made:
    """The pictures of which there is a thumbnail in `review/`, or why it cannot be read; only of images that exist."""
    made: Made = {}
    for picture, place in placed:
        try:
            if picture.file in there and (small := _from_thumbnail(folder, picture, place)) is not None:
                made[picture] = small
        except (*BROKEN, CampaignError) as error:
            made[picture] = error
    return made


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
