"""What each image model of Firefly can do, as rows of data.

A new model of a known interface is a new row. Source of the figures: the `size` text and the
field notes of `GenerateImagesRequestV3` in Adobe's Firefly API specification, and for the one
image a request of image4_ultra Adobe's Experience League tutorial.
"""

from __future__ import annotations

from dataclasses import dataclass

from campaign_runner.model import Size

PROMPT_CHARACTERS = 1024
LARGEST_SEED = 2_147_483_647
NEAR = 0.05
"""How far the ratio of a picture's sides may be from the one asked for."""

_SQUARE, _LANDSCAPE, _PORTRAIT, _WIDE = Size(2048, 2048), Size(2304, 1792), Size(1792, 2304), Size(2688, 1536)
_TALL = Size(1440, 2560)
_SMALLER = (Size(2688, 1512), Size(1344, 768), Size(1344, 756), Size(1152, 896), Size(1024, 1024), Size(896, 1152))
_LOOK = frozenset(
    (
        *("content_class", "visual_intensity", "negative_prompt", "locale", "format"),
        *("styles", "strength", "style_reference", "structure_reference", "structure_strength"),
    )
)


@dataclass(frozen=True, slots=True)
class Family:
    """An image model and its limits. `pack` is how many seeds one request may carry.

    `takes` are the look fields that it heeds. Where it `has_pixels`, pictures have the very pixels of `sizes`;
    otherwise these are only near, and a picture must have their ratio.
    """

    id: str  # the value of x-model-version
    pack: int
    sizes: tuple[Size, ...]
    names: dict[str, Size]
    is_custom: bool = False
    takes: frozenset[str] = _LOOK
    interface: str = "v3"
    prompt_characters: int = PROMPT_CHARACTERS
    has_pixels: bool = True

    def called(self, size: Size) -> str:
        """The name of a size; its pixels where it has none."""
        return next((name for name, pixels in self.names.items() if pixels == size), str(size))


_NAMES = {"square": _SQUARE, "landscape": _LANDSCAPE, "portrait": _PORTRAIT, "wide": _WIDE}
_NAMES_4 = {**_NAMES, "tall": _TALL}
_SIZES_3 = (*_NAMES.values(), *_SMALLER)
_SIZES_4 = tuple(_NAMES_4.values())

FAMILIES = {
    family.id: family
    for family in (
        Family("image3", 4, _SIZES_3, _NAMES),
        Family("image3_custom", 4, _SIZES_3, _NAMES, is_custom=True, takes=_LOOK - {"negative_prompt"}),
        Family("image4_standard", 4, _SIZES_4, _NAMES_4),
        Family("image4_ultra", 1, _SIZES_4, _NAMES_4),
        Family(
            "image4_custom",
            4,
            _SIZES_4,
            _NAMES_4,
            is_custom=True,
            takes=_LOOK - {"negative_prompt", "visual_intensity"} | {"upsampler"},
        ),
    )
}


def has_its_size(version: str, asked: Size, received: Size) -> bool:
    """Whether a picture has the size that was asked for. Of a model without a row: whether it has these very pixels."""
    family = FAMILIES.get(version)
    if family is None or family.has_pixels:
        return received == asked
    return abs(received.width * asked.height - asked.width * received.height) <= NEAR * asked.width * received.height


CUSTOM_BASES = {"clio_v2": "image3_custom"}
"""The family of a custom model, by the name of its base model: Adobe's tutorial shows this one and no other."""
