"""What is behind the thing: a niche, a disc, the light of a window, panels, frames, hills."""

from __future__ import annotations

import math
from collections.abc import Callable

from campaign_runner.sandbox.drawing.looks import darker, lighter, mix
from campaign_runner.sandbox.drawing.scene import Scene


def paint_wall(scene: Scene) -> None:
    """The wall, and one of six things on it."""
    palette = scene.palette
    scene.fade(0, scene.horizon, (palette.light, mix(palette.light, palette.shade, 0.75)))
    WALLS[scene.seed % len(WALLS)](scene)


def _niche(scene: Scene) -> None:
    half, top = scene.between(26, 34), scene.horizon - scene.between(48, 56)
    rim, inside = lighter(scene.palette.light, 0.3), mix(scene.palette.shade, scene.palette.things[2], 0.35)
    for inset, colour in ((0.0, rim), (scene.unit * 1.6, inside)):
        scene.disc((scene.middle, top + half), half - inset, colour)
        left, right = scene.middle - half + inset, scene.middle + half - inset
        scene.pen.rectangle((left, top + half, right, scene.horizon), fill=colour)


def _disc(scene: Scene) -> None:
    radius = scene.between(25, 33)
    where = (scene.middle - scene.lit * scene.between(4, 18), scene.horizon - radius * scene.dice.uniform(0.5, 0.9))
    scene.disc(where, radius, mix(scene.palette.things[2], scene.palette.light, 0.25))


def _window(scene: Scene) -> None:
    """Nine panes of light, slanting over the wall."""
    colour = lighter(scene.palette.light, 0.5)
    pane, slant = scene.unit * 15, scene.unit * 12 * scene.lit
    left, top = scene.middle - scene.between(20, 40), scene.high * 0.08
    for column in range(3):
        for row in range(3):
            x, y = left + column * pane * 1.18 + slant * row * 0.7, top + row * pane * 1.18
            corners = [(x, y), (x + pane, y + pane * 0.16), (x + pane + slant, y + pane * 1.16), (x + slant, y + pane)]
            scene.pen.polygon(corners, fill=colour)


def _panels(scene: Scene) -> None:
    step, thick = scene.between(9, 14), scene.unit * 0.5
    dark, bright = darker(scene.palette.shade, 0.06), lighter(scene.palette.light, 0.1)
    for number in range(math.ceil(scene.wide / step) + 1):
        left = number * step - scene.middle % step
        scene.pen.rectangle((left, 0, left + thick, scene.horizon), fill=dark)
        scene.pen.rectangle((left + thick, 0, left + 2 * thick, scene.horizon), fill=bright)


def _frames(scene: Scene) -> None:
    """Two framed pictures."""
    for side, size in ((-1, 24), (1, 18)):
        half, edge = scene.unit * size / 2, scene.unit * 1.2
        x, top = scene.middle + side * scene.between(20, 30), scene.horizon - scene.between(48, 58)
        scene.pen.rectangle((x - half, top, x + half, top + half * 2.4), fill=darker(scene.palette.things[1], 0.1))
        inside = (x - half + edge, top + edge, x + half - edge, top + half * 2.4 - edge)
        scene.pen.rectangle(inside, fill=lighter(scene.palette.light, 0.4))
        scene.disc((x, top + half * 1.2), half * 0.5, scene.palette.things[side])


def _hills(scene: Scene) -> None:
    """Three soft shapes, one before the other."""
    for number, part in enumerate((0.25, 0.5, 0.75)):
        colour = mix(scene.palette.shade, scene.palette.things[number], part * 0.6)
        x = scene.middle + scene.between(-45, 45)
        scene.disc((x, scene.horizon), scene.between(34, 58), colour, flat=scene.dice.uniform(0.35, 0.75))


WALLS: tuple[Callable[[Scene], None], ...] = (_niche, _disc, _window, _panels, _frames, _hills)
