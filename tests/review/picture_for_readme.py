"""Draws the picture of the review page that the README shows: `python -m tests.review.picture_for_readme`.

It runs the sample campaign in the sandbox, chooses a little by keyboard, and keeps what the browser then shows.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from tests.review.page.browser import Reader, open_browser

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "campaigns" / "review.webp"
_SIZE = {"width": 1280, "height": 760}
_SMALLER = (1120, 665)


def page_of_the_sample(place: Path) -> Path:
    """The page that a run of the sample leaves."""
    shutil.copy(ROOT / "campaigns" / "first.yaml", place / "first.yaml")
    command = [sys.executable, "-m", "campaign_runner", "run", "--sandbox", "first.yaml", "--quiet"]
    subprocess.run(command, cwd=place, check=True)
    return next(place.rglob("review.html"))


async def picture_of(address: str) -> bytes:
    """The page in the middle of a review, as PNG."""
    async with open_browser() as browser:
        anna = await Reader.of(browser, viewport=_SIZE, color_scheme="light")
        await anna.open(address)
        await anna.into_grid()
        await anna.press("3")
        await anna.say_name("Anna")
        await anna.press("x", "8", "x", "2", "ArrowUp", "ArrowRight", "ArrowRight")
        await anna.page.evaluate("document.getElementById('toast').hidden = true; scrollTo(0, 0)")
        await anna.page.wait_for_function("[...document.images].slice(0, 8).every((image) => image.complete)")
        return await anna.page.screenshot()


def main() -> None:
    """Draw it."""
    with TemporaryDirectory(prefix="picture-") as place:
        shown = asyncio.run(picture_of(page_of_the_sample(Path(place)).as_uri()))
    with Image.open(BytesIO(shown)) as picture:
        picture.resize(_SMALLER, Image.Resampling.LANCZOS).save(PICTURE, quality=82, method=6)


if __name__ == "__main__":
    main()
