"""Pictures to store, real ones."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from PIL import Image


def picture(kind: str = "JPEG", size: tuple[int, int] = (64, 48), **options: Any) -> bytes:
    """A noisy picture of `kind`, as Pillow writes it with `options`."""
    content = BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(content, kind, **options)
    return content.getvalue()
