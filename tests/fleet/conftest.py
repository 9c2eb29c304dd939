"""The server of the tests, stopped once they are over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fleet import postgres, turned_quota


@pytest.fixture(scope="session", autouse=True)
def no_server_stays() -> Iterator[None]:
    yield
    postgres.stop_shared()


@pytest.fixture(scope="session")
def fleet() -> postgres.Fleet:
    return postgres.shared()


@pytest.fixture(autouse=True)
def no_connection_stays() -> Iterator[None]:
    yield
    turned_quota.close()
