"""The guard over tests that hang: what takes longer than any test should is ended, and its stack is told.

A process that waits for ever cannot be asked for anything, so the whole process of the test ends. A worker of
pytest-xdist is replaced, its test fails, and what it had started is ended, too: it would hold what reads our words.
"""

from __future__ import annotations

import faulthandler
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

USUAL = 300.0
"""Seconds for a test, and for its fixtures to begin and to end: many times what any takes on a busy machine."""
PROOF = 900.0
"""The same for a longer proof."""
_WORDS = pytest.StashKey[int]()
"""Where stacks are told: the stream as it was before it was taken away to look at what a test says."""


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_WORDS] = os.dup(2)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    with _ended_in_time(item):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with _ended_in_time(item):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    with _ended_in_time(item):
        return (yield)


@contextmanager
def _ended_in_time(item: pytest.Item) -> Iterator[None]:
    seconds = PROOF if item.get_closest_marker("proof") is not None else USUAL
    faulthandler.dump_traceback_later(seconds, exit=True, file=item.config.stash[_WORDS])
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object | None) -> None:
    """A worker has ended; where there is an error, in the middle of a test."""
    if error is not None:
        run, worker = node.workerinput["testrunuid"], node.workerinput["workerid"]
        for process in _started_by(run, worker):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def _started_by(run: str, worker: str) -> Iterator[int]:
    """The processes that were started by a worker, told by the environment it gave them."""
    marks = {f"PYTEST_XDIST_TESTRUNUID={run}".encode(), f"PYTEST_XDIST_WORKER={worker}".encode()}
    for file in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # gone, or somebody else's
            if marks <= set(file.read_bytes().split(b"\0")):
                yield int(file.parent.name)
