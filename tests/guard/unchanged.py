"""The guard over what all tests of a process share: what a test puts in place of it is gone when its file is over.

That is each part of the program itself, and what the process is: its environment, its folder, its limits. What stays
would be there for whichever tests come next in the same process: they would pass or fail by their order.
"""

from __future__ import annotations

import logging
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

_PROGRAM = "campaign_runner"
_OF_PYTEST = "PYTEST_"
_LIMITS = ("RLIMIT_AS", "RLIMIT_CORE", "RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_NPROC")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM, signal.SIGPIPE, signal.SIGUSR1)
_program_before: dict[str, dict[str, object]] = {}
"""Of each module of the program: its names, as the first test of a file found them."""
_process_before: dict[str, object] = {}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup() -> Iterator[None]:
    if not _process_before:
        _program_before.update({name: dict(vars(module)) for name, module in _modules()})
        _process_before.update(_process())
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """After everything that belongs to the last test of a file, its last fixture included."""
    yield
    if nextitem is None or nextitem.path != item.path:
        changed = sorted((*_changed_program(), *_changed_process()))
        _program_before.clear()
        _process_before.clear()
        assert not changed, f"the tests of this file left changed: {', '.join(changed)}"


def _modules() -> list[tuple[str, object]]:
    return [
        (name, module)
        for name, module in sys.modules.items()
        if name.partition(".")[0] == _PROGRAM and module is not None
    ]


def _changed_program() -> Iterator[str]:
    """Names that mean something else than before. What was imported meanwhile is no change."""
    for name, module in _modules():
        now = vars(module)
        for part, was in _program_before.get(name, {}).items():
            if now.get(part) is not was:
                yield f"{name}.{part}"


def _process() -> dict[str, object]:
    """What this process is, by names that say where it is set."""
    os.umask(umask := os.umask(0o77))
    told: dict[str, object] = {
        f"${name}": value for name, value in os.environ.items() if not name.startswith(_OF_PYTEST)
    }
    told |= {signal.Signals(number).name: signal.getsignal(number) for number in _SIGNALS}
    told |= {name: resource.getrlimit(getattr(resource, name)) for name in _LIMITS}
    told |= {"folder": Path.cwd(), "umask": umask, "user": os.getresuid(), "time zone": time.tzname}
    told |= {"sys.path": tuple(sys.path), "sys.argv": tuple(sys.argv), "logging": logging.root.manager.disable}
    return told


def _changed_process() -> Iterator[str]:
    now = _process()
    for name in _process_before.keys() | now.keys():
        if now.get(name) != _process_before.get(name):
            yield name
