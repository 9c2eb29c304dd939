"""The guard's part of pytest: whoever made an attempt that was refused fails, whatever became of the error."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guard import guarding

HERE = str(Path(__file__).parent)


def pytest_configure() -> None:
    """Guard this process and all it starts; each worker keeps its own record."""
    handle, record = tempfile.mkstemp(prefix="refused-connections-")
    os.close(handle)
    os.environ[guarding.RECORD] = record
    others = [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder not in ("", HERE)]
    os.environ["PYTHONPATH"] = os.pathsep.join([HERE, *others])
    guarding.stand()


def pytest_unconfigure() -> None:
    guarding.forget()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """After everything that belongs to a test, its last fixture included."""
    yield
    refused = guarding.attempts()
    guarding.forget()
    assert not refused, "the tests connect to 127.0.0.0/8 only:\n" + "\n".join(refused)
