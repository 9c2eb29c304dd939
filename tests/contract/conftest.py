"""Client and sandbox live in one loop of virtual time here."""

from tests.fixtures import pictures_drawn_once, pytest_asyncio_loop_factories

__all__ = ["pictures_drawn_once", "pytest_asyncio_loop_factories"]
