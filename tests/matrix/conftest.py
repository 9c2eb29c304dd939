"""Nights in virtual time, as the tests of the run have them."""

from __future__ import annotations

from tests.fixtures import begin, pictures_drawn_once, pytest_asyncio_loop_factories, quick_disk

__all__ = ["begin", "pictures_drawn_once", "pytest_asyncio_loop_factories", "quick_disk"]
