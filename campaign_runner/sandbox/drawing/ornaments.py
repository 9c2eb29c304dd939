"""What the season brings: leaves, snow, blossoms, lemons; pebbles the rest of the year.

Words of the prompt say which season it is, in the languages that campaigns of this
kind are written in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from campaign_runner.sandbox.drawing.looks import Colour, darker, mix
from campaign_runner.sandbox.drawing.scene import Point, Scene

Ornament = Callable[[Scene], None]


def ornaments(scene: Scene) -> tuple[Ornament, Ornament]:
    """What is drawn behind the thing and what before it."""
    return next((pair for words, pair in SEASONS.items() if scene.says(*words)), (_nothing, _pebbles))


def _nothing(scene: Scene) -> None:
    """An empty room is one, too."""


def _pebbles(scene: Scene) -> None:
    for _ in range(4):
        colour = mix(scene.palette.table, scene.palette.light, scene.dice.uniform(0.3, 0.7))
        scene.disc(_spot(scene), scene.between(1.8, 3.6), colour, flat=0.66)


def _falling_leaves(scene: Scene) -> None:
    for _ in range(9):
        where = (scene.dice.uniform(0, scene.wide), scene.dice.uniform(scene.high * 0.05, scene.horizon * 0.9))
        _leaf(scene, where, scene.between(3, 5))


def _lying_leaves(scene: Scene) -> None:
    for _ in range(10):
        _leaf(scene, _spot(scene), scene.between(4, 6.5))


def _leaf(scene: Scene, where: Point, long: float) -> None:
    angle, colour = scene.dice.uniform(0, math.tau), scene.dice.choice(AUTUMN)
    across, along = math.cos(angle), math.sin(angle)
    half = [(math.sin(math.pi * part / 8) * 0.36, part / 8) for part in range(9)]
    outline = half + [(-x, y) for x, y in reversed(half)]
    x0, y0 = where
    points = [(x0 + long * (x * across - y * along), y0 + long * (x * along + y * across)) for x, y in outline]
    scene.pen.polygon(points, fill=colour)
    scene.line([where, (x0 - long * 1.15 * along, y0 + long * 1.15 * across)], darker(colour, 0.35), 0.25)


def _snow(scene: Scene) -> None:
    for _ in range(70):
        where = (scene.dice.uniform(0, scene.wide), scene.dice.uniform(0, scene.high))
        scene.disc(where, scene.between(0.25, 0.8), (250, 252, 255))


def _firs(scene: Scene) -> None:
    for _ in range(7):
        x, high = scene.dice.uniform(0, scene.wide), scene.between(16, 34)
        green = mix((46, 84, 66), scene.palette.shade, scene.dice.uniform(0.15, 0.5))
        for part in (0.0, 0.28, 0.52):
            half, base = high * 0.3 * (1 - part), scene.horizon - high * part
            scene.pen.polygon([(x - half, base), (x + half, base), (x, base - high * 0.48)], fill=green)


def _blossoms(scene: Scene) -> None:
    for _ in range(9):
        (x, y), radius, colour = _spot(scene), scene.between(1.3, 2.4), scene.dice.choice(BLOSSOMS)
        for petal in range(5):
            angle = petal * math.tau / 5
            where = (x + radius * math.cos(angle), y + radius * math.sin(angle) * 0.7)
            scene.disc(where, radius * 0.7, colour, flat=0.72)
        scene.disc((x, y), radius * 0.4, (240, 200, 80), flat=0.75)


def _branch(scene: Scene) -> None:
    """A twig that reaches in from one side, in bloom."""
    side = scene.dice.choice((0, 1))
    x, y = float(side * scene.wide), scene.high * 0.12
    for _ in range(8):
        onward = (x + (1 - 2 * side) * scene.between(3, 8), y + scene.between(-2, 4))
        scene.line([(x, y), onward], (112, 84, 66), 0.7)
        x, y = onward
        scene.disc(onward, scene.between(1.6, 3), scene.dice.choice(BLOSSOMS))


def _lemons(scene: Scene) -> None:
    for _ in range(5):
        (x, y), radius = _spot(scene), scene.between(2.8, 4.4)
        for part, colour in ((1.0, PEEL), (0.86, PITH), (0.74, FLESH)):
            scene.disc((x, y), radius * part, colour, flat=0.6)
        for ray in range(4):
            dx, dy = radius * 0.7 * math.cos(ray * math.pi / 4), radius * 0.42 * math.sin(ray * math.pi / 4)
            scene.line([(x - dx, y - dy), (x + dx, y + dy)], PITH, 0.3)


def _spot(scene: Scene) -> Point:
    """A place on the table, beside the thing."""
    away = scene.dice.choice((-1, 1)) * scene.dice.uniform(0.2, 0.5) * scene.wide
    deep = scene.high - scene.horizon
    return scene.wide / 2 + away, scene.dice.uniform(scene.horizon + deep * 0.15, scene.horizon + deep * 0.68)


AUTUMN: tuple[Colour, ...] = ((196, 84, 38), (222, 148, 48), (150, 52, 36), (178, 120, 50), (120, 110, 52))
BLOSSOMS: tuple[Colour, ...] = ((246, 190, 204), (250, 222, 228), (236, 150, 178), (255, 244, 240))
PEEL, PITH, FLESH = (232, 176, 40), (253, 245, 205), (250, 214, 84)

SEASONS: Mapping[tuple[str, ...], tuple[Ornament, Ornament]] = {
    ("autumn", "fall leaves", "herbst", "laub", "秋"): (_falling_leaves, _lying_leaves),
    ("winter", "snow", "christmas", "holiday", "weihnacht", "schnee", "冬", "雪"): (_firs, _snow),
    ("spring", "flower", "blossom", "frühling", "blüte", "春", "桜"): (_branch, _blossoms),
    ("summer", "beach", "citrus", "lemon", "sommer", "zitrone", "夏"): (_nothing, _lemons),
}
