"""The calls between the command and the socket, on a real run: few enough to be read in one sitting."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import aiohttp
import pytest

import campaign_runner
from campaign_runner.cli.run import command
from campaign_runner.tasks import TaskSet
from tests.campaigns import SPRING
from tests.cli.typed import Ask

PACKAGE = Path(campaign_runner.__file__).parent
MAP = (PACKAGE / "README.md").read_text(encoding="utf-8")
MOST = 14
assert command.callback is not None
ENDS = {inspect.unwrap(command.callback).__code__, asyncio.Handle._run.__code__}
JOINT = TaskSet.start.__code__
"""Where a task begins another one; the call has returned before the other one does anything."""


def calls(frame: FrameType | None) -> Iterator[str]:
    """The functions of the package on a stack, the innermost first, as far as the command's own, or a task's first."""
    while frame is not None:
        code, file = frame.f_code, Path(frame.f_code.co_filename)
        if file.is_relative_to(PACKAGE) and code is not JOINT:
            module = file.relative_to(PACKAGE).with_suffix("")
            yield ".".join((*module.parts, code.co_qualname.replace(".<locals>", "")))
        frame = None if code in ENDS else frame.f_back


@pytest.fixture
def roads(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, ...]]:
    """The calls that led to each request for images, from the command on, tasks joined to the ones that began them."""
    begun: dict[asyncio.Task[Any] | None, list[str]] = {}
    roads: set[tuple[str, ...]] = set()
    new_loop, request = asyncio.new_event_loop, aiohttp.ClientSession.request

    def road() -> list[str]:
        loop = asyncio._get_running_loop()
        return [*calls(inspect.currentframe()), *begun.get(asyncio.current_task(loop) if loop else None, ())]

    def start(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(work, loop=loop, **options)
        begun[task] = road()
        return task

    def recording() -> asyncio.AbstractEventLoop:
        loop = new_loop()
        loop.set_task_factory(start)
        return loop

    def entered(session: aiohttp.ClientSession, method: str, url: Any, **options: Any) -> Any:
        if "generate" in url.path:
            roads.add(tuple(reversed(road())))
        return request(session, method, url, **options)

    monkeypatch.setattr(asyncio.events, "new_event_loop", recording)
    monkeypatch.setattr(aiohttp.ClientSession, "request", entered)
    return roads


def test_from_the_command_to_the_socket_it_is_fourteen_calls_and_the_map_lists_them(
    ask: Ask, account: dict[str, str], tmp_path: Path, roads: set[tuple[str, ...]]
) -> None:
    (tmp_path / "spring.yaml").write_text(SPRING, encoding="utf-8")
    assert ask("run", "spring.yaml", "--yes", **account).status == 0
    (road,) = roads
    section = MAP.partition("## From the command to the socket\n")[2].partition("\n## ")[0]
    assert len(road) <= MOST, "\n".join(road)
    assert re.findall(r"^\d+\. `([\w.]+)`", section, re.MULTILINE) == list(road)
