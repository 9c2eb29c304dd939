"""The server of the adapters on PostgreSQL is stopped once the tests are over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fleet import postgres, turned_quota


@pytest.fixture(scope="session", autouse=True)
def no_server_stays() -> Iterator[None]:
    yield
    postgres.stop_shared()


@pytest.fixture(autouse=True)
def no_connection_stays() -> Iterator[None]:
    yield
    turned_quota.close()
