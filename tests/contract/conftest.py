"""Client and sandbox live in one loop of virtual time here."""

from tests.fixtures import pytest_asyncio_loop_factories

__all__ = ["pytest_asyncio_loop_factories"]
