"""Nights on the sandbox in virtual time, and pictures that are drawn once."""

from tests.fixtures import begin, pictures_drawn_once, pytest_asyncio_loop_factories, quick_disk

__all__ = ["begin", "pictures_drawn_once", "pytest_asyncio_loop_factories", "quick_disk"]
