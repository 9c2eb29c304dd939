"""From a look to colours and a finish: which palette, and what is done to the drawing.

Ids are Adobe's style presets; one that is not listed here gets a palette of its own
by its name, since any id is accepted. Colours are RGB.
"""

from __future__ import annotations

import colorsys
import random
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Colour = tuple[int, int, int]
Finish = Literal["smooth", "grey", "brush", "wash", "pixels", "lines", "poster", "grain", "dots", "glow"]


@dataclass(frozen=True, slots=True)
class Palette:
    """Light and shade of the wall, the table, and three colours for things."""

    light: Colour
    shade: Colour
    table: Colour
    things: tuple[Colour, Colour, Colour]


def _palette(*words: str) -> Palette:
    colours = [(int(word[0:2], 16), int(word[2:4], 16), int(word[4:6], 16)) for word in words]
    return Palette(colours[0], colours[1], colours[2], (colours[3], colours[4], colours[5]))


PALETTES: Mapping[str, Palette] = {
    "linen": _palette("f3ece1", "d3c5b2", "a98a6b", "7f8f6a", "b8683a", "e6cfa8"),
    "sage": _palette("e9efe4", "aec2a8", "8c7a5f", "d98e73", "5d7a64", "f1dcb5"),
    "clay": _palette("f5ddd0", "d59f86", "8f5a45", "6b8f8a", "c14f3b", "f3c9a3"),
    "dusk": _palette("d9d5e6", "8f88ad", "5d5570", "e0a370", "6a8caf", "f0d9c0"),
    "sand": _palette("f4e6c8", "dcb878", "9a7446", "3f6c6b", "cf5c3c", "f6d38a"),
    "warm": _palette("fbe0b8", "e2954e", "8a4b26", "b8402e", "e0a030", "f6cf7a"),
    "cool": _palette("e2eff5", "8db4cb", "47677a", "2d5673", "7cc0d8", "f0a868"),
    "pastel": _palette("fdeaf1", "dccdf0", "c3b0e0", "f3a3a8", "8fcfd0", "f8e0a8"),
    "vivid": _palette("ffd84d", "f0476b", "5a1a78", "10b070", "2f6bff", "ff7a35"),
    "dark": _palette("4a4450", "15131a", "2c211c", "d9a24f", "a5503a", "6c8c72"),
    "mono": _palette("efefef", "b0b0b0", "6d6d6d", "3c3c3c", "8c8c8c", "d8d8d8"),
    "neon": _palette("3c1877", "120a30", "0a0620", "f72585", "35d5f5", "b028d0"),
    "paper": _palette("faf6ec", "efe7d4", "d9ccb2", "2f3a45", "c0503c", "e3b55a"),
    "earth": _palette("ece4d2", "b9a684", "6b573c", "56694a", "a4673f", "dcc07a"),
}
PHOTO_PALETTES = ("linen", "sage", "clay", "dusk", "sand")
ART_PALETTES = ("pastel", "vivid", "clay", "cool", "paper")

_COLOURED: Mapping[str, str] = {
    "mono": "bw monochromatic film_noir daguerreotype charcoal",
    "warm": "warm_tone golden golden_hour nostalgic",
    "earth": "antique_photo grainy_film muted_color oil_paint fresco",
    "paper": "faded_image sketch line_drawing ink doodle_drawing stippling_drawing linocut bauhaus",
    "cool": "cool_colors misty underwater geometric_pen vector_look pattern_pixel low_poly",
    "pastel": "pastel_color impressionism watercolor flat_design anime",
    "vivid": "vibrant_colors color_explosion acrylic_paint halftone pop_art comic_book graphic cartoon pixel_art",
    "dark": "dark low_lighting dramatic_light chiaroscuro",
    "linen": "studio_light product_photo",
    "sand": "backlighting palette_knife",
    "dusk": "bokeh",
    "neon": "neon synthwave cyberpunk vaporwave bioluminescent wireframe",
    "clay": "painting",
    "sage": "pointillism",
}
"""Which styles have the colours of a palette."""
_FINISHED: Mapping[Finish, str] = {
    "grey": "bw monochromatic film_noir daguerreotype",
    "glow": "golden_hour misty underwater low_lighting dramatic_light backlighting bokeh neon synthwave bioluminescent",
    "grain": "nostalgic antique_photo grainy_film faded_image cyberpunk",
    "brush": "color_explosion chiaroscuro painting oil_paint acrylic_paint palette_knife impressionism",
    "poster": "vaporwave linocut vector_look flat_design graphic bauhaus cartoon anime",
    "wash": "fresco watercolor",
    "lines": "sketch line_drawing ink charcoal doodle_drawing geometric_pen wireframe",
    "dots": "halftone pop_art comic_book stippling_drawing pointillism",
    "pixels": "pixel_art pattern_pixel low_poly",
}
"""Which styles have a finish; the others are smooth."""
_FINISH_OF = {style: finish for finish, styles in _FINISHED.items() for style in styles.split()}
STYLES: Mapping[str, tuple[str, Finish]] = {
    style: (palette, _FINISH_OF.get(style, "smooth"))
    for palette, styles in _COLOURED.items()
    for style in styles.split()
}
GUESSES: tuple[Finish, ...] = ("smooth", "brush", "wash", "poster", "glow")
"""Finishes for styles not listed."""


def look_of(styles: Sequence[str], content_class: str, *, seed: int) -> tuple[Palette, tuple[Finish, ...]]:
    """Colours and finishes: the first style gives the colours, each style its finish.

    Without styles the seed chooses among colours that suit the content class; seeds
    that are near each other get different ones.
    """
    dice = random.Random(seed)
    if not styles:
        is_art = content_class == "art"
        names = ART_PALETTES if is_art else PHOTO_PALETTES
        return _turned(PALETTES[names[seed % len(names)]], dice), ("poster",) if is_art else ()
    looks = [STYLES.get(style) or _guess(style) for style in styles]
    finishes = dict.fromkeys(finish for _, finish in looks if finish != "smooth")
    return _turned(PALETTES[looks[0][0]], dice), tuple(finishes)


def _guess(style: str) -> tuple[str, Finish]:
    number = zlib.crc32(style.encode())
    return sorted(PALETTES)[number % len(PALETTES)], GUESSES[number % len(GUESSES)]


def mix(one: Colour, other: Colour, part: float) -> Colour:
    """`part` of the other colour in the one: 0 to 1."""
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(one, other, strict=True))
    return red, green, blue


def lighter(colour: Colour, part: float) -> Colour:
    """Towards white."""
    return mix(colour, (255, 255, 255), part)


def darker(colour: Colour, part: float) -> Colour:
    """Towards a warm black."""
    return mix(colour, (28, 18, 24), part)


def _turned(palette: Palette, dice: random.Random) -> Palette:
    """The palette with its hues a little further round the circle, and its things in another order."""
    angle = dice.uniform(-0.035, 0.035)
    things = [_turn(colour, angle) for colour in palette.things]
    dice.shuffle(things)
    return Palette(
        _turn(palette.light, angle), _turn(palette.shade, angle), palette.table, (things[0], things[1], things[2])
    )


def _turn(colour: Colour, angle: float) -> Colour:
    hue, saturation, value = colorsys.rgb_to_hsv(*(part / 255 for part in colour))
    red, green, blue = (round(part * 255) for part in colorsys.hsv_to_rgb((hue + angle) % 1, saturation, value))
    return red, green, blue
