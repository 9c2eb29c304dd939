"""What is in an image file: whether it is whole, and how far two are apart.

`examine` is imported when it is first used: the decoders are large, and most commands look at no picture.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from campaign_runner.pictures.inspection import examine as examine


def __getattr__(name: str) -> object:
    if name == "examine":
        return getattr(import_module(f"{__name__}.inspection"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
