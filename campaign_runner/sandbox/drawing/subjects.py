"""Things to put on a table, drawn flat: a candle, a bar of soap, a jar…

Each is drawn in its own units: the ground is 0, up is positive, 1 is the height of
the thing, the middle is 0. Words of the prompt say which thing it is, in the
languages that campaigns of this kind are written in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PIL import ImageDraw

from campaign_runner.sandbox.drawing.looks import Colour, Palette, darker, lighter, mix
from campaign_runner.sandbox.drawing.scene import Point


@dataclass(frozen=True, slots=True)
class Pen:
    """Draws in a thing's units: `x`, `ground` and `unit` are where it is and how tall it is, in pixels."""

    draw: ImageDraw.ImageDraw
    x: float
    ground: float
    unit: float
    lit: int
    """1 if the light comes from the left, -1 from the right."""

    def at(self, x: float, y: float) -> Point:
        """A place in pixels."""
        return self.x + x * self.unit * self.lit, self.ground - y * self.unit

    def box(self, corner: Point, other: Point, colour: Colour, *, round_by: float = 0.0) -> None:
        """A rectangle, its corners rounded."""
        (x0, y0), (x1, y1) = self.at(*corner), self.at(*other)
        edges = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        self.draw.rounded_rectangle(edges, round_by * self.unit, fill=colour)

    def oval(self, middle: Point, wide: float, high: float, colour: Colour) -> None:
        """An ellipse of this width and height."""
        x, y = self.at(*middle)
        across, up = wide * self.unit / 2, high * self.unit / 2
        self.draw.ellipse((x - across, y - up, x + across, y + up), fill=colour)

    def patch(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled outline."""
        self.draw.polygon([self.at(*point) for point in points], fill=colour)

    def stroke(self, points: Sequence[Point], colour: Colour, thick: float) -> None:
        """A line through the points."""
        width = max(1, round(thick * self.unit))
        self.draw.line([self.at(*point) for point in points], fill=colour, width=width, joint="curve")


Thing = Callable[[Pen, Palette], None]


def _glass(pen: Pen, half: float, top: float, colour: Colour) -> None:
    """A round vessel: body, shaded side, bright edge."""
    pen.box((-half, 0), (half, top), colour, round_by=0.06)
    pen.box((half * 0.45, 0.0), (half, top), darker(colour, 0.16), round_by=0.06)
    pen.box((-half * 0.82, 0.05), (-half * 0.66, top - 0.05), lighter(colour, 0.45), round_by=0.03)


def _label(pen: Pen, middle: float, half: float, high: float, palette: Palette) -> None:
    paper = lighter(palette.light, 0.55)
    pen.box((-half, middle - high / 2), (half, middle + high / 2), paper)
    ink = darker(palette.things[1], 0.3)
    pen.box((-half * 0.62, middle + high * 0.12), (half * 0.62, middle + high * 0.2), ink)
    pen.box((-half * 0.4, middle - high * 0.16), (half * 0.4, middle - high * 0.1), mix(ink, paper, 0.4))


def candle(pen: Pen, palette: Palette) -> None:
    """A candle in a glass, burning."""
    wax = lighter(palette.things[0], 0.25)
    _glass(pen, 0.33, 0.62, wax)
    pen.oval((0, 0.62), 0.66, 0.12, lighter(wax, 0.35))
    pen.oval((0, 0.615), 0.56, 0.085, lighter(wax, 0.12))
    _label(pen, 0.3, 0.24, 0.26, palette)
    pen.stroke([(0, 0.62), (0.005, 0.7)], (60, 45, 40), 0.016)
    pen.patch(_drop(0, 0.68, 0.075, 0.27), (250, 170, 60))
    pen.patch(_drop(0, 0.69, 0.042, 0.17), (255, 240, 190))


def soap(pen: Pen, palette: Palette) -> None:
    """Two bars of soap, one on the other, with bubbles."""
    lower, upper = palette.things[1], lighter(palette.things[0], 0.3)
    for base, shift, colour in ((0.0, 0.05, lower), (0.27, -0.05, upper)):
        pen.box((shift - 0.52, base), (shift + 0.52, base + 0.27), darker(colour, 0.14), round_by=0.09)
        pen.box((shift - 0.52, base + 0.07), (shift + 0.5, base + 0.27), colour, round_by=0.08)
        pen.stroke([(shift - 0.42, base + 0.235), (shift + 0.2, base + 0.235)], lighter(colour, 0.4), 0.018)
    pen.oval((-0.05, 0.43), 0.4, 0.1, darker(upper, 0.1))
    pen.oval((-0.05, 0.425), 0.35, 0.075, upper)
    for x, y, wide in ((0.38, 0.66, 0.16), (0.52, 0.56, 0.1), (0.27, 0.62, 0.08), (0.46, 0.8, 0.07)):
        pen.oval((x, y), wide, wide, lighter(palette.light, 0.5))
        pen.oval((x - wide * 0.18, y + wide * 0.18), wide * 0.3, wide * 0.3, (255, 255, 255))


def jar(pen: Pen, palette: Palette) -> None:
    """A squat jar, its lid leaning beside it."""
    body = lighter(palette.things[1], 0.15)
    lid = darker(palette.things[2], 0.18)
    pen.oval((0.5, 0.17), 0.3, 0.34, lid)
    pen.oval((0.48, 0.17), 0.23, 0.27, lighter(lid, 0.25))
    _glass(pen, 0.42, 0.46, body)
    pen.oval((0, 0.5), 0.74, 0.2, lighter(palette.things[2], 0.3))
    pen.oval((-0.08, 0.56), 0.34, 0.14, lighter(palette.things[2], 0.45))
    pen.box((-0.44, 0.42), (0.44, 0.5), darker(body, 0.1), round_by=0.03)
    _label(pen, 0.21, 0.28, 0.24, palette)
    for x, y in ((-0.2, 0.545), (-0.02, 0.575), (0.14, 0.54), (-0.1, 0.6), (0.05, 0.53)):
        pen.oval((x, y), 0.03, 0.022, darker(palette.things[1], 0.25))


def perfume(pen: Pen, palette: Palette) -> None:
    """A square flask with a heavy stopper."""
    glass = lighter(palette.things[0], 0.5)
    pen.box((-0.34, 0), (0.34, 0.62), glass, round_by=0.07)
    pen.box((-0.28, 0.05), (0.28, 0.42), palette.things[0], round_by=0.04)
    pen.box((0.1, 0.05), (0.28, 0.42), darker(palette.things[0], 0.14), round_by=0.04)
    pen.box((-0.31, 0.06), (-0.27, 0.56), (255, 255, 255), round_by=0.02)
    pen.box((-0.1, 0.6), (0.1, 0.7), mix(palette.things[2], (230, 200, 120), 0.6))
    cap = darker(palette.things[1], 0.35)
    pen.box((-0.16, 0.68), (0.16, 0.92), cap, round_by=0.04)
    pen.box((-0.12, 0.7), (-0.07, 0.9), lighter(cap, 0.35), round_by=0.02)
    _label(pen, 0.27, 0.19, 0.2, palette)


def mug(pen: Pen, palette: Palette) -> None:
    """A mug of something hot."""
    body = palette.things[1]
    pen.oval((0.36, 0.32), 0.36, 0.4, darker(body, 0.2))
    pen.oval((0.36, 0.32), 0.22, 0.26, palette.light)
    _glass(pen, 0.34, 0.6, body)
    pen.oval((0, 0.6), 0.68, 0.13, lighter(body, 0.3))
    pen.oval((0, 0.595), 0.58, 0.09, (92, 58, 40))
    for shift in (-0.12, 0.02, 0.16):
        rise = [(shift + 0.035 * math.sin(step * 0.9 + shift * 9), 0.68 + step * 0.035) for step in range(9)]
        pen.stroke(rise, lighter(palette.light, 0.6), 0.022)


def bag(pen: Pen, palette: Palette) -> None:
    """A tote bag, standing."""
    cloth = lighter(palette.things[0], 0.1)
    for shift, colour in ((0.05, darker(cloth, 0.3)), (-0.02, darker(cloth, 0.15))):
        angles = [math.pi * step / 12 for step in range(13)]
        pen.stroke([(shift + 0.17 * math.cos(angle), 0.6 + 0.33 * math.sin(angle)) for angle in angles], colour, 0.04)
    pen.patch([(-0.36, 0.62), (0.38, 0.62), (0.44, 0.02), (-0.42, 0.0)], cloth)
    pen.patch([(0.2, 0.62), (0.38, 0.62), (0.44, 0.02), (0.3, 0.01)], darker(cloth, 0.14))
    pen.stroke([(-0.35, 0.57), (0.37, 0.57)], darker(cloth, 0.2), 0.012)
    pen.oval((-0.02, 0.32), 0.3, 0.3, palette.things[2])
    pen.oval((-0.02, 0.32), 0.2, 0.2, lighter(palette.things[1], 0.2))


def shoe(pen: Pen, palette: Palette) -> None:
    """A sneaker in profile."""
    upper, sole = palette.things[0], lighter(palette.light, 0.6)
    back, toe = [(-0.58, 0.1), (-0.6, 0.42), (-0.5, 0.56), (-0.24, 0.52)], [(0.16, 0.28), (0.5, 0.22), (0.6, 0.1)]
    pen.patch([*back, (-0.12, 0.44), *toe], upper)
    pen.patch([(-0.6, 0.42), (-0.5, 0.56), (-0.24, 0.52), (-0.3, 0.4)], darker(upper, 0.3))
    pen.patch([(0.3, 0.1), (0.34, 0.245), (0.5, 0.22), (0.6, 0.1)], lighter(upper, 0.25))
    pen.patch([(-0.4, 0.12), (-0.1, 0.12), (0.1, 0.3), (0.0, 0.36)], palette.things[2])
    pen.box((-0.62, 0), (0.64, 0.12), sole, round_by=0.05)
    pen.box((-0.62, 0), (0.64, 0.045), darker(palette.things[1], 0.2), round_by=0.03)
    for step in range(4):
        x, y = -0.1 + step * 0.085, 0.42 - step * 0.05
        pen.stroke([(x, y), (x + 0.09, y + 0.055)], sole, 0.022)


def bottle(pen: Pen, palette: Palette) -> None:
    """A tall bottle with a label."""
    glass = palette.things[1]
    pen.patch([(-0.22, 0.5), (-0.08, 0.74), (0.08, 0.74), (0.22, 0.5)], glass)
    _glass(pen, 0.22, 0.56, glass)
    pen.box((-0.075, 0.7), (0.075, 0.9), glass)
    pen.box((-0.09, 0.86), (0.09, 1.0), darker(palette.things[0], 0.3), round_by=0.03)
    _label(pen, 0.29, 0.19, 0.28, palette)


def parcel(pen: Pen, palette: Palette) -> None:
    """A box with a ribbon, for everything else."""
    paper, ribbon = lighter(palette.things[1], 0.15), palette.things[2]
    pen.box((-0.44, 0), (0.44, 0.52), paper, round_by=0.02)
    pen.patch([(0.24, 0), (0.44, 0), (0.44, 0.52), (0.24, 0.52)], darker(paper, 0.12))
    pen.box((-0.08, 0), (0.08, 0.52), ribbon)
    pen.box((-0.48, 0.46), (0.48, 0.62), darker(paper, 0.06), round_by=0.02)
    pen.box((-0.08, 0.46), (0.08, 0.62), darker(ribbon, 0.1))
    for side in (-1, 1):
        pen.patch([(0, 0.62), (side * 0.1, 0.78), (side * 0.28, 0.8), (side * 0.24, 0.66)], ribbon)
        pen.patch([(0, 0.62), (side * 0.1, 0.7), (side * 0.18, 0.69)], darker(ribbon, 0.25))
    pen.oval((0, 0.645), 0.1, 0.09, darker(ribbon, 0.12))


THINGS: Mapping[Thing, tuple[str, ...]] = {
    candle: ("candle", "kerze", "キャンドル", "ろうそく", "bougie", "vela"),
    soap: ("soap", "seife", "ソープ", "石鹸", "savon", "shampoo bar"),
    perfume: ("perfume", "parfum", "fragrance", "cologne", "香水", "duft"),
    jar: ("scrub", "jar", "cream", "creme", "balm", "peeling", "butter", "honey", "jam", "スクラブ", "クリーム"),
    mug: ("mug", "cup", "tasse", "becher", "coffee", "tea", "マグ", "カップ"),
    shoe: ("shoe", "sneaker", "boot", "schuh", "stiefel", "靴", "スニーカー"),
    bag: ("bag", "tote", "backpack", "tasche", "beutel", "バッグ"),
    bottle: ("bottle", "wine", "oil", "juice", "lotion", "flasche", "serum", "ボトル", "オイル"),
}


def thing_of(prompt: str) -> Thing:
    """The thing that the case-folded prompt names first; a parcel if it names none."""
    places = {prompt.find(word): thing for thing, words in THINGS.items() for word in words if word in prompt}
    return places[min(places)] if places else parcel


def _drop(x: float, base: float, half: float, high: float) -> list[Point]:
    """The outline of a flame."""
    steps = [step / 16 for step in range(17)]
    right = [(x + half * math.sin(math.pi * part**0.6), base + high * part) for part in steps]
    return right + [(2 * x - px, py) for px, py in reversed(right)]
