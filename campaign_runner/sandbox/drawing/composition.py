"""The whole drawing: a thing with its shadow on a table of planks, marble or neither, before a wall, in season."""

from __future__ import annotations

import random

from PIL import Image, ImageDraw, ImageFilter

from campaign_runner.sandbox.drawing.looks import Colour, Palette, darker, lighter, mix
from campaign_runner.sandbox.drawing.ornaments import ornaments
from campaign_runner.sandbox.drawing.scene import Scene
from campaign_runner.sandbox.drawing.subjects import Pen, thing_of
from campaign_runner.sandbox.drawing.walls import paint_wall

WOOD = ("oak", "wood", "eiche", "holz", "オーク", "木")
MARBLE = ("marble", "marmor", "大理石")
NEAR = ("macro", "close", "detail", "nah", "マクロ")


def compose(size: tuple[int, int], prompt: str, *, palette: Palette, seed: int) -> Image.Image:
    """The drawing for `prompt` in these colours, composed by `seed`."""
    dice = random.Random(f"{seed}:{prompt}")
    image = Image.new("RGB", size)
    lit, horizon = dice.choice((1, -1)), round(image.height * dice.uniform(0.58, 0.68))
    middle = image.width / 2 + min(size) * dice.uniform(-0.11, 0.11)
    scene = Scene(image, palette, seed, dice, prompt.casefold(), lit, horizon, middle)
    paint_wall(scene)
    _lay_table(scene)
    behind, before = ornaments(scene)
    behind(scene)
    _put(scene)
    before(scene)
    return image


def _put(scene: Scene) -> None:
    """The thing with its shadow; larger where the prompt asks to come close."""
    unit = scene.between(62, 68) if scene.says(*NEAR) else scene.between(43, 52)
    ground = scene.horizon + (scene.high - scene.horizon) * scene.dice.uniform(0.28, 0.4)
    _cast_shadow(scene, scene.middle + scene.lit * unit * 0.12, ground, unit)
    thing_of(scene.prompt)(Pen(scene.pen, scene.middle, ground, unit, scene.lit), scene.palette)


def _lay_table(scene: Scene) -> None:
    """The table, of what the prompt says."""
    is_marble = scene.says(*MARBLE)
    colour = lighter(scene.palette.light, 0.55) if is_marble else scene.palette.table
    scene.fade(scene.horizon, scene.high, (lighter(colour, 0.16), darker(colour, 0.22)))
    if is_marble:
        _veins(scene)
    elif scene.says(*WOOD):
        _planks(scene, colour)
    edge = (0, scene.horizon - scene.unit * 0.25, scene.wide, scene.horizon + scene.unit * 0.35)
    scene.pen.rectangle(edge, fill=lighter(colour, 0.3))


def _cast_shadow(scene: Scene, x: float, ground: float, unit: float) -> None:
    """A soft shadow of a thing `unit` pixels high, drawn small and enlarged."""
    wide, high = round(unit * 1.9), round(unit * 0.5)
    small = Image.new("L", (wide // 8, high // 8), 0)
    edges = (small.width * 0.17, small.height * 0.32, small.width * 0.83, small.height * 0.68)
    ImageDraw.Draw(small).ellipse(edges, fill=165)
    mask = small.filter(ImageFilter.GaussianBlur(unit * 0.007)).resize((wide, high), Image.Resampling.BILINEAR)
    corner = (round(x - wide / 2), round(ground - high * 0.47))
    scene.image.paste(darker(scene.palette.table, 0.75), (*corner, corner[0] + wide, corner[1] + high), mask)


def _planks(scene: Scene, colour: Colour) -> None:
    middle, deep = scene.wide / 2, scene.high - scene.horizon
    for number in range(-12, 13):
        away = number * scene.unit * 13
        joint = [(middle + away * 0.62, scene.horizon), (middle + away * 1.55, scene.high)]
        scene.line(joint, darker(colour, 0.3), 0.3)
    for _ in range(36):
        x, y = scene.dice.uniform(0, scene.wide), scene.horizon + deep * scene.dice.random() ** 0.8
        scene.line([(x, y), (x + scene.between(3, 14), y)], darker(colour, scene.dice.uniform(0.05, 0.22)), 0.15)


def _veins(scene: Scene) -> None:
    for _ in range(7):
        x, y = scene.dice.uniform(0, scene.wide), scene.dice.uniform(scene.horizon, scene.high)
        points = [(x, y)]
        for _ in range(7):
            x, y = x + scene.between(2, 8), max(scene.horizon, y + scene.between(-2, 2))
            points.append((x, y))
        scene.line(points, mix(scene.palette.shade, (150, 150, 160), 0.5), 0.25)
