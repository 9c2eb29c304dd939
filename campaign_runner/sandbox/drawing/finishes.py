"""What a look does to a drawing once it is drawn: strokes, dots, lines, grain, light.

Every finish is decided by its die alone, so that the same picture is finished the
same way again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from campaign_runner.sandbox.drawing.looks import Colour, Finish, Palette, darker, lighter

Work = Callable[[Image.Image, Palette, random.Random], Image.Image]


def finished(image: Image.Image, finishes: Sequence[Finish], *, palette: Palette, dice: random.Random) -> Image.Image:
    """The drawing as its look finishes it, one after the other; of the same size."""
    for finish in finishes:
        image = WORKS[finish](image, palette, dice)
    return image


def _brush(image: Image.Image, palette: Palette, dice: random.Random) -> Image.Image:
    """Strokes of the colours under them, a shade lighter or darker."""
    painted = image.filter(ImageFilter.GaussianBlur(1.2))
    pen, colour_at = ImageDraw.Draw(painted), _colours(image)
    step = image.width * image.height // 1200
    for number in range(1200):
        place = number * step + dice.randrange(step)
        x, y = place % image.width, place // image.width
        under = colour_at(x, y)
        colour = lighter(under, dice.uniform(0, 0.14)) if number % 2 else darker(under, dice.uniform(0, 0.1))
        lean, long = dice.uniform(-3, 3), dice.uniform(5, 13)
        pen.line([(x - long / 2, y - lean), (x + long / 2, y + lean)], fill=colour, width=dice.randrange(2, 5))
    return painted


def _wash(image: Image.Image, palette: Palette, dice: random.Random) -> Image.Image:
    """Watercolour: soft, pale, darker at the edges of things."""
    soft = _brush(image, palette, dice).filter(ImageFilter.GaussianBlur(1.8))
    pale = Image.blend(soft, Image.new("RGB", image.size, (255, 253, 248)), 0.3)
    return ImageChops.multiply(pale, _outlines(image, lighter(darker(palette.things[0], 0.3), 0.45)))


def _pixels(image: Image.Image, palette: Palette, dice: random.Random) -> Image.Image:
    small = image.resize((max(1, image.width // 8), max(1, image.height // 8)), Image.Resampling.BOX)
    return small.resize(image.size, Image.Resampling.NEAREST)


def _lines(image: Image.Image, palette: Palette, dice: random.Random) -> Image.Image:
    """A pen drawing, its shadows hinted at."""
    paper = lighter(palette.light, 0.35)
    hint = ImageOps.colorize(image.convert("L"), darker(palette.light, 0.22), paper)
    return ImageChops.multiply(hint, _outlines(image, darker(palette.things[0], 0.55)))


def _poster(image: Image.Image, palette: Palette, dice: random.Random) -> Image.Image:
    """Strong colours and dark outlines."""
    strong = ImageEnhance.Color(image).enhance(1.45)
    return ImageChops.multiply(strong, _outlines(image, darker(palette.things[1], 0.6)))


def _grain(image: Image.Image, palette: Palette, dice: random.Random) -> Image.Image:
    noise = Image.frombytes("L", image.size, dice.randbytes(image.width * image.height))
    soft = noise.filter(ImageFilter.BoxBlur(1)).convert("RGB")
    return Image.blend(image, ImageChops.overlay(image, soft), 0.55)


def _dots(image: Image.Image, palette: Palette, dice: random.Random) -> Image.Image:
    """Printers' dots, larger where it is darker."""
    strong = ImageEnhance.Color(image).enhance(1.4)
    dotted = Image.blend(strong, Image.new("RGB", image.size, lighter(palette.light, 0.6)), 0.35)
    pen, colour_at, step = ImageDraw.Draw(dotted), _colours(strong), 8
    for row, y in enumerate(range(0, image.height, step)):
        for x in range(row % 2 * step // 2, image.width, step):
            colour = colour_at(x, y)
            radius = (1 - sum(colour) / 765) * step * 0.55
            if radius > 0.9:
                pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=darker(colour, 0.3))
    return dotted


def _glow(image: Image.Image, palette: Palette, dice: random.Random) -> Image.Image:
    """Light that spills over edges."""
    spilt = image.reduce(4).filter(ImageFilter.GaussianBlur(4)).resize(image.size, Image.Resampling.BILINEAR)
    return ImageChops.screen(image, ImageEnhance.Brightness(spilt).enhance(0.45))


def _outlines(image: Image.Image, ink: Colour) -> Image.Image:
    """White, with the edges of things in ink."""
    edges = (
        image.convert("L")
        .filter(ImageFilter.FIND_EDGES)
        .point([min(255, max(0, level - 12) * 6) for level in range(256)])
    )
    ImageDraw.Draw(edges).rectangle((0, 0, edges.width - 1, edges.height - 1), outline=0)
    return ImageOps.colorize(edges.filter(ImageFilter.SMOOTH), (255, 255, 255), ink)


def _colours(image: Image.Image) -> Callable[[int, int], Colour]:
    """The colour at a place; much faster than asking the image for each."""
    pixels, wide = image.tobytes(), image.width

    def colour(x: int, y: int) -> Colour:
        place = 3 * (y * wide + x)
        return pixels[place], pixels[place + 1], pixels[place + 2]

    return colour


WORKS: Mapping[Finish, Work] = {
    "grey": lambda image, palette, dice: ImageOps.autocontrast(image.convert("L"), cutoff=1).convert("RGB"),
    "brush": _brush,
    "wash": _wash,
    "pixels": _pixels,
    "lines": _lines,
    "poster": _poster,
    "grain": _grain,
    "dots": _dots,
    "glow": _glow,
}
