"""Every test here lives in virtual time, client and server in one loop: how busy the machine is meets no limit."""

from tests.fixtures import pytest_asyncio_loop_factories

__all__ = ["pytest_asyncio_loop_factories"]
