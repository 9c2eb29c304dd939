"""A picture being composed: where it is drawn, in which colours, and what its prompt says.

Everything in it follows from the seed and dice thrown by it, so that seeds differ in
composition and one seed keeps its composition through different looks.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageOps

from campaign_runner.sandbox.drawing.looks import Colour, Palette

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Scene:
    """`horizon` is where the table begins, `middle` where the thing is, in pixels."""

    image: Image.Image
    palette: Palette
    seed: int
    dice: random.Random
    prompt: str
    """Case-folded."""
    lit: int
    """1 if the light comes from the left, -1 from the right."""
    horizon: int
    middle: float

    @property
    def wide(self) -> int:
        """Width in pixels."""
        return self.image.width

    @property
    def high(self) -> int:
        """Height in pixels."""
        return self.image.height

    @property
    def unit(self) -> float:
        """A hundredth of the shorter side."""
        return min(self.image.size) / 100

    @property
    def pen(self) -> ImageDraw.ImageDraw:
        """For drawing in pixels."""
        return ImageDraw.Draw(self.image)

    def says(self, *words: str) -> bool:
        """Whether the prompt has one of the words."""
        return any(word in self.prompt for word in words)

    def between(self, low: float, high: float) -> float:
        """A length between so many units."""
        return self.unit * self.dice.uniform(low, high)

    def disc(self, middle: Point, radius: float, colour: Colour, *, flat: float = 1.0) -> None:
        """A circle, or an ellipse `flat` as high as wide."""
        (x, y), up = middle, radius * flat
        self.pen.ellipse((x - radius, y - up, x + radius, y + up), fill=colour)

    def line(self, points: Sequence[Point], colour: Colour, thick: float) -> None:
        """A line `thick` units thick."""
        self.pen.line(list(points), fill=colour, width=max(1, round(thick * self.unit)))

    def fade(self, top: int, bottom: int, colours: tuple[Colour, Colour]) -> None:
        """A band over the whole width, from one colour to the other."""
        column = Image.linear_gradient("L").resize((1, bottom - top))
        band = ImageOps.colorize(column, colours[0], colours[1])
        self.image.paste(band.resize((self.wide, bottom - top), Image.Resampling.NEAREST), (0, top))
