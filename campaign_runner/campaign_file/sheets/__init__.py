"""Products from a spreadsheet: rows become products of the campaign file, each cell a text with its place.

What reads them is imported when it is first used: most campaign files name no sheet.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from campaign_runner.campaign_file.sheets.loading import with_products as with_products
    from campaign_runner.campaign_file.sheets.loading import with_rows as with_rows


def __getattr__(name: str) -> object:
    if name in ("with_products", "with_rows"):
        return getattr(import_module(f"{__name__}.loading"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
