"""One bar a ratio, as a picture: its median, its spread, and the bar it is held against."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from tests.benchmarks.rows import Row

WIDTH, LINE, MARGIN, TEXT = 1400, 30, 24, 640
GROUND, INK, GRID, GOOD, BAD, PLAIN = "#ffffff", "#1a1a1a", "#d0d0d0", "#2f7d4f", "#b3402e", "#7a7a7a"


def draw(rows: Sequence[Row], title: str, file: Path) -> None:
    """Every row is drawn to its own scale, with its bar (or its largest value) at two thirds of the width."""
    picture = Image.new("RGB", (WIDTH, 2 * MARGIN + LINE * (len(rows) + 1)), GROUND)
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(15)
    pen.text((MARGIN, MARGIN), title, INK, font)
    for number, row in enumerate(rows):
        _draw_row(pen, font, row, MARGIN + LINE * (number + 1))
    picture.save(file)


def _draw_row(pen: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, row: Row, top: int) -> None:
    width = WIDTH - TEXT - 2 * MARGIN - 180
    unit = width * 2 / 3 / (row.bar or max(row.ratios) or 1)
    colour = {None: PLAIN, True: GOOD, False: BAD}[row.is_reached]

    def at(value: float) -> int:
        return TEXT + round(min(value * unit, width))

    middle = top + LINE // 2
    pen.text((MARGIN, top + 4), row.what, INK, font)
    pen.rectangle((TEXT, top + 7, max(TEXT + 1, at(row.middle)), top + LINE - 7), fill=colour)
    pen.line((at(min(row.ratios)), middle, at(max(row.ratios)), middle), INK, 2)
    if row.bar is not None:
        pen.line((at(row.bar), top + 2, at(row.bar), top + LINE - 2), INK, 2)
    held = "" if row.bar is None else f"  {row.sign} {row.bar:g}"
    pen.text((TEXT + width + 12, top + 4), f"{row.middle:.3g}{held}", INK, font)
