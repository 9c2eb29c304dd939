"""What the image models can do, as far as code asks it of their rows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from campaign_runner.families import FAMILIES, has_its_size
from campaign_runner.model import Size

ASKED = Size(1344, 756)


@pytest.mark.parametrize(
    ("version", "received", "is_so"),
    [
        ("image3", Size(1344, 756), True),
        ("image3", Size(1344, 768), False),
        ("of pixels near", Size(1344, 768), True),  # 1.6 % from the ratio
        ("of pixels near", Size(2688, 1536), True),
        ("of pixels near", Size(756, 1344), False),
        ("of a later version", Size(1344, 756), True),  # its job was paid for: the pixels decide
        ("of a later version", Size(1344, 768), False),
    ],
)
def test_a_picture_has_the_pixels_or_the_ratio_that_its_model_promises(
    version: str, received: Size, is_so: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FAMILIES, "of pixels near", replace(FAMILIES["image3"], has_pixels=False))
    assert has_its_size(version, ASKED, received) is is_so
