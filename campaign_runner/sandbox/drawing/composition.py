"""A thing on a table before a wall, in season: the whole drawing."""

from __future__ import annotations

import random

from PIL import Image

from campaign_runner.sandbox.drawing.looks import Palette
from campaign_runner.sandbox.drawing.ornaments import ornaments
from campaign_runner.sandbox.drawing.scene import Scene
from campaign_runner.sandbox.drawing.subjects import Pen, thing_of
from campaign_runner.sandbox.drawing.tables import cast_shadow, lay_table
from campaign_runner.sandbox.drawing.walls import paint_wall

NEAR = ("macro", "close", "detail", "nah", "マクロ")


def compose(size: tuple[int, int], prompt: str, *, palette: Palette, seed: int) -> Image.Image:
    """The drawing for `prompt` in these colours, composed by `seed`."""
    dice = random.Random(f"{seed}:{prompt}")
    image = Image.new("RGB", size)
    lit, horizon = dice.choice((1, -1)), round(image.height * dice.uniform(0.58, 0.68))
    middle = image.width / 2 + min(size) * dice.uniform(-0.11, 0.11)
    scene = Scene(image, palette, seed, dice, prompt.casefold(), lit, horizon, middle)
    paint_wall(scene)
    lay_table(scene)
    behind, before = ornaments(scene)
    behind(scene)
    _put(scene)
    before(scene)
    return image


def _put(scene: Scene) -> None:
    """The thing with its shadow; larger where the prompt asks to come close."""
    unit = scene.between(62, 68) if scene.says(*NEAR) else scene.between(43, 52)
    ground = scene.horizon + (scene.high - scene.horizon) * scene.dice.uniform(0.28, 0.4)
    cast_shadow(scene, scene.middle + scene.lit * unit * 0.12, ground, unit)
    thing_of(scene.prompt)(Pen(scene.pen, scene.middle, ground, unit, scene.lit), scene.palette)
