"""The guard over the program itself: what a test puts in place of a part of it is gone again when its file is over.

What stays would be there for whichever tests come next in the same process: they would pass or fail by their order.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

_PROGRAM = "campaign_runner"
_before: dict[str, dict[str, object]] = {}
"""Of each module of the program: its names, as the first test of a file found them."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup() -> Iterator[None]:
    if not _before:
        _before.update({name: dict(vars(module)) for name, module in _modules()})
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """After everything that belongs to the last test of a file, its last fixture included."""
    yield
    if nextitem is None or nextitem.path != item.path:
        changed = sorted(_changed())
        _before.clear()
        assert not changed, f"the tests of this file left the program changed: {', '.join(changed)}"


def _modules() -> list[tuple[str, object]]:
    return [
        (name, module)
        for name, module in sys.modules.items()
        if name.partition(".")[0] == _PROGRAM and module is not None
    ]


def _changed() -> Iterator[str]:
    """Names that mean something else than before. What was imported meanwhile is no change."""
    for name, module in _modules():
        now = vars(module)
        for part, was in _before.get(name, {}).items():
            if now.get(part) is not was:
                yield f"{name}.{part}"
